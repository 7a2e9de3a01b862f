//! A queue by name: who waits for whom, and what is there after everybody's death.

use std::time::Duration;

use killproof::channel::{Builder, Receiver, RecvError, SendError, Sender};
use killproof::{Ready, select};
use rustix::event::{PollFd, PollFlags, poll};

use crate::common::case::{Case, case};
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::common::name::Name;
use crate::{finish, kill};

pub fn cases() -> Vec<Case> {
    vec![
        case("queue::it_waits_for_its_first_peer", it_waits_for_its_first_peer),
        case("queue::whoever_comes_waits_for_a_first_peer", whoever_comes_waits),
        case("queue::what_the_dead_sent_is_received", what_the_dead_sent_is_received),
        case("queue::what_the_dead_leased_comes_again", what_the_dead_leased_comes_again),
        case("queue::what_the_dead_leased_comes_first", what_the_dead_leased_comes_first),
        case("queue::messages_of_any_length", messages_of_any_length),
        case("queue::those_who_poll_are_told_in_time", those_who_poll_are_told_in_time),
        case("queue::a_child_has_it_too", a_child_has_it_too),
    ]
}

/// Somebody who opens or makes an end, does this with it, and has it until killed.
fn holder(act: impl FnOnce()) -> Child {
    let (did, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let holder = fork(|| {
        act();
        did.open();
        never.pass();
        Ok(())
    });
    did.pass();
    holder
}

fn it_waits_for_its_first_peer() {
    let name = Name::new("first");
    let go = Mapped::new(Gate::default());
    let sender = fork(|| {
        go.pass();
        let jobs: Sender<u64> = name.named().open_or_create().unwrap();
        jobs.send(7).unwrap();
        Ok(())
    });
    let todo: Receiver<u64> = name.named().open_or_create().unwrap();
    for _ in 0..3 {
        assert_eq!(todo.try_recv(), Err(RecvError::Empty));
        assert_eq!(todo.recv_timeout(Duration::from_millis(30)), Err(RecvError::Empty));
    }
    go.open();
    assert_eq!(todo.recv(), Ok(7));
    finish(&sender);
    assert_eq!(todo.recv(), Err(RecvError::Disconnected), "it has been here");

    // The other way round, and full.
    let name = Name::new("first-receiver");
    let jobs: Sender<u64> = name.named().capacity(2).create().unwrap();
    jobs.send_many([1, 2]).unwrap();
    assert_eq!(jobs.send_timeout(3, Duration::from_millis(30)), Err(SendError::Full(3)));
    let sent = Mapped::new(Gate::default());
    let receiver = fork(|| {
        let todo: Receiver<u64> = name.named().open().unwrap();
        assert_eq!(todo.recv(), Ok(1));
        // With room and nobody left, nothing is sent.
        sent.pass();
        Ok(())
    });
    jobs.send(3).unwrap();
    sent.open();
    finish(&receiver);
    assert_eq!(jobs.send(4), Err(SendError::Disconnected(4)));
}

/// What others saw before does not count for one who comes.
fn whoever_comes_waits() {
    let name = Name::new("comes");
    let sender = holder(|| {
        let jobs: Sender<u64> = name.named().create().unwrap();
        jobs.send(1).unwrap();
        std::mem::forget(jobs);
    });
    let todo: Receiver<u64> = name.named().open().unwrap();
    kill(&sender);
    assert_eq!(todo.recv(), Ok(1));
    assert_eq!(todo.recv(), Err(RecvError::Disconnected));
    let late: Receiver<u64> = name.named().open().unwrap();
    assert_eq!(late.recv_timeout(Duration::from_millis(30)), Err(RecvError::Empty));
    // Whoever was told goes on as well when somebody comes.
    let again = holder(|| std::mem::forget(name.named().open::<Sender<u64>>().unwrap()));
    assert_eq!(todo.try_recv(), Err(RecvError::Empty));
    kill(&again);
    assert_eq!(todo.recv(), Err(RecvError::Disconnected));
    assert_eq!(late.recv(), Err(RecvError::Disconnected));
}

fn what_the_dead_sent_is_received() {
    let name = Name::new("sent");
    for round in 0..5 {
        kill(&holder(|| {
            let jobs: Sender<u64> = name.named().open_or_create().unwrap();
            jobs.send_many([2 * round, 2 * round + 1]).unwrap();
            std::mem::forget(jobs);
        }));
        // Nobody at all has it now.
    }
    let todo: Receiver<u64> = name.named().open().unwrap();
    for number in 0..10 {
        assert_eq!(todo.try_recv(), Ok(number));
    }
}

fn what_the_dead_leased_comes_again() {
    let name = Name::new("leased");
    let jobs: Sender<String> = name.named().create().unwrap();
    jobs.send("work".into()).unwrap();
    for attempt in 1..=3 {
        kill(&holder(|| {
            let todo: Receiver<String> = name.named().open().unwrap();
            let task = todo.lease().unwrap();
            assert_eq!((task.as_str(), task.attempts()), ("work", attempt));
            std::mem::forget(task);
            std::mem::forget(todo);
        }));
    }
    let todo: Receiver<String> = name.named().open().unwrap();
    assert_eq!(todo.lease().unwrap().done(), "work");
    assert!(jobs.join_timeout(Duration::ZERO).is_ok());
}

/// So a single receiver, however often it is killed and started again, sees all messages
/// in their order.
fn what_the_dead_leased_comes_first() {
    let name = Name::new("leased-first");
    let jobs: Sender<u64> = name.named().create().unwrap();
    jobs.send_many(0..20).unwrap();
    for round in 0..10 {
        kill(&holder(|| {
            let todo: Receiver<u64> = name.named().open().unwrap();
            let task = todo.lease().unwrap();
            assert_eq!(*task, round);
            task.done();
            std::mem::forget(todo.lease().unwrap());
            std::mem::forget(todo);
        }));
    }
}

/// In slots and in blocks, sent and received in every way.
fn messages_of_any_length() {
    let name = Name::new("lengths");
    let sizes = Builder::new().inline(100).largest(5000).leases(4);
    let jobs: Sender<Vec<u8>> = name.named().capacity(4).queue(sizes).create().unwrap();
    let todo: Receiver<Vec<u8>> = name.named().open().unwrap();
    for len in [0, 1, 63, 64, 65, 92, 93, 1000, 4992] {
        let bytes: Vec<u8> = (0..len).map(|byte| byte as u8).collect();
        for _ in 0..5 {
            jobs.send(bytes.clone()).unwrap();
            let mut reserved = jobs.reserve(len).unwrap();
            reserved.copy_from_slice(&bytes);
            reserved.commit().unwrap();
            jobs.send(bytes.clone()).unwrap();
            assert_eq!(todo.recv().as_ref(), Ok(&bytes));
            assert_eq!(*todo.recv_ref().unwrap(), *bytes);
            assert_eq!(*todo.lease().unwrap(), bytes);
            assert_eq!(todo.lease().unwrap().done(), bytes);
        }
    }
    assert!(matches!(jobs.send(vec![0; 4993]), Err(SendError::TooLarge { limit: 5000, .. })));
}

fn those_who_poll_are_told_in_time() {
    let name = Name::new("polled");
    let go = Mapped::new([(); 3].map(|()| Gate::default()));
    let sender = fork(|| {
        let jobs: Sender<u64> = name.named().open_or_create().unwrap();
        for (number, go) in (0..).zip(go.iter()) {
            go.pass();
            jobs.send(number).unwrap();
        }
        Ok(())
    });
    let todo: Receiver<u64> = name.named().open_or_create().unwrap();
    let fd = todo.ready_fd().unwrap();
    assert_eq!(todo.try_recv(), Err(RecvError::Empty));
    go[0].open();
    let polled = loop {
        poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).unwrap();
        match todo.try_recv() {
            Err(RecvError::Empty) => {}
            answer => break answer,
        }
    };
    assert_eq!(polled, Ok(0));
    go[1].open();
    assert_eq!(select(&[&todo], None), Ok(Some(0)));
    assert_eq!(todo.try_recv(), Ok(1));
    go[2].open();
    assert_eq!(todo.recv(), Ok(2));
    assert_eq!(select(&[&todo], None), Ok(Some(0)), "the end");
    assert_eq!(todo.try_recv(), Err(RecvError::Disconnected));
    finish(&sender);
}

/// Forked, it counts itself as anywhere; its parent's end is not the last then.
fn a_child_has_it_too() {
    let name = Name::new("forked");
    let todo: Receiver<u64> = name.named().create().unwrap();
    let jobs: Sender<u64> = name.named().open().unwrap();
    let child = killproof::process::spawn(move || jobs.send(5).unwrap()).unwrap();
    assert_eq!(todo.recv(), Ok(5));
    assert_eq!(todo.recv(), Err(RecvError::Disconnected));
    child.join().unwrap();
}
