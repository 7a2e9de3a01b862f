//! Pipes whose ends move into children: whose they are, what keeps a stream open, and
//! how it ends.

use std::mem::{self, ManuallyDrop};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use killproof::channel::{
    Duplex, PipeBuilder, PipeReceiver, PipeSender, RecvError, SendError, duplex, pipe,
};
use killproof::process::spawn;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::common::case::Case;
use crate::common::child::{fork, is_asleep, until};
use crate::common::mapped::{Gate, gate};
use crate::common::trace::mark;
use crate::frozen::{freeze, steps_until, thaw};
use crate::handed_over::pass_on;
use crate::{STUCK, expect, finish, scenario};

/// How long nothing is to happen; any length is right.
const WHILE: Duration = Duration::from_millis(150);

type Ends = (PipeSender<u64>, PipeReceiver<u64>);
type Narrow = (PipeSender<[u64; 7]>, PipeReceiver<[u64; 7]>);

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a pipe's sender moved, the child ends", || moved_sender(|_, _| ())),
        scenario("a pipe's sender moved, the child drops it and lives", || {
            moved_sender(|sender, over| {
                drop(sender);
                over.pass();
            })
        }),
        scenario("a pipe's sender moved, the child leaks it and ends", || {
            moved_sender(|sender, _| mem::forget(sender))
        }),
        scenario("a pipe's sender killed", sender_killed),
        scenario("a pipe's sender killed before the first look", sender_killed_before),
        scenario("a pipe's receiver killed", receiver_killed),
        scenario("a pipe's receiver moved, the child drops it", receiver_dropped),
        scenario("a pipe's ends inherited by siblings", siblings),
        scenario("a pipe's ends in two children", two_children),
        scenario("a pipe's sender passed on unused", passed_on),
        scenario("a pipe's sender in an Arc", in_an_arc),
        scenario("a pipe's ends in a static", in_a_static),
        scenario("a pipe's ends after a bare fork", bare_fork),
        scenario("a pipe's sender stopped", stopped),
        scenario("a pipe's sender stopped in its record", stopped_inside),
        scenario("a pipe's receiver that only polls", polls),
        scenario("a duplex, the child echoes and is killed", echo),
        scenario("a duplex, split over two children", split),
    ]
}

fn ends() -> Result<Ends, String> {
    pipe().map_err(|e| e.to_string())
}

/// With room for one message.
fn narrow() -> Result<Narrow, String> {
    PipeBuilder::new().capacity(64).pipe().map_err(|e| e.to_string())
}

fn over(receiver: &mut PipeReceiver<u64>) -> Result<(), String> {
    expect("afterwards", receiver.recv(), Err(RecvError::Disconnected))?;
    expect("and then", receiver.try_recv(), Err(RecvError::Disconnected))
}

fn asleep(pid: u32) -> Result<(), String> {
    let pid = Pid::from_raw(pid as i32);
    let in_time = until(std::time::Instant::now() + STUCK, || is_asleep(pid));
    in_time.then_some(()).ok_or_else(|| "does not fall asleep".into())
}

fn moved_sender(end: fn(PipeSender<u64>, &Gate)) -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    // What this process sent before is there too.
    expect("ours", sender.send(0), Ok(()))?;
    let may_end = gate();
    let its = Arc::clone(&may_end);
    let child = spawn(move || {
        let sent = (1..=3).all(|number| sender.send(number) == Ok(()));
        end(sender, &its);
        sent
    });
    let child = child.map_err(|e| e.to_string())?;
    for number in 0..=3 {
        expect("a message", receiver.recv(), Ok(number))?;
    }
    over(&mut receiver)?;
    may_end.open();
    expect("the child", child.join(), Ok(true)).map(|()| String::new())
}

