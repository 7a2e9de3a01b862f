//! The account of all messages of a round, and of what the killed had in hand.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nix::unistd::{Pid, getpid};

use crate::common::child::is_running;

/// Messages of one round, at most; whoever draws a higher number stops sending.
const MOST: u64 = 1 << 18;
/// The rest is for the time after the last kill.
const ENOUGH: u64 = MOST / 4 * 3;

const SENT: u32 = 1;
const REFUSED: u32 = 1 << 1;
/// Received for good, or leased and done.
const TAKEN: u32 = 1 << 2;
const LEASED: u32 = 1 << 3;
/// Somebody was killed who may have finished it.
const EXCUSED: u32 = 1 << 4;
/// Above those, the process that has it on lease.
const LEASER: u32 = 8;

pub struct Ledger {
    next: AtomicU64,
    messages: [AtomicU32; MOST as usize],
    took: AtomicU64,
    /// Leases of dead letters.
    pub letters: AtomicU64,
    /// Killed while they may have received some message, nobody knows which.
    lost_at_most: AtomicU64,
    /// Additions to the locked counter that were completed.
    pub added: AtomicU64,
    /// Killed while they may have added without saying so.
    added_at_most: AtomicU64,
}

impl Ledger {
    pub const fn new() -> Self {
        Self {
            next: AtomicU64::new(0),
            messages: [const { AtomicU32::new(0) }; MOST as usize],
            took: AtomicU64::new(0),
            letters: AtomicU64::new(0),
            lost_at_most: AtomicU64::new(0),
            added: AtomicU64::new(0),
            added_at_most: AtomicU64::new(0),
        }
    }

    /// The number of a new message; `None` when there were enough.
    pub fn draw(&self) -> Option<u64> {
        let id = self.next.fetch_add(1, Ordering::AcqRel);
        (id < MOST).then_some(id)
    }

    /// Whether it is time to come to the end.
    pub fn is_long(&self) -> bool {
        self.next.load(Ordering::Acquire) > ENOUGH
    }

    /// How many messages were taken.
    pub fn took(&self) -> u64 {
        self.took.load(Ordering::Acquire)
    }

    fn mark(&self, id: u64, what: u32) -> Result<u32, String> {
        let message = usize::try_from(id).ok().and_then(|id| self.messages.get(id));
        let message = message.ok_or_else(|| format!("message {id} was never sent"))?;
        Ok(message.fetch_or(what, Ordering::AcqRel))
    }

    pub fn sent(&self, id: u64) -> Result<(), String> {
        self.mark(id, SENT).map(drop)
    }

    pub fn refused(&self, id: u64) -> Result<(), String> {
        self.mark(id, REFUSED).map(drop)
    }

    pub fn excused(&self, id: u64) -> Result<(), String> {
        self.mark(id, EXCUSED).map(drop)
    }

    /// So many were killed while they may have received something.
    pub fn may_be_lost(&self, messages: u64) {
        self.lost_at_most.fetch_add(messages, Ordering::AcqRel);
    }

    /// So many were killed while they may have added.
    pub fn may_be_added(&self, additions: u64) {
        self.added_at_most.fetch_add(additions, Ordering::AcqRel);
    }

    /// This process has it on lease, for the `attempts`th time.
    pub fn leased(&self, id: u64, attempts: u32) -> Result<(), String> {
        let before = self.mark(id, LEASED)?;
        is_free(id, before)?;
        if before & LEASED != 0 && attempts == 1 {
            return Err(format!("message {id} is leased for the first time once more"));
        }
        self.set_leaser(id, getpid());
        Ok(())
    }

    /// This process is about to give it back.
    pub fn returns(&self, id: u64) {
        self.set_leaser(id, Pid::from_raw(0));
    }

    /// Only whoever has the message on lease changes this part of its word.
    fn set_leaser(&self, id: u64, leaser: Pid) {
        let leaser = (leaser.as_raw() as u32) << LEASER;
        let word = &self.messages[id as usize];
        let change = |word| Some(word & ((1 << LEASER) - 1) | leaser);
        let _ = word.fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
    }

    /// It has left the queue for good.
    pub fn taken(&self, id: u64) -> Result<(), String> {
        is_free(id, self.mark(id, TAKEN)?)?;
        self.took.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Everything that was sent was taken, but for what the killed had in their
    /// hands; nothing that was refused was.
    pub fn check(&self) -> Result<Totals, String> {
        let drawn = self.next.load(Ordering::Acquire).min(MOST);
        let lost_at_most = self.lost_at_most.load(Ordering::Acquire);
        let letters = self.letters.load(Ordering::Acquire);
        let mut totals = Totals { lost_at_most, letters, ..Totals::default() };
        for (id, message) in (0..drawn).zip(&self.messages) {
            let message = message.load(Ordering::Acquire);
            let has = |flag| message & flag != 0;
            if has(REFUSED) && has(TAKEN | LEASED) {
                return Err(format!("message {id} was refused, and came"));
            }
            let missing = has(SENT) && !has(TAKEN);
            totals.sent += u64::from(has(SENT));
            totals.taken += u64::from(has(TAKEN));
            totals.lost += u64::from(missing && !has(EXCUSED));
            totals.excused += u64::from(missing && has(EXCUSED));
        }
        if totals.lost > lost_at_most {
            return Err(format!(
                "{} of {} messages are missing, with {lost_at_most} killed over one",
                totals.lost, totals.sent
            ));
        }
        Ok(totals)
    }

    /// Whether the locked counter can have come to this.
    pub fn check_counter(&self, counter: u64) -> Result<(), String> {
        let least = self.added.load(Ordering::Acquire);
        let most = least + self.added_at_most.load(Ordering::Acquire);
        let right = (least..=most).contains(&counter);
        right.then_some(()).ok_or_else(|| format!("the counter is {counter}, not {least}..={most}"))
    }
}

/// Whether this process can have got a message that was marked so.
fn is_free(id: u64, before: u32) -> Result<(), String> {
    if before & TAKEN != 0 {
        return Err(format!("message {id} comes once more"));
    }
    let leaser = Pid::from_raw((before >> LEASER) as i32);
    if leaser.as_raw() != 0 && leaser != getpid() && is_running(leaser) {
        return Err(format!("message {id} comes, and process {leaser} has it on lease"));
    }
    Ok(())
}

#[derive(Default)]
pub struct Totals {
    pub sent: u64,
    pub taken: u64,
    /// Sent and never taken, nobody knows by whom.
    pub lost: u64,
    /// How many were killed over a message that nobody knows.
    pub lost_at_most: u64,
    /// Sent and never taken, since somebody was killed as he finished it.
    pub excused: u64,
    /// Leases of dead letters.
    pub letters: u64,
}

impl Totals {
    pub fn add(&mut self, more: &Self) {
        self.sent += more.sent;
        self.taken += more.taken;
        self.lost += more.lost;
        self.lost_at_most += more.lost_at_most;
        self.excused += more.excused;
        self.letters += more.letters;
    }
}
