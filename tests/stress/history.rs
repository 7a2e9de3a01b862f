//! Small histories: a few processes with a few operations each, some of them
//! killed in the middle of one.

use std::hint;
use std::thread;
use std::time::{Duration, Instant};

use killproof::Message;
use killproof::channel::{Receiver, RecvError, SendError, Sender, lifo, priority, queue};
use nix::sys::signal::Signal::SIGKILL;
use nix::sys::wait::WaitStatus;
use rustix::process::Signal;

use crate::STUCK;
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::common::random::Random;
use crate::linear::{Answers, Done, Event, Order, check, key_of};
use crate::log::{Came, Log, Record, Trade};

/// Three of each, at most.
const PROCESSES: usize = 6;
/// Messages of each sender.
const MESSAGES: u64 = 6;
/// Between two operations, at most.
const SPINS: u64 = 50;
/// Long enough to fall asleep.
const BRIEFLY: Duration = Duration::from_micros(100);

/// What bears a value.
trait Bearer: Message {
    fn new(value: u64) -> Self;

    /// The value, if the message is whole.
    fn value(&self) -> Option<u64>;
}

/// In every word: copied in the slot, for long enough to be killed there.
type Words = [u64; 32];

impl Bearer for Words {
    fn new(value: u64) -> Self {
        [value; 32]
    }

    fn value(&self) -> Option<u64> {
        let value = self[0];
        (*self == Self::new(value)).then_some(value)
    }
}

/// Behind its key.
impl Bearer for (u64, Words) {
    fn new(value: u64) -> Self {
        (key_of(value), Words::new(value))
    }

    fn value(&self) -> Option<u64> {
        self.1.value().filter(|value| key_of(*value) == self.0)
    }
}

/// What some histories had in them.
#[derive(Default)]
pub struct Tally {
    pub histories: u64,
    pub events: usize,
    pub kills: u64,
    /// Killed before they could say what came of their operation.
    pub pending: usize,
    pub in_vain: Answers,
}

struct Player {
    child: Child,
    trade: Trade,
    log: usize,
    /// When it was dead, if it was killed.
    death: Option<u64>,
}

/// Records one history, kills up to one process on each side if `kills`, and
/// checks it.
pub fn record(
    random: &mut Random,
    kills: bool,
    order: Order,
    tally: &mut Tally,
) -> Result<(), String> {
    let capacity = 1 + random.below(4) as usize;
    let failed = |error: killproof::Error| error.to_string();
    let history = match order {
        Order::Arrival => played(queue::<Words>(capacity).map_err(failed)?, random, kills, tally)?,
        Order::Latest => played(lifo::<Words>(capacity).map_err(failed)?, random, kills, tally)?,
        Order::Smallest => {
            played(priority::<u64, Words>(capacity).map_err(failed)?, random, kills, tally)?
        }
    };
    let is_pending = |event: &&Event| matches!(event.done, Done::Sending(_) | Done::Receiving);
    tally.histories += 1;
    tally.events += history.len();
    tally.pending += history.iter().filter(is_pending).count();
    tally.in_vain.add(&history);
    check(&history, capacity, order)
        .map_err(|reason| format!("history {}: {reason}", tally.histories))
}

/// The history of some processes at these ends.
fn played<T: Bearer>(
    (sender, receiver): (Sender<T>, Receiver<T>),
    random: &mut Random,
    kills: bool,
    tally: &mut Tally,
) -> Result<Vec<Event>, String> {
    let logs = Mapped::new([const { Log::new() }; PROCESSES]);
    let go = Mapped::new(Gate::default());
    let start = Instant::now();
    let clock = || start.elapsed().as_nanos() as u64;
    let mut play = |log: usize, trade: Trade| {
        let random = Random::new(random.next());
        let record = Record { start, log: &logs[log], in_vain: 0 };
        let (sender, receiver, go) = (&sender, &receiver, &go);
        let child = fork(move || {
            go.pass();
            match trade {
                Trade::Sender => send(log as u64, sender, record, random),
                // A lease of the dead comes back out of order.
                Trade::Receiver => receive(receiver, !kills, record, random),
            }
        });
        Player { child, trade, log, death: None }
    };
    let mut players = Vec::new();
    for trade in [Trade::Sender, Trade::Receiver] {
        for _ in 0..=1 + tally.histories % 2 {
            players.push(play(players.len(), trade));
        }
    }
    go.open();
    if kills {
        // One of each side is left.
        let last = players.len() - 1;
        let victims = [vec![0], vec![last], vec![0, last]];
        for victim in &victims[random.below(3) as usize] {
            let at = 1 + random.below(MESSAGES) as usize;
            let log = &logs[players[*victim].log];
            let killed = kill_at(&players, *victim, || log.len() >= at, random)?;
            players[*victim].death = Some(clock());
            tally.kills += u64::from(killed);
        }
    }
    finish(&players, Trade::Sender)?;
    sender.close();
    finish(&players, Trade::Receiver)?;

    let of = |player: &Player| logs[player.log].read(player.trade, player.death.unwrap_or(0));
    Ok(players.iter().flat_map(of).collect())
}