fn sender_killed() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let never = gate();
    let child = spawn(move || {
        let _ = sender.send(1);
        never.pass();
    });
    let child = child.map_err(|e| e.to_string())?;
    expect("the message", receiver.recv(), Ok(1))?;
    expect("while it lives", receiver.recv_timeout(WHILE), Err(RecvError::Empty))?;
    child.kill().map_err(|e| e.to_string())?;
    over(&mut receiver).map(|()| String::new())
}

/// What it committed is received, though it is long dead.
fn sender_killed_before() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let child = spawn(move || -> () {
        let _ = (1..=100).try_for_each(|number| sender.send(number));
        let _ = kill(Pid::this(), Signal::SIGKILL);
    });
    let end = child.map_err(|e| e.to_string())?.join();
    expect("its end", end, Err(killproof::process::JoinError::Signalled(9)))?;
    for number in 1..=100 {
        expect("a message", receiver.try_recv(), Ok(number))?;
    }
    over(&mut receiver).map(|()| String::new())
}

fn receiver_killed() -> Result<String, String> {
    let (mut sender, receiver) = narrow()?;
    let never = gate();
    let child = spawn(move || {
        let _receiver = receiver;
        never.pass();
    });
    let child = child.map_err(|e| e.to_string())?;
    expect("the first", sender.send([1; 7]), Ok(()))?;
    let waited = sender.send_timeout([2; 7], WHILE);
    expect("while it lives", waited, Err(SendError::Full([2; 7])))?;
    child.kill().map_err(|e| e.to_string())?;
    expect("afterwards", sender.send([3; 7]), Err(SendError::Disconnected([3; 7])))?;
    let tried = sender.try_send([4; 7]);
    expect("and then", tried, Err(SendError::Disconnected([4; 7]))).map(|()| String::new())
}

/// Told at once, also where there is room.
fn receiver_dropped() -> Result<String, String> {
    let (mut sender, receiver) = ends()?;
    let child = spawn(move || drop(receiver)).map_err(|e| e.to_string())?;
    expect("the child", child.join(), Ok(()))?;
    expect("afterwards", sender.send(1), Err(SendError::Disconnected(1))).map(|()| String::new())
}

/// Copies of both ends in processes that live on keep nothing open: the trap of pipe(2).
fn siblings() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let (mut narrow_sender, narrow_receiver) = narrow()?;
    let may_end = gate();
    let sibling = || {
        let its = Arc::clone(&may_end);
        spawn(move || its.pass()).map_err(|e| e.to_string())
    };
    let before = sibling()?;
    let child = spawn(move || {
        let _receiver = narrow_receiver;
        sender.send(1).is_ok()
    });
    let after = sibling()?;
    expect("the message", receiver.recv(), Ok(1))?;
    over(&mut receiver)?;
    expect("the child", child.map_err(|e| e.to_string())?.join(), Ok(true))?;
    let sent = narrow_sender.send([1; 7]);
    expect("the other pipe", sent, Err(SendError::Disconnected([1; 7])))?;
    may_end.open();
    expect("the first sibling", before.join(), Ok(()))?;
    expect("the second sibling", after.join(), Ok(())).map(|()| String::new())
}

fn two_children() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let sums = spawn(move || {
        let mut sum = 0;
        while let Ok(number) = receiver.recv() {
            sum += number;
        }
        sum
    });
    let sums = sums.map_err(|e| e.to_string())?;
    let sends = spawn(move || (1..=20_000).all(|number| sender.send(number).is_ok()));
    expect("the sender", sends.map_err(|e| e.to_string())?.join(), Ok(true))?;
    expect("the receiver", sums.join(), Ok(200_010_000)).map(|()| String::new())
}

/// From here to a child, and from there, unused, to its child, which takes its time.
fn passed_on() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let (child, may_send) = pass_on(move || sender.send(1).is_ok())?;
    expect("before it sends", receiver.recv_timeout(WHILE), Err(RecvError::Empty))?;
    may_send.open();
    expect("the message", receiver.recv(), Ok(1))?;
    over(&mut receiver)?;
    expect("the child", child.join(), Ok(true)).map(|()| String::new())
}

