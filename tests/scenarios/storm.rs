//! Kills at random, one after the other, at the condition variable, the barrier and
//! the once. Whoever is killed is replaced, and the work must go on after each.

use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use killproof::sync::{Barrier, Broken, Condvar, LockError, Mutex, MutexGuard, OnceLock};
use killproof::{Shared, plain, shareable};

use crate::common::case::Case;
use crate::common::child::{Child, fork, until};
use crate::common::mapped::Mapped;
use crate::{STUCK, expect, kill, scenario};

pub fn cases() -> Vec<Case> {
    vec![
        scenario("storm of kills, condvar", condvar),
        scenario("storm of kills, barrier", barrier),
        scenario("storm of kills, once", once),
    ]
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// Marsaglia's xorshift; the same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Anywhere within some milliseconds.
    fn nap(&mut self) {
        thread::sleep(Duration::from_micros(self.below(3000)));
    }
}

fn soon() -> Instant {
    Instant::now() + STUCK
}

plain! {
    /// How much was put there and how much was taken; each changes by one store.
    struct Ledger { put: u64, taken: u64 }
}

shareable! {
    struct Shop { stock: Mutex<Ledger>, arrived: Condvar<8>, room: Condvar<8> }
}

type Held<'a> = MutexGuard<'a, Ledger>;

/// Whoever is told of a death goes on with what is there, and the others look too.
fn made_good<'a>(
    shop: &Shop,
    locked: Result<Held<'a>, LockError<Held<'a>>>,
) -> Result<Held<'a>, String> {
    match locked {
        Err(LockError::Abandoned(abandoned)) => {
            let stock = abandoned.recover(|_| ());
            shop.arrived.notify_all();
            shop.room.notify_all();
            Ok(stock)
        }
        other => other.map_err(text),
    }
}

/// Notified inside: a death before is one of the lock's owner.
fn produce(shop: &Shop) -> Result<(), String> {
    loop {
        let mut stock = made_good(shop, shop.stock.lock())?;
        while stock.put - stock.taken >= 3 {
            stock = made_good(shop, shop.room.wait(stock))?;
        }
        stock.put += 1;
        shop.arrived.notify_one();
    }
}

fn consume(shop: &Shop) -> Result<(), String> {
    loop {
        let mut stock = made_good(shop, shop.stock.lock())?;
        while stock.put == stock.taken {
            stock = made_good(shop, shop.arrived.wait(stock))?;
        }
        stock.taken += 1;
        shop.room.notify_one();
    }
}

fn condvar() -> Result<String, String> {
    const WORKERS: usize = 6;
    const KILLS: usize = 150;
    let shop = Shared::new(Shop {
        stock: Mutex::new(Ledger { put: 0, taken: 0 }),
        arrived: Condvar::with_capacity(),
        room: Condvar::with_capacity(),
    })
    .map_err(text)?;
    let worker = |index: usize| {
        fork(|| if index.is_multiple_of(2) { produce(&shop) } else { consume(&shop) })
    };
    let taken = || made_good(&shop, shop.stock.lock()).map_or(0, |stock| stock.taken);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut workers: Vec<Child> = (0..WORKERS).map(worker).collect();
    for number in 0..KILLS {
        random.nap();
        let index = random.below(WORKERS as u64) as usize;
        kill(&workers[index]);
        workers[index] = worker(index);
        let before = taken();
        if !until(soon(), || taken() > before) {
            return Err(format!("nothing goes on after {number} kills: {:?}", shop.arrived));
        }
    }
    let all = taken();
    for worker in &workers {
        expect("it works on", worker.ended(Instant::now()), false)?;
    }
    Ok(format!("{KILLS} kills, {all} taken"))
}

fn barrier() -> Result<String, String> {
    const PARTIES: usize = 4;
    const KILLS: usize = 40;
    let barrier = Shared::new(Barrier::new(PARTIES)).map_err(text)?;
    let (seated, rounds) = (Mapped::new(AtomicU32::new(0)), Mapped::new(AtomicU32::new(0)));
    // Who is to blame, for all to compare.
    let dead = Mapped::new(AtomicU32::new(0));
    let member = || {
        fork(|| {
            let mut party = barrier.party().map_err(text)?;
            seated.fetch_add(1, Ordering::AcqRel);
            loop {
                match party.wait() {
                    Ok(result) => {
                        rounds.fetch_add(result.is_leader().into(), Ordering::AcqRel);
                    }
                    Err(Broken::Died(pid)) => {
                        expect("who died", pid, dead.load(Ordering::Acquire))?;
                        while barrier.broken().is_some() {
                            thread::yield_now();
                        }
                    }
                    // Told only after the next round was opened.
                    Err(Broken::Reset) => {}
                    Err(other) => {
                        mem::forget(party);
                        return Err(text(other));
                    }
                }
            }
        })
    };
    let are_seated = |count| until(soon(), || seated.load(Ordering::Acquire) == count);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut members: Vec<Child> = (0..PARTIES).map(|_| member()).collect();
    for number in 0..KILLS {
        let before = rounds.load(Ordering::Acquire);
        let all = (PARTIES + number) as u32;
        if !are_seated(all) || !until(soon(), || rounds.load(Ordering::Acquire) > before) {
            return Err(format!("nobody meets after {number} kills: {barrier:?}"));
        }
        random.nap();
        let index = random.below(PARTIES as u64) as usize;
        let victim = members[index].pid().as_raw() as u32;
        dead.store(victim, Ordering::Release);
        kill(&members[index]);
        if !until(soon(), || barrier.broken() == Some(Broken::Died(victim))) {
            return Err(format!("nobody is told of {victim}: {barrier:?}"));
        }
        members[index] = member();
        if !are_seated(all + 1) {
            return Err(format!("no place for another: {barrier:?}"));
        }
        barrier.reset();
    }
    for member in &members {
        expect("it works on", member.ended(Instant::now()), false)?;
    }
    Ok(format!("{KILLS} kills, {} rounds", rounds.load(Ordering::Acquire)))
}

shareable! {
    struct Values { values: [OnceLock<[u64; 4]>; 400] }
}

fn once() -> Result<String, String> {
    const WORKERS: usize = 4;
    let values = Values { values: std::array::from_fn(|_| OnceLock::new()) };
    let values = Shared::new(values).map_err(text)?;
    let is_whole = |value: &[u64; 4]| value.iter().all(|number| *number == value[0]);
    let worker = || {
        fork(|| {
            for value in &values.values {
                let make = || {
                    (0..20).for_each(|_| thread::yield_now());
                    [std::process::id().into(); 4]
                };
                let seen = *value.get_or_init(make).map_err(text)?;
                expect("whole", is_whole(&seen), true)?;
                expect("the same again", value.get(), Some(&seen))?;
            }
            Ok(())
        })
    };
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| worker()).collect();
    let (mut kills, deadline) = (0, soon());
    let is_set = || values.values.iter().all(|value| value.get().is_some());
    while !is_set() {
        if Instant::now() > deadline {
            return Err(format!("not all are made after {kills} kills"));
        }
        random.nap();
        let index = random.below(WORKERS as u64) as usize;
        kill(&workers[index]);
        workers[index] = worker();
        kills += 1;
    }
    for worker in &workers {
        crate::finish("a worker", worker)?;
    }
    let whole = values.values.iter().filter_map(OnceLock::get).filter(|value| is_whole(value));
    expect("whole values", whole.count(), values.values.len())?;
    Ok(format!("{kills} kills, {} values", values.values.len()))
}
