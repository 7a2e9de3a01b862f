//! Messages with descriptors, between processes that die.

use std::fs::File;
use std::io::{PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use killproof::channel::{Connection, RecvError, SendError, connection};
use killproof::process::spawn;
use killproof::select;

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::fds;
use crate::common::forms::is_readable;
use crate::common::mapped::{Gate, Mapped, gate};
use crate::descriptors::exhaust;
use crate::{expect, fall_asleep, finish, kill, scenario};

type Ends = (Connection<u64, String>, Connection<String, u64>);
type Draw = fn(&mut Connection<String, u64>) -> Result<u64, RecvError>;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("a connection, a child writes to what it is sent", writes),
        scenario("a connection's peer killed, asleep", || killed(asleep)),
        scenario("a connection's peer killed, poll", || killed(polling)),
        scenario("a connection's peer killed, select", || killed(by_select)),
        scenario("a connection's peer killed, room waited for", killed_full),
        scenario("a connection's peer killed, descriptors on their way", killed_unread),
        scenario("a connection's end dropped, copies in siblings", dropped),
        scenario("a connection's end that is not ours", not_ours),
        scenario("a connection, more than may be sent", limits),
        scenario("no descriptors left, a connection", no_descriptors),
    ]
}

fn ends() -> Result<Ends, String> {
    connection().map_err(|e| e.to_string())
}

fn asleep(end: &mut Connection<String, u64>) -> Result<u64, RecvError> {
    end.recv().map(|(number, _)| number)
}

fn polling(end: &mut Connection<String, u64>) -> Result<u64, RecvError> {
    loop {
        match end.try_recv() {
            Err(RecvError::Empty) => is_readable(end, None),
            answer => return answer.map(|(number, _)| number),
        };
    }
}

fn by_select(end: &mut Connection<String, u64>) -> Result<u64, RecvError> {
    loop {
        expect("chosen", select(&[end], None), Ok(Some(0))).expect("nothing else is there");
        match end.try_recv() {
            Err(RecvError::Empty) => {}
            answer => return answer.map(|(number, _)| number),
        }
    }
}

#[allow(unsafe_code)]
fn adopt(end: &mut Connection<String, u64>) -> Result<(), String> {
    // SAFETY: its parent leaves the end alone.
    unsafe { end.adopt() }.map_err(|e| e.to_string())
}

fn text_of(mut reader: PipeReader) -> Result<String, String> {
    let mut text = String::new();
    reader.read_to_string(&mut text).map_err(|e| e.to_string())?;
    Ok(text)
}

fn writes() -> Result<String, String> {
    let (mut ours, mut its) = ends()?;
    let child = spawn(move || {
        let mut sum = 0;
        while let Ok((number, descriptors)) = its.recv() {
            sum += number;
            for descriptor in descriptors {
                let _ = write!(File::from(descriptor), "{number};");
            }
            let _ = its.send(format!("done {number}"), &[]);
        }
        sum
    });
    let child = child.map_err(|e| e.to_string())?;
    let open = fds::open();
    let (reader, writer) = pipe().map_err(|e| e.to_string())?;
    for (number, count) in [(1, 0), (2, 1), (3, Connection::<u64, String>::MOST_DESCRIPTORS)] {
        expect("sent", ours.send(number, &vec![writer.as_fd(); count]), Ok(()))?;
        let answer = ours.recv().map(|(answer, _)| answer);
        expect("answered", answer, Ok(format!("done {number}")))?;
    }
    drop((ours, writer));
    let text = format!("2;{}", "3;".repeat(Connection::<u64, String>::MOST_DESCRIPTORS));
    expect("written", text_of(reader)?, text)?;
    // One end was closed, and nothing that was opened stayed.
    expect("descriptors", fds::open() < open, true)?;
    expect("the child", child.join(), Ok(6)).map(|()| String::new())
}

/// With a sibling that has copies of everything, and keeps the socket open.
fn killed(draw: Draw) -> Result<String, String> {
    let (mut ours, mut its) = ends()?;
    let gates = Mapped::new(<[Gate; 3]>::default());
    let [holds, never, begins] = &*gates;
    let holder = fork(|| {
        // SAFETY: its parent leaves the end alone.
        #[allow(unsafe_code)]
        unsafe { ours.adopt() }.map_err(|e| e.to_string())?;
        expect("sent", ours.send(1, &[]), Ok(()))?;
        holds.open();
        never.pass();
        Ok(())
    });
    holds.pass();
    let waiter = fork(|| {
        adopt(&mut its)?;
        expect("the message", draw(&mut its), Ok(1))?;
        begins.open();
        expect("the end", draw(&mut its), Err(RecvError::Disconnected))
    });
    fall_asleep(&waiter, begins)?;
    kill(&holder);
    finish("who waits", &waiter).map(|()| String::new())
}