fn is_refused(sender: &mut PipeSender<u64>) -> bool {
    matches!(sender.send(9), Err(SendError::Failed(9, error)) if error.is_not_owner())
}

fn is_refused_too(receiver: &mut PipeReceiver<u64>) -> bool {
    matches!(receiver.recv(), Err(RecvError::Failed(error)) if error.is_not_owner())
}

/// What lies behind an `Arc` is not handed over: the copy is refused and changes
/// nothing, and this process goes on.
fn in_an_arc() -> Result<String, String> {
    let (sender, mut receiver) = ends()?;
    let sender = Arc::new(Mutex::new(sender));
    let copy = Arc::clone(&sender);
    let child = spawn(move || copy.lock().is_ok_and(|mut copy| is_refused(&mut copy)));
    expect("refused", child.map_err(|e| e.to_string())?.join(), Ok(true))?;
    expect("nothing sent", receiver.try_recv(), Err(RecvError::Empty))?;
    let mut ours = sender.lock().map_err(|e| e.to_string())?;
    expect("our own", ours.send(1), Ok(()))?;
    expect("received", receiver.recv(), Ok(1)).map(|()| String::new())
}

fn in_a_static() -> Result<String, String> {
    static ENDS: OnceLock<Mutex<Ends>> = OnceLock::new();
    let _ = ENDS.set(Mutex::new(ends()?));
    let ends = ENDS.get().ok_or("set just now")?;
    let child = spawn(|| {
        let Some(Ok(mut ends)) = ENDS.get().map(Mutex::lock) else { return (false, false) };
        let (sender, receiver) = &mut *ends;
        (is_refused(sender), is_refused_too(receiver))
    });
    expect("refused", child.map_err(|e| e.to_string())?.join(), Ok((true, true)))?;
    let (sender, receiver) = &mut *ends.lock().map_err(|e| e.to_string())?;
    expect("sent", sender.send(1), Ok(()))?;
    expect("received", receiver.recv(), Ok(1)).map(|()| String::new())
}

/// Copies: refused, and dropped without a trace.
fn bare_fork() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let mut both = Some((&mut sender, &mut receiver));
    let child = fork(|| {
        let (sender, receiver) = both.take().ok_or("once")?;
        expect("refused", [is_refused(sender), is_refused_too(receiver)], [true; 2])?;
        let (its_sender, its_receiver) = ends()?;
        drop(mem::replace(sender, its_sender));
        drop(mem::replace(receiver, its_receiver));
        Ok(())
    });
    finish("the child", &child)?;
    expect("sent", sender.send(1), Ok(()))?;
    expect("received", receiver.recv(), Ok(1)).map(|()| String::new())
}

/// A stopped sender is alive: the stream is not over.
fn stopped() -> Result<String, String> {
    let (mut sender, mut receiver) = ends()?;
    let (begins, may_go) = (gate(), gate());
    let (its_begins, its_may_go) = (Arc::clone(&begins), Arc::clone(&may_go));
    let child = spawn(move || {
        its_begins.open();
        its_may_go.pass();
        sender.send(1).is_ok()
    });
    let child = child.map_err(|e| e.to_string())?;
    begins.pass();
    asleep(child.pid())?;
    let pid = Pid::from_raw(child.pid() as i32);
    kill(pid, Signal::SIGSTOP).map_err(|e| e.to_string())?;
    let status = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).map_err(|e| e.to_string())?;
    expect("the sender", status, WaitStatus::Stopped(pid, Signal::SIGSTOP))?;
    may_go.open();
    expect("while stopped", receiver.recv_timeout(WHILE), Err(RecvError::Empty))?;
    expect("while stopped", receiver.try_recv(), Err(RecvError::Empty))?;
    kill(pid, Signal::SIGCONT).map_err(|e| e.to_string())?;
    expect("afterwards", receiver.recv(), Ok(1))?;
    over(&mut receiver)?;
    expect("the child", child.join(), Ok(true)).map(|()| String::new())
}

