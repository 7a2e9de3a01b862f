//! Single lies, each told where it would have done the most harm.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use killproof::channel::{Builder, Receiver, RecvError, SendError, Sender, lifo, pipe, queue};
use killproof::sync::{Array, Barrier, Condvar, Mutex, Once, OnceLock, Semaphore, Value};
use killproof::{Error, Message, Shared, select, shareable};

use crate::play::Memory;
use crate::watchdog::within_a_minute;

/// A message that is found again by its bytes.
const MESSAGE: u64 = 0x6d65_7373_6167_6521;

/// From the bytes of a message back to the words of its slot.
const OWNER: u64 = 24;
const SEQ: u64 = 16;

/// Where the hints lie.
const TAIL: u64 = 0;
const HEAD: u64 = 128;

type Ends = (Sender<u64>, Receiver<u64>);

/// A queue with one message in it, its memory, and where the message is.
fn with_message(make: impl FnOnce() -> Result<Ends, Error>) -> (Ends, Memory, u64) {
    let (ends, memory) = Memory::of(|| make().unwrap());
    ends.0.send(MESSAGE).unwrap();
    let at = memory.find(MESSAGE).unwrap();
    (ends, memory, at)
}

fn is_corrupt<T: Message>(received: &Result<T, RecvError>) -> bool {
    matches!(received, Err(RecvError::Failed(error)) if error.is_corrupt())
}

fn is_refused<T: Message>(sent: &Result<(), SendError<T>>) -> bool {
    matches!(sent, Err(SendError::Failed(_, error)) if error.is_corrupt())
}

/// Whoever follows the laps comes to no end, or is told.
#[test]
fn a_slot_in_a_lap_that_nobody_was_in() {
    for lap in [5, 1 << 20, 1 << 40, 1 << 62, u64::MAX - 1, u64::MAX] {
        for capacity in [1, 3, 4] {
            let ((sender, receiver), memory, at) = with_message(|| queue(capacity));
            memory.put(at - SEQ, lap);
            within_a_minute(|| {
                assert!(is_corrupt(&receiver.try_recv()));
                assert!(is_corrupt(&receiver.recv()));
                assert!(receiver.len() <= capacity);
                let joined = sender.join().unwrap_err();
                assert!(joined.is_corrupt(), "{joined}");
                assert_eq!(select(&[&receiver], None), Ok(Some(0)));
                sender.close();
                assert!(is_corrupt(&receiver.recv()));
                assert!(receiver.dead_letters().lease().is_err());
            });
        }
    }
}

/// Of a sender's.
#[test]
fn a_slot_ahead_of_the_tail() {
    let ((sender, _receiver), memory, at) = with_message(|| queue(1));
    for lap in [5, 1 << 30, u64::MAX] {
        memory.put(TAIL, 0);
        memory.put(at - SEQ, lap);
        assert!(is_refused(&within_a_minute(|| sender.send(1))));
        assert!(is_refused(&sender.try_send(1)));
        assert_eq!(select(&[&sender], None), Ok(Some(0)));
    }
}

#[test]
fn hints_that_are_ahead() {
    for hint in [4, 1 << 20, 1 << 63, u64::MAX - 3, u64::MAX] {
        let ((sender, receiver), memory, _) = with_message(|| queue(2));
        memory.put(TAIL, hint);
        assert!(is_refused(&within_a_minute(|| sender.send(1))), "{hint}");
        assert!(receiver.len() <= 2);
        assert_eq!(receiver.recv(), Ok(MESSAGE));
        memory.put(HEAD, hint);
        assert!(is_corrupt(&within_a_minute(|| receiver.recv())), "{hint}");
        assert!(receiver.len() <= 2);
    }
}

/// With all the time in the world, it would be looked at again and again.
#[test]
fn a_lap_that_no_position_names() {
    let ((sender, receiver), memory, at) = with_message(|| lifo(4));
    memory.put(at - SEQ, u64::MAX);
    assert!(is_corrupt(&within_a_minute(|| receiver.recv())));
    assert!(is_corrupt(&within_a_minute(|| receiver.lease().map(|task| *task))));
    assert_eq!(sender.try_send(1), Ok(()));
}

/// It would be waited for as for somebody alive.
#[test]
fn claims_of_nobody() {
    for claim in [1, 2, 5, (1 << 32) - 1] {
        for make in [queue as fn(usize) -> _, lifo] {
            let ((sender, receiver), memory, at) = with_message(|| make(1));
            memory.put(at - OWNER, claim);
            assert_eq!(within_a_minute(|| receiver.recv()), Ok(MESSAGE));
            memory.put(at - OWNER, claim);
            assert_eq!(within_a_minute(|| sender.send(MESSAGE)), Ok(()));
            let task = receiver.lease().unwrap();
            // The second one is in the lease, with the same words in front.
            memory.put(at, 0);
            let lease = memory.find(MESSAGE).unwrap();
            memory.put(lease - OWNER, claim);
            drop(task);
            assert_eq!(within_a_minute(|| receiver.recv()), Ok(MESSAGE));
            assert_eq!(within_a_minute(|| sender.join()), Ok(()));
        }
    }
}

/// All blocks are somebody's, as it seems, though nobody is named.
#[test]
fn blocks_of_nobody() {
    /// Behind the control and the seats of one participant on each side.
    const BLOCKS: u64 = 640 + 128 + 128;
    let builder = Builder::new().capacity(1).leases(1).participants(1).inline(8).largest(64);
    let ((sender, receiver), memory) = Memory::of(|| builder.queue::<Vec<u8>>().unwrap());
    (0..3).for_each(|index| memory.put(BLOCKS + 8 * index, 5));
    assert_eq!(within_a_minute(|| sender.send(vec![8; 40])), Ok(()));
    assert_eq!(receiver.recv(), Ok(vec![8; 40]));
}

