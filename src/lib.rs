//! POSIX IPC primitives that survive `kill -9`.
//!
//! A participant may be killed at any instruction. Nobody else hangs, nothing
//! that was committed is lost, nothing half-written is seen, and whoever comes
//! next is told.
//!
//! ```
//! use killproof::sync::{Mutex, OrRecover};
//! use killproof::{Shared, channel, process};
//!
//! let total = Shared::new(Mutex::new(2_u64))?;
//! let (jobs, todo) = channel::queue(16)?;
//! jobs.send(40_u64)?;
//!
//! let (its_total, its_todo) = (total.clone(), todo.clone());
//! let worker = process::spawn(move || -> () {
//!     let (_job, _guard) = (its_todo.lease(), its_total.lock());
//!     loop { std::thread::park() }
//! })?;
//! while total.try_lock().is_ok() {} // until it holds both
//! worker.kill()?; // SIGKILL: it will never give them back
//!
//! println!("the worker   {:?}", worker.join());
//! println!("the lock     {:?}", total.lock());
//! let job = todo.lease()?;
//! println!("the message  {job:?}");
//!
//! let mut total = total.lock().or_recover(|total| *total = 2).unwrap();
//! *total += job.done();
//! println!("and on we go {total:?}");
//! # assert_eq!(*total, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! the worker   Err(Signalled(9))
//! the lock     Err(Abandoned { pid: 25686, .. })
//! the message  Task { id: 0, attempts: 2, value: 40 }
//! and on we go 42
//! ```
//!
//! | a process is killed | then |
//! |---|---|
//! | holding a [`Mutex`](sync::Mutex), or writing to an [`RwLock`](sync::RwLock) | whoever locks next gets the lock inside an [`Abandoned`](sync::Abandoned) error, until somebody repairs the value |
//! | holding a semaphore's permit | the permit is free again |
//! | sending or receiving | a message being sent is there whole, or not at all; one being received may be gone with its receiver: [lease](channel::Receiver::lease) it instead |
//! | with a message on lease | the message goes to somebody else, with one more attempt |
//! | as the last sender, or the last receiver | receivers get what was sent, then `Disconnected`; senders get it as soon as they would have to wait, and nobody receives what they sent |
//! | as a worker of a pool | the one task in its hands fails at once, or is tried again if that was asked for; another worker comes |
//!
//! [The whole table](#when-a-process-dies) is below. Whoever waits for the dead goes on
//! when the slice ends that it sleeps in: 10 ms for one who has just begun to wait,
//! growing to 100.
//!
//! # Limits
//!
//! - Linux 5.4 or later; all participants in one PID namespace, and before Linux
//!   6.9 in one time namespace. Others get an error from whatever would name them,
//!   and touch nothing. What names nobody works from everywhere: an
//!   [`Event`](sync::Event), a notification of a [`Condvar`](sync::Condvar), `reset`
//!   of a [`Barrier`](sync::Barrier), a [`Value`](sync::Value) of at most 8 bytes,
//!   `close` of a queue; and counts, in which everybody lives there.
//! - A process counts as dead when the kernel has finished its exit: not while
//!   it is stopped, dumps core, sleeps uninterruptibly or still frees gigabytes.
//! - A message is delivered at least once where it is leased, at most once where
//!   it is received.
//! - A value inside an abandoned lock is its user's to repair. Side effects are
//!   not undone.
//! - What has a [name](named) is in a file in `/dev/shm`: its owner can make it shorter
//!   under those who use it, which ends them with SIGBUS.
//! - What is held at `exec`, or by a leaked guard, stays held for as long as the
//!   process lives. Checkpoint and restore, `CLONE_VM` children, and sandboxes
//!   that forbid both `pidfd_open` and `kill` are not supported.
//!
//! # Two commands
//!
//! In a clone: count words with four workers, killing twenty of them on the way, and run
//! the tests, a sample of the kill sweep among them.
//!
//! ```text
//! cargo run --release --example wordcount -- --workers 4 --kill 20 PATH...
//! cargo test --release
//! ```
//!
//! `docs/cookbook.md` in the package has the programs that people write first,
//! `docs/guide.md` the way from Python's `multiprocessing`, `docs/design.md` why all this is
//! built as it is.
//!
#![doc = include_str!("../docs/compare.md")]
//!
//! # One example each
//!
//! A process and what it returns ([`process`]):
//!
//! ```
//! let child = killproof::process::spawn(|| "done".to_string())?;
//! assert_eq!(child.join()?, "done");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A value of one's own in shared memory ([`Shared`], [`shareable!`]), a lock, and
//! permits ([`sync`]):
//!
//! ```
//! use killproof::{Shared, process, shareable, sync::{Mutex, Semaphore}};
//!
//! shareable! {
//!     struct Office { visitors: Mutex<u64>, chairs: Semaphore }
//! }
//!
//! let office = Shared::new(Office { visitors: Mutex::new(0), chairs: Semaphore::new(2) })?;
//! let mut visitors = Vec::new();
//! for _ in 0..5 {
//!     let office = office.clone();
//!     visitors.push(process::spawn(move || {
//!         let _chair = office.chairs.acquire().unwrap();
//!         *office.visitors.lock().unwrap() += 1;
//!     })?);
//! }
//! for visitor in visitors {
//!     visitor.join()?;
//! }
//! assert_eq!(*office.visitors.lock().unwrap(), 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An event ([`sync::Event`]):
//!
//! ```
//! let green = killproof::sync::Event::new()?;
//! let its_green = green.clone();
//! let car = killproof::process::spawn(move || its_green.wait())?;
//! green.set();
//! car.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A queue ([`channel`]), on which each message ([`Message`]) goes to one
//! receiver:
//!
//! ```
//! let (results, inbox) = killproof::channel::queue(8)?;
//! let worker = killproof::process::spawn(move || results.send(vec![1_u8, 2, 3]).unwrap())?;
//! assert_eq!(inbox.recv()?, [1, 2, 3]);
//! worker.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! One wait for several things ([`select`]); with poll(2), epoll and tokio, see
//! [`Ready`]:
//!
//! ```
//! use killproof::{channel, process, select};
//!
//! let (results, inbox) = channel::queue(8)?;
//! let worker = process::spawn(move || results.send(7_u8).unwrap())?;
//! let first = select(&[&inbox, &worker], None)?;
//! assert!(first.is_some());
//! assert_eq!(inbox.recv()?, 7);
//! worker.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A pipe ([`channel::pipe`](channel::pipe())), which ends when its sender does:
//!
//! ```
//! let (mut sender, mut receiver) = killproof::channel::pipe()?;
//! let child = killproof::process::spawn(move || sender.send("hello".to_string()).unwrap())?;
//! assert_eq!(receiver.recv()?, "hello");
//! assert!(receiver.recv().is_err(), "the end of the stream");
//! child.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Something with a name, for programs that have nothing else in common ([`named`]):
//!
//! ```
//! use killproof::{Named, channel::{Receiver, Sender}};
//!
//! # let name = &format!("front-{}", std::process::id());
//! let todo: Receiver<String> = Named::new(name).open_or_create()?;
//! let jobs: Sender<String> = Named::new(name).open_or_create()?; // in another program
//! jobs.send("sweep the floor".into())?;
//! assert_eq!(*todo.lease()?, "sweep the floor");
//! Named::new(name).unlink()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Workers, for one function and many arguments ([`pool`]):
//!
//! ```
//! use killproof::pool::{Pool, TaskError};
//!
//! let pool = Pool::new(4, |n: u32| if n == 3 { std::process::abort() } else { n * n })?;
//! assert_eq!(pool.map_each(1..=4), [Ok(1), Ok(4), Err(TaskError::Signalled(6)), Ok(16)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When a process dies
//!
//! | it is killed | then |
//! |---|---|
//! | holding a [`Mutex`](sync::Mutex) or [`ReentrantMutex`](sync::ReentrantMutex) | the next `lock` says [`Abandoned`](sync::Abandoned), with the lock held, until somebody repairs the value |
//! | writing to an [`RwLock`](sync::RwLock) | the same, for the next `read` or `write`; a reader's death nobody notices |
//! | holding a [`Semaphore`](sync::Semaphore)'s permit | the permit is free again |
//! | changing a [`Value`](sync::Value) or an [`Array`](sync::Array) | it is the old one or the new one, whole; readers never wait |
//! | setting or clearing an [`Event`](sync::Event) | it is set or it is not; whoever waits or polls is told |
//! | notified of a [`Condvar`](sync::Condvar) | somebody else is notified in its place |
//! | as a party of a [`Barrier`](sync::Barrier) | every survivor has [`Broken`](sync::Broken), until its place is taken |
//! | initialising a [`Once`](sync::Once) or [`OnceLock`](sync::OnceLock) | somebody else does it, from the start |
//! | sending to a [`queue`](channel::queue) | its message is there whole, or not at all |
//! | with a [`Reservation`](channel::Reservation) | nothing was sent, and its memory goes to others |
//! | with a message on [`lease`](channel::Receiver::lease) | the message goes to somebody else, with one more attempt |
//! | with a task at the last of its [`max_attempts`](channel::Builder::max_attempts) | the task is a dead letter; [`join`](channel::Sender::join) goes on |
//! | with [daemons](process::Builder::daemon) | they end with it, at once |
//! | as a [`Pool`](pool::Pool)'s worker | the task in its hands fails, or is tried again if that was asked for; another worker comes |
//! | as a pool's keeper | its workers end with it; what is not finished says so |
//! | as a [`Zygote`](process::Zygote) | its children end with it, and its owner is told at the next order |
//! | as the last sender of a queue, or of a [`pipe`](channel::pipe()) | receivers get what was sent, then `Disconnected` |
//! | as the last receiver | senders get `Disconnected` and their value back as soon as they would have to wait; until then they send to nobody. [`join`](channel::Sender::join) says whether all was handled |
//! | making something with a [name](named) | nothing of it is there, or all of it |
//! | as the last to use something with a name | it stays, with what was committed; whoever creates takes the name over |
//! | before it rang for those in [`select`], poll(2) or tokio ([`Ready`]) | they come to look by themselves |
//!
//! # Trade-offs
//!
//! The dead are found by asking the kernel about the one process in the way,
//! never by a mark it might have left, a timeout, or a heartbeat: no mark is lost
//! when memory is reaped early, and nobody alive is ever robbed. Asking happens at
//! the end of a waiter's time slice (10, 20, 40, 80, then 100 ms), so an operation that
//! does not wait costs nothing more than without it.
//!
//! A queue keeps strict order. The price is that a sender that is stopped, not
//! killed, in the few instructions in which it fills its slot holds up those
//! behind it, and that a receiver stopped while it empties one holds up all other
//! receivers.
//!
//! # Whom it trusts
//!
//! Nobody to stay alive. To write into the shared memory only what this crate writes,
//! those who have it: there is no way past the handles but `unsafe` code and a stray
//! pointer. Should somebody write something else there, at any moment, the harm has a
//! bound. Whatever of it is an index, a length or a count is held to what can be before
//! it is used. Such a lie makes an operation fail ([`Error::is_corrupt`], or another
//! error), wait until its time is up as for a slow process, or return a wrong value of a
//! [`Plain`] type; it lets two in where one may be, and messages get lost or come again.
//! It makes nobody read or write outside of the mapping, panic, allocate without a limit
//! or go on for ever: the test `liar` and the fuzz target `scribble` tell such lies.
//!
//! Three things are beyond that. A type of which not all bytes are values, in a lock,
//! may be none. What a guard or a [`Received`](channel::Received) refers to may change
//! under it. And who reads a [`Value`](sync::Value) or an [`Array`](sync::Array) looks
//! again for as long as somebody changes it faster. `SECURITY.md` says more.
//!
//! # What this does not do
//!
//! No transport between machines, no Windows or macOS, no allocator in shared
//! memory, no daemon that must run, no threads that were not asked for
//! ([`Pool::threads`](pool::Pool::threads)), no signal handlers. No
//! unbounded queue: it would need memory without a limit or a hidden feeder
//! thread; a full queue blocks its sender, openly. No
//! `scope` for processes: after a fork, a borrow would mean a copy.
//!
//! # Fork: what is legal after it
//!
//! [`process::spawn`] is a safe function: it refuses while the process has other
//! threads or guards on loan, and so the child may do what it likes. After any
//! other fork of this crate's users, everything here works in the child: handles
//! count themselves there at their first use, and guards that were copied do
//! nothing when they are dropped. `docs/spawn.md` tells the whole story.
//!
//! # Map of the source
//!
//! Floors, in reading order; each imports only from those before it, and its
//! `mod.rs` says what it does and never does.
//!
//! - *Core:* `error` and `deadline`; `sys`, the only place that calls the system;
//!   `primitive`, atomics, futex and the stamp that names a process, or a model of
//!   them; `raw`, the word machines, each a file with its states, transitions and
//!   orderings; `ready`, descriptors to poll; `shared`, bytes that others also see.
//! - *Built on it:* [`sync`], typed shells over `raw`; [`channel`], queues and
//!   pipes; [`named`], both for unrelated processes; [`process`], fork and join;
//!   [`pool`], workers.

