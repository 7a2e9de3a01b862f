//! Locks, semaphores, events, barriers and condition variables against what people
//! use instead.
//!
//! ```text
//! cargo bench --bench sync [-- PART-OF-A-NAME ..]
//! ```

mod common;

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::LockResult;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::compare::{FEW, MANY, Unit, compare, cpu_nanoseconds_per_call, header, median};
use common::posix::{PosixSemaphore, PthreadBarrier, PthreadCondvar, PthreadMutex, PthreadRwLock};
use common::workers::{Cpus, Pace, processes, threads, two_processes};
use killproof::sync::{
    Barrier, Condvar, Event, LockError, Mutex, MutexGuard, RwLock, Semaphore, Value,
};
use killproof::{Shared, shareable};

/// Calls between two looks at the clock.
const BATCH: u32 = 10_000;

fn main() {
    header("sync");
    uncontended_mutex();
    uncontended_rwlock();
    uncontended_semaphore();
    event();
    value();
    contended_mutex();
    contended_rwlock();
    contended_semaphore();
    barrier();
    condvar();
}

/// One thread locks, adds one and unlocks.
fn uncontended_mutex() {
    let mutex = Shared::new(Mutex::new(0_u64)).unwrap();
    let mutex: &Mutex<u64> = &mutex;
    let ours = || cpu_nanoseconds_per_call(BATCH, || *black_box(mutex).lock().unwrap() += 1);
    let called = || cpu_nanoseconds_per_call(BATCH, || add_one(black_box(mutex)));
    let handed_back = || cpu_nanoseconds_per_call(BATCH, || *lock(black_box(mutex)).unwrap() += 1);
    let name = |peer| format!("mutex/uncontended/{peer}");

    let std = std::sync::Mutex::new(0_u64);
    compare(MANY, Unit::Nanoseconds, &name("std"), "std::sync::Mutex", ours, || {
        cpu_nanoseconds_per_call(BATCH, || *black_box(&std).lock().unwrap() += 1)
    });
    compare(
        MANY,
        Unit::Nanoseconds,
        "mutex/uncontended-called/std",
        "std::sync::Mutex",
        called,
        || cpu_nanoseconds_per_call(BATCH, || add_one_std(black_box(&std))),
    );
    compare(
        MANY,
        Unit::Nanoseconds,
        "mutex/uncontended-handed-back/std",
        "std::sync::Mutex",
        handed_back,
        || cpu_nanoseconds_per_call(BATCH, || *lock_std(black_box(&std)).unwrap() += 1),
    );
    let parking_lot = parking_lot::Mutex::new(0_u64);
    compare(MANY, Unit::Nanoseconds, &name("parking_lot"), "parking_lot::Mutex", ours, || {
        cpu_nanoseconds_per_call(BATCH, || *black_box(&parking_lot).lock() += 1)
    });
    for (peer, robust) in [("pthread-pshared", false), ("pthread-robust", true)] {
        let pthread = PthreadMutex::new(robust);
        let mut count = 0_u64;
        compare(MANY, Unit::Nanoseconds, &name(peer), "pthread_mutex_t", ours, || {
            cpu_nanoseconds_per_call(BATCH, || {
                let pthread: &PthreadMutex = black_box(&pthread);
                pthread.lock();
                *black_box(&mut count) += 1;
                pthread.unlock();
            })
        });
    }
}

// What is left where the compiler does not inline: all three steps in a function, or a
// lock that a function hands back.

#[inline(never)]
fn add_one(mutex: &Mutex<u64>) {
    *mutex.lock().unwrap() += 1;
}

#[inline(never)]
fn add_one_std(mutex: &std::sync::Mutex<u64>) {
    *mutex.lock().unwrap() += 1;
}

#[inline(never)]
fn lock(mutex: &Mutex<u64>) -> Result<MutexGuard<'_, u64>, LockError<MutexGuard<'_, u64>>> {
    mutex.lock()
}

#[inline(never)]
fn lock_std(mutex: &std::sync::Mutex<u64>) -> LockResult<std::sync::MutexGuard<'_, u64>> {
    mutex.lock()
}