fn killed_full() -> Result<String, String> {
    let (mut ours, mut its) = ends()?;
    let gates = Mapped::new(<[Gate; 3]>::default());
    let [holds, never, begins] = &*gates;
    let holder = fork(|| {
        adopt(&mut its)?;
        holds.open();
        never.pass();
        Ok(())
    });
    holds.pass();
    let sender = fork(|| {
        // SAFETY: its parent leaves the end alone.
        #[allow(unsafe_code)]
        unsafe { ours.adopt() }.map_err(|e| e.to_string())?;
        while ours.try_send(1, &[]).is_ok() {}
        expect("full", ours.send_timeout(2, &[], Duration::ZERO), Err(SendError::Full(2)))?;
        begins.open();
        expect("alone", ours.send(3, &[]), Err(SendError::Disconnected(3)))
    });
    fall_asleep(&sender, begins)?;
    kill(&holder);
    finish("who sends", &sender).map(|()| String::new())
}

/// What nobody received is closed when the socket is.
fn killed_unread() -> Result<String, String> {
    let (mut ours, mut its) = ends()?;
    let (reader, writer) = pipe().map_err(|e| e.to_string())?;
    let never = Mapped::new(Gate::default());
    let child = spawn(move || {
        let received = its.recv();
        never.pass();
        drop(received);
    });
    let child = child.map_err(|e| e.to_string())?;
    for number in [1, 2] {
        expect("sent", ours.send(number, &[writer.as_fd()]), Ok(()))?;
    }
    drop(writer);
    child.kill().map_err(|e| e.to_string())?;
    expect("the child", child.join().is_err(), true)?;
    expect("nobody has it", text_of(reader)?, String::new())?;
    let sent = ours.send(3, &[]);
    expect("alone", sent, Err(SendError::Disconnected(3)))?;
    let received = ours.recv().map(|(text, _)| text);
    expect("and so", received, Err(RecvError::Disconnected)).map(|()| String::new())
}

fn dropped() -> Result<String, String> {
    let (mut ours, mut its) = ends()?;
    let may_end = gate();
    let gate = may_end.clone();
    let sibling = spawn(move || gate.pass()).map_err(|e| e.to_string())?;
    let child = spawn(move || {
        its.recv().map(|(number, _)| number) == Ok(1) && {
            let rest = its.recv().map(|(number, _)| number);
            rest == Err(RecvError::Disconnected)
        }
    });
    expect("sent", ours.send(1, &[]), Ok(()))?;
    drop(ours);
    expect("the child", child.map_err(|e| e.to_string())?.join(), Ok(true))?;
    may_end.open();
    expect("the sibling", sibling.join(), Ok(())).map(|()| String::new())
}

/// A copy is refused, and ends nothing when it is dropped.
fn not_ours() -> Result<String, String> {
    let (mut ours, its) = ends()?;
    let mut its = Some(its);
    let child = fork(|| {
        let mut copy = its.take().ok_or("once")?;
        let sent = copy.send(String::new(), &[]);
        let is_refused = matches!(&sent, Err(SendError::Failed(_, e)) if e.is_not_owner());
        expect("send", is_refused, true)?;
        let received = copy.recv();
        let is_refused = matches!(&received, Err(RecvError::Failed(e)) if e.is_not_owner());
        expect("recv", is_refused, true)?;
        drop(copy);
        Ok(())
    });
    finish("the child", &child)?;
    let mut its = its.take().ok_or("ours")?;
    expect("sent", ours.send(1, &[]), Ok(()))?;
    expect("received", asleep(&mut its), Ok(1)).map(|()| String::new())
}

fn limits() -> Result<String, String> {
    let (mut ours, mut its) = ends()?;
    let limit = Connection::<u64, String>::LARGEST;
    let text = |len: usize| "x".repeat(len - 8);
    expect("the largest", its.try_send(text(limit), &[]), Ok(()))?;
    expect("received", ours.recv().map(|(text, _)| text), Ok(text(limit)))?;
    let value = text(limit + 1);
    let refused = its.try_send(value.clone(), &[]);
    expect("too large", refused, Err(SendError::TooLarge { value, limit }))?;
    let null = File::open("/dev/null").map_err(|e| e.to_string())?;
    let many = vec![null.as_fd(); Connection::<u64, String>::MOST_DESCRIPTORS + 1];
    let refused = its.try_send(String::new(), &many);
    let is_refused = matches!(&refused, Err(SendError::Failed(_, e)) if e.is_limit());
    expect("too many", is_refused, true)?;
    let none = ours.try_recv().map(|(text, _)| text);
    expect("nothing sent", none, Err(RecvError::Empty)).map(|()| String::new())
}

/// The message is lost with its descriptors; the next one comes.
fn no_descriptors() -> Result<String, String> {
    let (mut ours, mut its) = ends()?;
    let null: OwnedFd = File::open("/dev/null").map_err(|e| e.to_string())?.into();
    let child = fork(|| {
        adopt(&mut its)?;
        exhaust()?;
        let refused = its.recv();
        let is_refused = matches!(&refused, Err(RecvError::Failed(e)) if e.is_limit());
        expect("without room", is_refused, true)?;
        expect("the next", asleep(&mut its), Ok(2))
    });
    expect("sent", ours.send(1, &[null.as_fd()]), Ok(()))?;
    expect("sent", ours.send(2, &[]), Ok(()))?;
    finish("the child", &child).map(|()| String::new())
}