/// A waiter whose place is somebody else's is woken by nobody.
#[test]
fn a_waiter_without_a_place() {
    shareable! {
        struct Bell { rung: Mutex<u64>, changed: Condvar<1> }
    }
    let bell = || Bell { rung: Mutex::new(0), changed: Condvar::with_capacity() };
    let (bell, memory) = Memory::of(|| Shared::new(bell()).unwrap());
    // Behind the lock and three words.
    let place = 24 + 24;
    let is_back = AtomicBool::new(false);
    within_a_minute(|| {
        thread::scope(|scope| {
            scope.spawn(|| {
                let guard = bell.rung.lock().unwrap();
                // For no reason, as it seems.
                drop(bell.changed.wait(guard).unwrap());
                is_back.store(true, Ordering::Release);
            });
            while memory.word(place) == 0 {
                thread::yield_now();
            }
            while !is_back.load(Ordering::Acquire) {
                memory.put(place, 1 << 40 | 2);
                thread::sleep(Duration::from_millis(1));
            }
        });
    });
}

#[test]
fn what_is_done_is_not() {
    let (value, memory) = Memory::of(|| Shared::new(OnceLock::<u64>::new()).unwrap());
    value.set(7).unwrap();
    memory.put(0, 0);
    assert_eq!(value.get(), None);
    assert_eq!(value.get_or_init(|| 8), Ok(&8));
    // Between the end of the one and the look of the other: nobody else is there to
    // do it in time, so it is done by the one who begins.
    let (once, memory) = Memory::of(|| Shared::new(Once::new()).unwrap());
    once.call_once(|| memory.put(0, 3)).unwrap();
    assert!(once.is_completed());
}

/// The last of all versions has a next one.
#[test]
fn the_last_version() {
    let (value, memory) = Memory::of(|| Shared::new(Value::new([1_u64; 3])).unwrap());
    memory.put(16, u64::MAX);
    value.set([2; 3]).unwrap();
    assert_eq!(value.get(), [2; 3]);
    let (array, memory) = Memory::of(|| Shared::new(Array::new([1_u64; 3])).unwrap());
    memory.put(16, u64::MAX);
    memory.put(24, u64::MAX);
    memory.put(32, u64::MAX);
    array.set(1, 2).unwrap();
    assert_eq!(array.get_all(), [1, 2, 1]);
}

/// What is neither true nor false, and numbers that are none of their kind.
#[test]
fn sizes_that_cannot_be() {
    let (semaphore, memory) = Memory::of(|| Shared::new(Semaphore::<2>::with_capacity(2)).unwrap());
    let end = size_of::<Semaphore<2>>() as u64;
    for (permits, is_bounded) in [(u64::MAX, 0x0202), (u64::MAX, u64::MAX), (0, 2)] {
        memory.put(end - 16, permits);
        memory.put(end - 8, is_bounded);
        assert!(semaphore.try_acquire_many(3).is_err());
        assert_eq!(semaphore.try_acquire_many(2).is_ok(), permits > 0);
        assert!(format!("{semaphore:?}").contains("available: 2"));
    }
    let (barrier, memory) = Memory::of(|| Shared::new(Barrier::<2>::with_capacity(1)).unwrap());
    let mut party = barrier.party().unwrap();
    // As many as there are numbers have arrived, of more than there are.
    memory.put(0, u64::from(u32::MAX) << 32);
    memory.put(8, u64::MAX);
    assert!(party.wait_timeout(Duration::ZERO).is_err());
    barrier.reset();
    memory.put(8, 1);
    assert!(party.wait().unwrap().is_leader());
}

/// The end of a pipe goes by its own index, and by the other's as far as that can be.
#[test]
fn indices_of_a_pipe() {
    let ((mut sender, mut receiver), memory) = Memory::of(|| pipe::<u64>().unwrap());
    sender.send(MESSAGE).unwrap();
    let tail = memory.word(TAIL);
    for index in [tail + 4, tail + (1 << 20), u64::MAX, u64::MAX - 7] {
        memory.put(TAIL, index);
        assert!(is_corrupt(&within_a_minute(|| receiver.recv())), "{index}");
    }
    memory.put(TAIL, tail);
    let at = memory.find(MESSAGE).unwrap();
    for len in [9, 16, 1 << 40, u64::MAX] {
        memory.put(at - 8, len);
        assert!(is_corrupt(&within_a_minute(|| receiver.recv())), "{len}");
    }
    memory.put(at - 8, 3);
    assert!(matches!(receiver.recv(), Err(RecvError::Invalid(bytes)) if bytes.len() == 3));
}

/// An end that nobody has used yet begins where the memory says: behind the last byte
/// but eight that there can ever be.
#[test]
fn the_last_bytes_of_a_pipe() {
    let last = u64::MAX - 7;
    let ((mut sender, mut receiver), memory) = Memory::of(|| pipe::<[u64; 2]>().unwrap());
    memory.put(TAIL, last);
    memory.put(HEAD, last);
    sender.send([1, 2]).unwrap();
    assert_eq!(memory.word(TAIL), 16);
    assert_eq!(receiver.recv(), Ok([1, 2]));
    let ((mut sender, mut receiver), memory) = Memory::of(|| pipe::<Vec<u8>>().unwrap());
    memory.put(TAIL, last);
    memory.put(HEAD, last);
    let mut buffer = Vec::new();
    sender.send_bytes(b"around").unwrap();
    assert_eq!(receiver.recv_into(&mut buffer), Ok(6));
    assert_eq!(buffer, b"around");
}