/// One thread reads, or writes, and unlocks.
fn uncontended_rwlock() {
    let lock = Shared::new(RwLock::new(0_u64)).unwrap();
    let lock: &RwLock<u64> = &lock;
    let std = std::sync::RwLock::new(0_u64);
    let pthread = PthreadRwLock::new();
    let pthread: &PthreadRwLock = &pthread;
    let read =
        || cpu_nanoseconds_per_call(BATCH, || _ = black_box(*black_box(lock).read().unwrap()));
    let write = || cpu_nanoseconds_per_call(BATCH, || *black_box(lock).write().unwrap() += 1);
    let name = |what, peer| format!("rwlock/uncontended-{what}/{peer}");

    let unit = Unit::Nanoseconds;
    compare(MANY, unit, &name("read", "std"), "std::sync::RwLock", read, || {
        cpu_nanoseconds_per_call(BATCH, || _ = black_box(*black_box(&std).read().unwrap()))
    });
    let count = AtomicU64::new(0);
    compare(MANY, unit, &name("read", "pthread-pshared"), "pthread_rwlock_t", read, || {
        cpu_nanoseconds_per_call(BATCH, || {
            let pthread = black_box(pthread);
            pthread.read();
            black_box(count.load(Ordering::Relaxed));
            pthread.unlock();
        })
    });
    compare(MANY, unit, &name("write", "std"), "std::sync::RwLock", write, || {
        cpu_nanoseconds_per_call(BATCH, || *black_box(&std).write().unwrap() += 1)
    });
    compare(MANY, unit, &name("write", "pthread-pshared"), "pthread_rwlock_t", write, || {
        cpu_nanoseconds_per_call(BATCH, || {
            let pthread = black_box(pthread);
            pthread.write();
            count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            pthread.unlock();
        })
    });
}

fn uncontended_semaphore() {
    let semaphore = Shared::new(Semaphore::new(4)).unwrap();
    let semaphore: &Semaphore = &semaphore;
    let posix = PosixSemaphore::new(4);
    compare(
        MANY,
        Unit::Nanoseconds,
        "semaphore/uncontended/sem_t",
        "sem_t",
        || cpu_nanoseconds_per_call(BATCH, || black_box(semaphore).acquire().unwrap().release()),
        || {
            cpu_nanoseconds_per_call(BATCH, || {
                let posix: &PosixSemaphore = black_box(&posix);
                posix.acquire();
                posix.release();
            })
        },
    );
}

fn event() {
    let event = Event::new().unwrap();
    let flag = AtomicBool::new(false);
    compare(
        MANY,
        Unit::Nanoseconds,
        "event/is_set/atomic",
        "AtomicBool::load",
        || cpu_nanoseconds_per_call(BATCH, || _ = black_box(black_box(&event).is_set())),
        || {
            cpu_nanoseconds_per_call(BATCH, || {
                _ = black_box(black_box(&flag).load(Ordering::Acquire))
            })
        },
    );
}

/// A reader that waits for nobody against a copy that nobody may write meanwhile.
fn value() {
    let value = Shared::new(Value::new([1_u64; 8])).unwrap();
    let plain = [1_u64; 8];
    compare(
        MANY,
        Unit::Nanoseconds,
        "value/get-64-bytes/copy",
        "a plain copy",
        || cpu_nanoseconds_per_call(BATCH, || _ = black_box(black_box(&*value).get())),
        || cpu_nanoseconds_per_call(BATCH, || _ = black_box(*black_box(&plain))),
    );
    let (value, atomic) = (Shared::new(Value::new(1_u64)).unwrap(), AtomicU64::new(1));
    compare(
        MANY,
        Unit::Nanoseconds,
        "value/fetch_add-8-bytes/atomic",
        "AtomicU64::fetch_add",
        || cpu_nanoseconds_per_call(BATCH, || _ = black_box(black_box(&*value).fetch_add(1))),
        || {
            cpu_nanoseconds_per_call(BATCH, || {
                _ = black_box(black_box(&atomic).fetch_add(1, Ordering::AcqRel))
            })
        },
    );
}

/// Processes against one lock; the peer's workers are threads, which is all it
/// can do.
fn contended_mutex() {
    for workers in [2, 8] {
        let mutex = Shared::new(Mutex::new(0_u64)).unwrap();
        let parking_lot = parking_lot::Mutex::new(0_u64);
        contest(
            &format!("mutex/contended-{workers}/parking_lot"),
            "parking_lot threads",
            || processes(workers, || *mutex.lock().unwrap() += 1),
            || threads(workers, || *parking_lot.lock() += 1),
        );
        let (pthread, count) = (PthreadMutex::new(false), Shared::new(AtomicU64::new(0)).unwrap());
        contest(
            &format!("mutex/contended-{workers}/pthread-pshared"),
            "pthread_mutex_t",
            || processes(workers, || *mutex.lock().unwrap() += 1),
            || {
                processes(workers, || {
                    pthread.lock();
                    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                    pthread.unlock();
                })
            },
        );
    }
}