/// Kills a player when it is `at` the place, or when it can no longer come there
/// since all senders have ended. Whether it was still there to be killed.
fn kill_at(
    players: &[Player],
    victim: usize,
    at: impl Fn() -> bool,
    random: &mut Random,
) -> Result<bool, String> {
    let child = &players[victim].child;
    let is_over = |child: &Child| child.ended(Instant::now());
    let senders = players.iter().filter(|player| player.trade == Trade::Sender);
    while !at() && !is_over(child) && !senders.clone().all(|sender| is_over(&sender.child)) {
        thread::yield_now();
    }
    if random.one_in(4) {
        child.send(Signal::STOP);
        thread::yield_now();
    }
    pause(random.below(2000));
    child.kill();
    if !child.ended(Instant::now() + STUCK) {
        return Err("outlives SIGKILL".into());
    }
    match child.reap() {
        WaitStatus::Signaled(_, SIGKILL, _) => Ok(true),
        other => child.result(other).map(|()| false),
    }
}

fn pause(spins: u64) {
    for _ in 0..spins {
        hint::spin_loop();
    }
}

/// Waits for all of one side that were not killed.
fn finish(players: &[Player], trade: Trade) -> Result<(), String> {
    for Player { child, .. } in players.iter().filter(|p| p.trade == trade && p.death.is_none()) {
        let result = child.finish(Instant::now() + STUCK);
        let result = result.ok_or_else(|| format!("hangs: {}", child.whereabouts()))?;
        result.map_err(|reason| format!("a {trade:?}: {reason}"))?;
    }
    Ok(())
}

fn send<T: Bearer>(
    number: u64,
    sender: &Sender<T>,
    mut record: Record<'_>,
    mut random: Random,
) -> Result<(), String> {
    for value in (number << 8..).take(MESSAGES as usize) {
        let mut came = Came::InVain;
        while came == Came::InVain {
            pause(random.below(SPINS));
            let how = random.below(4);
            came = record.perform(value, || {
                let sent = match how {
                    0 | 1 => sender.send(T::new(value)),
                    2 => sender.send_timeout(T::new(value), BRIEFLY),
                    _ => sender.try_send(T::new(value)),
                };
                match sent {
                    Ok(()) => Ok(Came::Moved(value)),
                    Err(SendError::Full(_)) => Ok(Came::InVain),
                    Err(other) => Err(other.to_string()),
                }
            })?;
        }
    }
    Ok(())
}

fn receive<T: Bearer>(
    receiver: &Receiver<T>,
    leases: bool,
    mut record: Record<'_>,
    mut random: Random,
) -> Result<(), String> {
    let mut came = Came::InVain;
    while came != Came::Over {
        pause(random.below(SPINS));
        let how = random.below(if leases { 6 } else { 4 });
        came = record.perform(0, || {
            let received = match how {
                0 | 1 => receiver.recv(),
                2 => receiver.recv_timeout(BRIEFLY),
                3 => receiver.try_recv(),
                _ => receiver.lease().map(|task| task.done()),
            };
            match received {
                Ok(message) => message.value().map(Came::Moved).ok_or("a torn message".into()),
                Err(RecvError::Empty) => Ok(Came::InVain),
                Err(RecvError::Closed) => Ok(Came::Over),
                Err(other) => Err(other.to_string()),
            }
        })?;
    }
    Ok(())
}
