//! What users of other pools suffer from, and must not find here.
#![allow(unsafe_code)]

use std::alloc::{Layout, handle_alloc_error};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::process::exit;
use std::ptr::without_provenance_mut;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use killproof::pool::{Pool, TaskError};
use killproof::sync::Event;
use killproof::{Decoder, Encoder, InvalidMessage, Message, Shared, channel, process};
use nix::sys::signal::{SigHandler, Signal, kill, raise, signal};
use nix::unistd::{Pid, getpid};

use crate::case;
use crate::common::case::Case;
use crate::common::child::is_running;
use crate::family::{all_workers, gone, keeper, send};

pub fn cases() -> Vec<Case> {
    vec![
        case("complaint_01_a_killed_worker_fails_its_own_task", killed_at_work),
        case("complaint_01_so_does_one_that_exits", exits),
        case("complaint_01_so_does_one_that_crashes", crashes),
        case("complaint_02_an_idle_worker_killed", killed_idle),
        case("complaint_05_join_before_the_results_are_read", joined_first),
        case("complaint_16_a_worker_has_a_pool", nested),
        case("complaint_17_a_pool_that_nobody_closed", never_closed),
        case("complaint_17_terminate_from_anywhere", terminated_from_anywhere),
        case("complaint_18_an_initializer_that_fails", bad_initializer),
        case("complaint_18_an_initializer_that_is_killed", killed_initializer),
        case("complaint_18_a_callback_that_panics", bad_callback),
        case(
            "complaint_18_callbacks_that_panic_while_the_pool_is_dropped",
            bad_callbacks_at_the_end,
        ),
        case("complaint_19_a_result_that_is_none", bad_result),
        case("complaint_20_imap_is_lazy", lazy),
        case("complaint_21_a_task_that_takes_too_long", too_long),
        case("complaint_21_waits_end", waits_end),
        case("complaint_21_ctrl_c_is_the_owners_to_decide", interrupted),
    ]
}

fn for_ever() {
    loop {
        thread::park();
    }
}

fn killed_at_work() {
    let (begun, who) = channel::queue::<i32>(4).unwrap();
    let pool = Pool::new(2, move |n: u32| {
        if n == 7 {
            begun.send(getpid().as_raw()).unwrap();
            for_ever();
        }
        n + 1
    });
    let pool = pool.unwrap();
    for _ in 0..5 {
        let doomed = pool.apply_async(7);
        let others: Vec<_> = (10..30).map(|n| pool.apply_async(n)).collect();
        send(Pid::from_raw(who.recv().unwrap()), Signal::SIGKILL);
        assert_eq!(doomed.get(), Err(TaskError::Signalled(9)));
        for (n, other) in (11..).zip(others) {
            assert_eq!(other.get(), Ok(n));
        }
    }
}

fn exits() {
    let pool = Pool::new(1, |code: i32| exit(code)).unwrap();
    let pool: Pool<i32, ()> = pool;
    for code in [0, 1, 3] {
        assert_eq!(pool.apply(code), Err(TaskError::Exited(code)));
    }
    let pool = Pool::new(1, |number: i32| {
        raise(Signal::try_from(number).unwrap()).unwrap();
    });
    let pool = pool.unwrap();
    let said = TaskError::Signalled(15).to_string();
    assert_eq!(said, "the worker was ended by signal 15 (SIGTERM) during the task");
    for signal in [Signal::SIGTERM, Signal::SIGABRT] {
        assert_eq!(pool.apply(signal as i32), Err(TaskError::Signalled(signal as i32)));
    }
}

/// How deep it is, on a stack that has an end.
fn endless(depth: u64) -> u64 {
    let frame = black_box([depth; 512]);
    if depth == u64::MAX { 0 } else { frame[7] + endless(black_box(depth + 1)) }
}

fn crashes() {
    let pool = Pool::new(2, |n: u32| match n {
        // SAFETY: sound in no program: the kernel ends this process, which is the test.
        0 => unsafe { without_provenance_mut::<u8>(8).write_volatile(1) },
        // Not on the main thread's stack, which may have no end.
        1 => {
            let deep = thread::Builder::new().stack_size(1 << 20).spawn(|| endless(0));
            drop(black_box(deep.unwrap().join()));
        }
        2 => handle_alloc_error(Layout::new::<u64>()),
        _ => {}
    });
    let ends = pool.unwrap().map_each(0..4);
    assert_eq!(
        ends,
        [11, 6, 6]
            .map(|signal| Err(TaskError::Signalled(signal)))
            .into_iter()
            .chain([Ok(())])
            .collect::<Vec<_>>()
    );
}

fn killed_idle() {
    let pool = Pool::new(3, |n: u32| n).unwrap();
    assert_eq!(pool.map(0..30).unwrap(), Vec::from_iter(0..30));
    let keeper = keeper();
    for _ in 0..5 {
        for worker in all_workers(keeper, 3) {
            send(worker, Signal::SIGKILL);
            gone(worker);
        }
        assert_eq!(pool.map(0..30).unwrap(), Vec::from_iter(0..30));
    }
}