/// Readers only, and all of them at once; std's are threads.
fn contended_rwlock() {
    for workers in [2, 8] {
        let lock = Shared::new(RwLock::new(0_u64)).unwrap();
        let std = std::sync::RwLock::new(0_u64);
        contest(
            &format!("rwlock/readers-{workers}/std"),
            "std threads",
            || processes(workers, || _ = black_box(*lock.read().unwrap())),
            || threads(workers, || _ = black_box(*std.read().unwrap())),
        );
        let pthread = PthreadRwLock::new();
        contest(
            &format!("rwlock/readers-{workers}/pthread-pshared"),
            "pthread_rwlock_t",
            || processes(workers, || _ = black_box(*lock.read().unwrap())),
            || {
                processes(workers, || {
                    pthread.read();
                    pthread.unlock();
                })
            },
        );
    }
}

/// Processes share one permit.
fn contended_semaphore() {
    for workers in [2, 8] {
        let semaphore = Shared::new(Semaphore::new(1)).unwrap();
        let posix = PosixSemaphore::new(1);
        contest(
            &format!("semaphore/contended-{workers}/sem_t"),
            "sem_t",
            || processes(workers, || semaphore.acquire().unwrap().release()),
            || {
                processes(workers, || {
                    posix.acquire();
                    posix.release();
                })
            },
        );
    }
}

/// Two processes meet, again and again.
fn barrier() {
    let barrier = Shared::new(Barrier::new(2)).unwrap();
    let pthread = PthreadBarrier::new(2);
    compare(
        FEW,
        Unit::Nanoseconds,
        "barrier/two-awake/pthread-pshared",
        "pthread_barrier_t",
        || {
            // Each takes its own seat, for a bare fork hands nothing over.
            let party = RefCell::new(None);
            two_processes(200, Cpus::Two, || {
                let mut party = party.borrow_mut();
                let party = party.get_or_insert_with(|| barrier.party().unwrap());
                assert!(party.wait().is_ok());
            })
        },
        || two_processes(50, Cpus::Two, || pthread.wait()),
    );
}

shareable! {
    /// Whose turn it is, and a place to wait for it.
    struct Ours { turn: Mutex<u32>, changed: Condvar }
}

shareable! {
    struct Theirs { turn: AtomicU64 }
}

/// Two processes wake each other in turn: the time from one's notification to the
/// other's.
fn condvar() {
    let ours = Shared::new(Ours { turn: Mutex::new(0), changed: Condvar::new() }).unwrap();
    let theirs = Shared::new(Theirs { turn: AtomicU64::new(0) }).unwrap();
    let (mutex, changed) = (PthreadMutex::new(false), PthreadCondvar::new());
    let parent = std::process::id();
    let me = || u32::from(std::process::id() != parent);
    compare(
        FEW,
        Unit::Nanoseconds,
        "condvar/notify-to-wake/pthread-pshared",
        "pthread_cond_t",
        || {
            let both = two_processes(10, Cpus::Any, || {
                let me = me();
                let turn = ours.turn.lock().unwrap();
                let mut turn = ours.changed.wait_while(turn, |turn| *turn != me).unwrap();
                *turn = 1 - me;
                drop(turn);
                ours.changed.notify_one();
            });
            both / 2.0
        },
        || {
            let both = two_processes(10, Cpus::Any, || {
                let me = u64::from(me());
                mutex.lock();
                while theirs.turn.load(Ordering::Relaxed) != me {
                    changed.wait(&mutex);
                }
                theirs.turn.store(1 - me, Ordering::Relaxed);
                mutex.unlock();
                changed.notify_one();
            });
            both / 2.0
        },
    );
}

/// Compares the time between two operations, and tells how equally the workers
/// came to their turn.
fn contest(name: &str, peer_name: &str, ours: impl Fn() -> Pace, peer: impl Fn() -> Pace) {
    let (mut our_fairness, mut peer_fairness) = (Vec::new(), Vec::new());
    let note = |pace: Pace, fairness: &mut Vec<f64>| {
        fairness.push(pace.fairness);
        pace.nanoseconds()
    };
    // With more workers than CPUs a round depends on whom the scheduler stopped where.
    let measured = compare(
        2 * FEW + 1,
        Unit::Nanoseconds,
        name,
        peer_name,
        || note(ours(), &mut our_fairness),
        || note(peer(), &mut peer_fairness),
    );
    if measured {
        println!(
            "fairness {name} ours {:.2}, {peer_name} {:.2} (slowest worker / fastest)",
            median(&mut our_fairness),
            median(&mut peer_fairness),
        );
    }
}