#![doc(test(attr(deny(warnings))))]
#![deny(clippy::incompatible_msrv)]
// Under the model nothing above `raw` is there to use what is below.
#![cfg_attr(loom, allow(dead_code, unused_imports))]

#[cfg(not(target_os = "linux"))]
compile_error!("killproof needs Linux: pidfd, futex and memfd have no equivalent elsewhere");

#[cfg(not(loom))]
pub mod channel;
mod deadline;
mod error;
#[cfg(not(loom))]
pub mod named;
#[cfg(not(loom))]
pub mod pool;
mod primitive;
#[cfg(not(loom))]
pub mod process;
mod raw;
#[cfg(not(loom))]
mod ready;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
pub mod sync;
#[cfg(not(loom))]
mod sys;

pub use error::Error;
#[cfg(not(loom))]
pub use named::Named;
#[cfg(not(loom))]
pub use ready::{Ready, select};
#[cfg(not(loom))]
pub use shared::exposed::Exposed;
#[cfg(not(loom))]
pub use shared::handle::Shared;
#[cfg(not(loom))]
pub use shared::message::{Decoder, Encoder, InvalidMessage, Message};
#[cfg(not(loom))]
pub use shared::plain::Plain;
#[cfg(not(loom))]
#[doc(hidden)]
pub use shared::plain::refuse_padding;
#[cfg(all(feature = "serde", not(loom)))]
pub use shared::serde::Serde;
#[cfg(not(loom))]
#[doc(hidden)]
pub use shared::shareable::Placement;
#[cfg(not(loom))]
pub use shared::shareable::Shareable;
#[cfg(not(loom))]
pub use shared::transferable::Transfer;

/// The README's programs are tests as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// So are the guide's ..
#[cfg(doctest)]
#[doc = include_str!("../docs/guide.md")]
struct Guide;

/// .. and the cookbook's.
#[cfg(doctest)]
#[doc = include_str!("../docs/cookbook.md")]
struct Cookbook;