fn joined_first() {
    let pool = Pool::new(2, |n: u8| vec![n; 500_000]).unwrap();
    let results: Vec<_> = (0..20).map(|n| pool.apply_async(n)).collect();
    pool.close();
    pool.join().unwrap();
    for (n, result) in (0..).zip(results) {
        assert_eq!(result.get(), Ok(vec![n; 500_000]));
    }
}

fn nested() {
    let pool = Pool::new(2, |n: u64| -> u64 {
        let inner = Pool::new(2, |m: u64| m * m).unwrap();
        let child = process::spawn(move || n).unwrap();
        inner.map(0..n).unwrap().iter().sum::<u64>() + child.join().unwrap()
    });
    let pool = pool.unwrap();
    assert_eq!(pool.map([3, 4]).unwrap(), [1 + 4 + 3, 1 + 4 + 9 + 4]);
}

fn never_closed() {
    let pool = Pool::new(3, |(): ()| for_ever()).unwrap();
    let results: Vec<_> = (0..20).map(|_| pool.apply_async(())).collect();
    let keeper = keeper();
    let workers = all_workers(keeper, 3);
    drop(pool);
    assert!(workers.into_iter().all(|worker| !is_running(worker)));
    gone(keeper);
    for result in results {
        assert_eq!(result.get(), Err(TaskError::Closed));
    }
}

fn terminated_from_anywhere() {
    // From a callback ..
    let pool = Arc::new(Pool::new(2, |n: u32| n).unwrap());
    let its_pool = Arc::clone(&pool);
    let result = pool.apply_async_with(1, move |_| its_pool.terminate().unwrap());
    assert_eq!(result.get(), Ok(1));
    assert_eq!((pool.apply(1), pool.join()), (Err(TaskError::Closed), Ok(())));
    // .. from another thread, while this one waits ..
    let pool = Pool::new(2, |(): ()| for_ever()).unwrap();
    thread::scope(|scope| {
        let result = pool.apply_async(());
        scope.spawn(|| pool.terminate().unwrap());
        assert_eq!(result.get(), Err(TaskError::Closed));
    });
    // .. and where the keeper is stopped.
    let pool = Pool::new(2, |(): ()| for_ever()).unwrap();
    let result = pool.apply_async(());
    let keeper = keeper();
    let workers = all_workers(keeper, 2);
    send(keeper, Signal::SIGSTOP);
    pool.terminate().unwrap();
    assert_eq!(result.get(), Err(TaskError::Closed));
    workers.into_iter().for_each(gone);
}

fn bad_initializer() {
    let starts = Shared::new(AtomicU32::new(0)).unwrap();
    let its_starts = starts.clone();
    let pool = Pool::builder().processes(2).initializer(move || {
        its_starts.fetch_add(1, Ordering::Relaxed);
        panic!("no licence");
    });
    let pool = pool.build(|n: u32| n).unwrap();
    for _ in 0..2 {
        let Err(TaskError::Initializer(why)) = pool.apply(1) else { panic!("it has begun") };
        assert!(why.starts_with("no licence, at "), "{why}");
    }
    pool.close();
    assert!(pool.join().is_err());
    let starts = starts.load(Ordering::Relaxed);
    assert!((10..=20).contains(&starts), "{starts} starts");
}

fn killed_initializer() {
    let starts = Shared::new(AtomicU32::new(0)).unwrap();
    let its_starts = starts.clone();
    let pool = Pool::builder().processes(1).initializer(move || {
        if its_starts.fetch_add(1, Ordering::Relaxed) < 5 {
            raise(Signal::SIGKILL).unwrap();
        }
    });
    // Not for ever, but so often that it was not a storm.
    assert_eq!(pool.build(|n: u32| n).unwrap().apply(3), Ok(3));
    let pool = Pool::builder().processes(1).initializer(|| raise(Signal::SIGKILL).unwrap());
    let Err(TaskError::Initializer(why)) = pool.build(|n: u32| n).unwrap().apply(3) else {
        panic!("it has begun")
    };
    assert!(why.contains("SIGKILL"), "{why}");
}

fn bad_callback() {
    let pool = Pool::new(2, |n: u32| n).unwrap();
    let result = pool.apply_async_with(1, |_| panic!("in the callback"));
    let caught = catch_unwind(AssertUnwindSafe(|| result.wait()));
    assert!(caught.is_err(), "whoever waited is told");
    assert_eq!(result.get(), Ok(1));
    assert_eq!(pool.map(0..9).unwrap(), Vec::from_iter(0..9));
    pool.close();
    pool.join().unwrap();
}

/// In an unwinding, where one panic more would be an abort: each is called, and the panic
/// that went on goes on.
fn bad_callbacks_at_the_end() {
    let called = Arc::new(AtomicU32::new(0));
    let its_called = Arc::clone(&called);
    let unwound = catch_unwind(move || {
        let pool = Pool::new(1, |(): ()| for_ever()).unwrap();
        for _ in 0..3 {
            let called = Arc::clone(&its_called);
            drop(pool.apply_async_with((), move |outcome| {
                called.fetch_add(1, Ordering::Relaxed);
                outcome.unwrap();
            }));
        }
        panic_any(7_u32);
    });
    assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&7_u32));
    assert_eq!(called.load(Ordering::Relaxed), 3);
}