/// Stopped at any instruction of a send, it shows its message whole or not at all.
fn stopped_inside() -> Result<String, String> {
    type World = std::cell::RefCell<Narrow>;
    let world = || narrow().map(World::new);
    let send = |world: &World| {
        let mut ends = world.borrow_mut();
        let (sender, _) = &mut *ends;
        adopted(sender);
        mark();
        assert_eq!(sender.send([1; 7]), Ok(()));
        mem::forget(ends);
    };
    let received = |world: &World| world.borrow_mut().1.try_recv() == Ok([1; 7]);
    let committed = steps_until(world, send, received)?;
    let world = world()?;
    let frozen = freeze(|| send(&world), committed - 1)?;
    let waited = world.borrow_mut().1.recv_timeout(WHILE);
    expect("one step before", waited, Err(RecvError::Empty))?;
    thaw(&frozen)?;
    expect("afterwards", world.borrow_mut().1.recv(), Ok([1; 7]))?;
    let end = world.borrow_mut().1.recv();
    expect("and then", end, Err(RecvError::Disconnected))?;
    Ok(format!("committed at step {committed}"))
}

#[allow(unsafe_code)]
fn adopted(sender: &mut PipeSender<[u64; 7]>) {
    // SAFETY: its parent leaves the sender alone.
    unsafe { sender.adopt() }.expect("it was not given up");
}

/// Who never waits finds out too, by asking now and then.
fn polls() -> Result<String, String> {
    let (sender, mut receiver) = ends()?;
    let never = gate();
    let child = spawn(move || {
        let _sender = ManuallyDrop::new(sender);
        never.pass();
    });
    let child = child.map_err(|e| e.to_string())?;
    expect("while it lives", receiver.try_recv(), Err(RecvError::Empty))?;
    child.kill().map_err(|e| e.to_string())?;
    let deadline = std::time::Instant::now() + STUCK;
    let told = until(deadline, || receiver.try_recv() == Err(RecvError::Disconnected));
    told.then(String::new).ok_or_else(|| "never told".into())
}

fn echo() -> Result<String, String> {
    let (mut ours, mut its): (Duplex<u64, String>, _) = duplex().map_err(|e| e.to_string())?;
    let child = spawn(move || {
        while let Ok(number) = its.recv() {
            let _ = its.send(number.to_string());
        }
    });
    let child = child.map_err(|e| e.to_string())?;
    for number in 0..100 {
        expect("sent", ours.send(number), Ok(()))?;
        expect("echoed", ours.recv(), Ok(number.to_string()))?;
    }
    child.kill().map_err(|e| e.to_string())?;
    expect("afterwards", ours.recv(), Err(RecvError::Disconnected))?;
    let (mut sender, receiver) = ours.split();
    drop(receiver);
    let full = (0..).find_map(|number| sender.send(number).err());
    let told = matches!(full, Some(SendError::Disconnected(_)));
    expect("sends", told, true).map(|()| String::new())
}

/// Each half goes its way, and ends by itself.
fn split() -> Result<String, String> {
    let (mut ours, its) = duplex::<u64, u64>().map_err(|e| e.to_string())?;
    let (mut sender, mut receiver) = its.split();
    let sends = spawn(move || sender.send(1).is_ok()).map_err(|e| e.to_string())?;
    let receives = spawn(move || receiver.recv() == Ok(2)).map_err(|e| e.to_string())?;
    expect("from one", ours.recv(), Ok(1))?;
    expect("its end", ours.recv(), Err(RecvError::Disconnected))?;
    expect("to the other", ours.send(2), Ok(()))?;
    expect("the sender", sends.join(), Ok(true))?;
    expect("the receiver", receives.join(), Ok(true)).map(|()| String::new())
}
