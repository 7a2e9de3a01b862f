//! Ends of queues that go to processes that were there already, and to other programs.
#![allow(unsafe_code)]

use std::env;
use std::process::{Child, Command};

use killproof::channel::{self, Receiver, RecvError, Sender};
use killproof::process::{CommandExt, JoinError, Zygote, inherited, spawn};
use killproof::sync::Event;

use crate::case;
use crate::common::case::Case;

/// The argument that makes this program the other one.
const OTHER: &str = "--doubles-for-another";

pub fn cases() -> Vec<Case> {
    vec![
        case("handed::by_spawn_with", by_spawn_with),
        case("handed::by_spawn_with_and_killed", by_spawn_with_and_killed),
        case("handed::along_with_a_message", along_with_a_message),
        case("handed::along_with_a_message_and_killed", along_with_a_message_and_killed),
        case("handed::to_another_program", to_another_program),
        case("handed::to_another_program_and_killed", to_another_program_and_killed),
    ]
}

/// Both queues, and the ends that go to the other side.
struct Queues {
    jobs: Sender<u64>,
    answers: Receiver<u64>,
    its: (Receiver<u64>, Sender<u64>),
}

fn queues() -> Queues {
    let (jobs, todo) = channel::queue(4).unwrap();
    let (said, answers) = channel::queue(4).unwrap();
    Queues { jobs, answers, its: (todo, said) }
}

/// Nobody here has what went to the other side: that counts for itself.
fn doubled_over_there(jobs: Sender<u64>, answers: &Receiver<u64>) {
    (1..=9).for_each(|n| {
        jobs.send(n).unwrap();
        assert_eq!(answers.recv(), Ok(2 * n));
    });
    drop(jobs);
    assert_eq!(answers.recv(), Err(RecvError::Disconnected), "it has ended");
}

fn double((todo, said): (Receiver<u64>, Sender<u64>)) {
    for n in todo.iter() {
        said.send(2 * n).unwrap();
    }
}

fn by_spawn_with() {
    let zygote = Zygote::start().unwrap();
    let Queues { jobs, answers, its } = queues();
    let child = zygote.spawn_with(|(): (), its| double(its), (), its).unwrap();
    doubled_over_there(jobs, &answers);
    assert_eq!(child.join(), Ok(()));
}

fn by_spawn_with_and_killed() {
    let zygote = Zygote::start().unwrap();
    let Queues { jobs, answers, its } = queues();
    let child = zygote.spawn_with(|(): (), its| double(its), (), its).unwrap();
    jobs.send(1).unwrap();
    assert_eq!(answers.recv(), Ok(2));
    child.kill().unwrap();
    assert_eq!(answers.recv(), Err(RecvError::Disconnected));
    assert_eq!(child.join(), Err(JoinError::Signalled(9)));
}

/// A child that is there first, and has taken both ends when this returns.
fn taken_by_a_child(its: (Receiver<u64>, Sender<u64>)) -> killproof::process::Child<()> {
    let (mut ours, mut theirs) = channel::connection::<String, ()>().unwrap();
    let (has, is_there) = (Event::new().unwrap(), Event::new().unwrap());
    let (its_has, its_is_there) = (has.clone(), is_there.clone());
    let child = spawn(move || {
        its_is_there.set();
        // SAFETY: what comes first is such an end.
        let (todo, jobs) = unsafe { theirs.recv_handle::<Receiver<u64>>() }.unwrap();
        // SAFETY: and what comes second.
        let (said, answers) = unsafe { theirs.recv_handle::<Sender<u64>>() }.unwrap();
        assert_eq!((&*todo, &*said), ("todo", "said"));
        let its = (jobs.unwrap(), answers.unwrap());
        its_has.set();
        double(its);
    })
    .unwrap();
    is_there.wait();
    // SAFETY: the child takes them by `recv_handle`, in this order.
    unsafe { ours.send_handle("todo".into(), &its.0) }.unwrap();
    // SAFETY: as above.
    unsafe { ours.send_handle("said".into(), &its.1) }.unwrap();
    has.wait();
    child
}

fn along_with_a_message() {
    let Queues { jobs, answers, its } = queues();
    let child = taken_by_a_child(its);
    doubled_over_there(jobs, &answers);
    assert_eq!(child.join(), Ok(()));
}

fn along_with_a_message_and_killed() {
    let Queues { jobs, answers, its } = queues();
    let child = taken_by_a_child(its);
    jobs.send(1).unwrap();
    assert_eq!(answers.recv(), Ok(2));
    child.kill().unwrap();
    assert_eq!(answers.recv(), Err(RecvError::Disconnected));
}

/// Another program, which has taken both ends when this returns.
fn taken_by_a_program(its: (Receiver<u64>, Sender<u64>)) -> Child {
    let has = Event::new().unwrap();
    let mut program = Command::new(env::current_exe().unwrap());
    program.arg(OTHER);
    // SAFETY: `other` uses them by `inherited` only.
    unsafe { program.share("todo", &its.0) }.unwrap();
    // SAFETY: as above.
    unsafe { program.share("said", &its.1) }.unwrap();
    // SAFETY: as above.
    let program = unsafe { program.share("has", &has) }.unwrap().spawn().unwrap();
    has.wait();
    program
}

fn to_another_program() {
    let Queues { jobs, answers, its } = queues();
    let mut program = taken_by_a_program(its);
    doubled_over_there(jobs, &answers);
    assert!(program.wait().unwrap().success());
}

fn to_another_program_and_killed() {
    let Queues { jobs, answers, its } = queues();
    let mut program = taken_by_a_program(its);
    jobs.send(1).unwrap();
    assert_eq!(answers.recv(), Ok(2));
    program.kill().unwrap();
    assert_eq!(answers.recv(), Err(RecvError::Disconnected));
    assert!(!program.wait().unwrap().success());
}

/// Whether this process is the other program.
pub fn is_other() -> bool {
    env::args().nth(1).as_deref() == Some(OTHER)
}

/// What it does.
pub fn other() {
    // SAFETY: `taken_by_a_program` gave it, of this type, and this is the same program.
    let todo: Receiver<u64> = unsafe { inherited("todo") }.unwrap();
    // SAFETY: as above.
    let said: Sender<u64> = unsafe { inherited("said") }.unwrap();
    // SAFETY: as above.
    let has: Event = unsafe { inherited("has") }.unwrap();
    has.set();
    double((todo, said));
}