#[derive(Debug, PartialEq)]
struct Odd(u8);

impl Message for Odd {
    fn encoded_len(&self) -> usize {
        1
    }
    fn encode(&self, out: &mut Encoder<'_>) {
        self.0.encode(out);
    }
    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        Some(u8::decode(input)?).filter(|n| !n.is_multiple_of(2)).map(Odd).ok_or(InvalidMessage)
    }
}

fn bad_result() {
    let pool = Pool::new(1, Odd).unwrap();
    let results = pool.map_each(1..=3);
    assert_eq!(results, [Ok(Odd(1)), Err(TaskError::Invalid(vec![2])), Ok(Odd(3))]);
    let pool = Pool::new(1, |odd: Odd| odd.0).unwrap();
    let results = pool.map_each([Odd(1), Odd(2), Odd(3)]);
    assert_eq!(results, [Ok(1), Err(TaskError::Invalid(vec![2])), Ok(3)]);
}

fn lazy() {
    let pool = Pool::builder().processes(2).depth(3).build(|n: u32| n).unwrap();
    let drawn = AtomicU32::new(0);
    let items = (0..).inspect(|_| {
        drawn.fetch_add(1, Ordering::Relaxed);
    });
    let mut results = pool.imap(items);
    assert_eq!(drawn.load(Ordering::Relaxed), 0);
    for n in 0..100 {
        assert_eq!(results.next(), Some(Ok(n)));
        let ahead = drawn.load(Ordering::Relaxed) - n - 1;
        assert!(ahead <= 6, "{ahead} ahead");
    }
}

fn too_long() {
    let limit = Duration::from_millis(30);
    let pool = Pool::builder().processes(2).timeout(limit).retries(3).build(|n: u32| {
        if n == 1 {
            for_ever();
        }
        n
    });
    let pool = pool.unwrap();
    for _ in 0..3 {
        let results = pool.map_each(0..6);
        let wanted = [Ok(0), Err(TaskError::TimedOut), Ok(2), Ok(3), Ok(4), Ok(5)];
        assert_eq!(results, wanted);
    }
}

fn waits_end() {
    let pool = Pool::new(1, |(): ()| for_ever()).unwrap();
    let keeper = keeper();
    let mut result = pool.apply_async(());
    assert!(!result.wait_timeout(Duration::from_millis(3)));
    assert_eq!(result.get_timeout(Duration::from_millis(3)), Ok(None));
    let (ready, is_ready) = mpsc::channel();
    thread::scope(|scope| {
        let pool = &pool;
        scope.spawn(move || {
            is_ready.recv().unwrap();
            pool.terminate().unwrap();
        });
        ready.send(()).unwrap();
        pool.close();
        pool.join().unwrap();
    });
    assert_eq!(result.get(), Err(TaskError::Closed));
    gone(keeper);
}

static INTERRUPTED: OnceLock<Event> = OnceLock::new();

extern "C" fn interrupt(_: i32) {
    INTERRUPTED.get().unwrap().set();
}

/// Of two workers in their tasks the one ends that does not ignore it; the pools and the
/// other task go on, although the handler came after them.
fn interrupted() {
    let (go, (begun, all)) = (Event::new().unwrap(), channel::queue::<u32>(4).unwrap());
    let handler = || {
        let (go, begun) = (go.clone(), begun.clone());
        move |n: u32| {
            begun.send(n).unwrap();
            go.wait();
            n
        }
    };
    let hearing = Pool::new(1, handler()).unwrap();
    let keepers = [keeper()];
    let ignore = || {
        // SAFETY: no handler is installed.
        unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) }.unwrap();
    };
    let builder = Pool::builder().processes(1).initializer(ignore);
    let ignoring = builder.build(handler()).unwrap();
    let keepers = [keepers[0], keeper()];
    INTERRUPTED.get_or_init(|| Event::new().unwrap());
    // SAFETY: `Event::set` is async-signal-safe.
    unsafe { signal(Signal::SIGINT, SigHandler::Handler(interrupt)) }.unwrap();
    let (ended, kept) = (hearing.apply_async(1), ignoring.apply_async(2));
    assert_eq!(all.recv().unwrap() + all.recv().unwrap(), 3, "both have begun");
    // As the terminal does: to everybody in the group, which is this case's own.
    kill(Pid::from_raw(0), Signal::SIGINT).unwrap();
    INTERRUPTED.get().unwrap().wait();
    assert_eq!(ended.get(), Err(TaskError::Signalled(2)));
    go.set();
    assert_eq!(kept.get(), Ok(2));
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        keepers.into_iter().for_each(|keeper| send(keeper, signal));
        assert_eq!((hearing.apply(3), ignoring.apply(4)), (Ok(3), Ok(4)), "after {signal}");
        assert_eq!(all.recv().unwrap() + all.recv().unwrap(), 7);
    }
    assert!(process::active_children().is_empty(), "to end them all would end the pools");
}
