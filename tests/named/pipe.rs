//! A pipe by name: one process has each end, and another has it after its death.

use std::time::Duration;

use killproof::channel::{PipeReceiver, PipeSender, RecvError, SendError};
use killproof::named::Nameable;
use killproof::select;

use crate::common::case::{Case, case};
use crate::common::child::{Child, fork};
use crate::common::mapped::{Gate, Mapped};
use crate::common::name::Name;
use crate::{finish, kill};

pub fn cases() -> Vec<Case> {
    vec![
        case("pipe::it_waits_for_its_first_peer", it_waits_for_its_first_peer),
        case("pipe::an_end_is_one_process's", an_end_is_one_processs),
        case("pipe::the_next_goes_on_where_the_dead_left_off", the_next_goes_on),
        case("pipe::told_of_the_dead_it_goes_on_with_the_next", told_of_the_dead),
        case("pipe::messages_of_any_length", messages_of_any_length),
    ]
}

fn it_waits_for_its_first_peer() {
    let name = Name::new("pipe-first");
    let go = Mapped::new(Gate::default());
    let sender = fork(|| {
        go.pass();
        let mut sender: PipeSender<String> = name.named().open_or_create().unwrap();
        sender.send("hello".into()).unwrap();
        Ok(())
    });
    let mut receiver: PipeReceiver<String> = name.named().open_or_create().unwrap();
    for _ in 0..3 {
        assert_eq!(receiver.try_recv(), Err(RecvError::Empty));
        assert_eq!(receiver.recv_timeout(Duration::from_millis(30)), Err(RecvError::Empty));
    }
    go.open();
    assert_eq!(select(&[&receiver], None), Ok(Some(0)));
    assert_eq!(receiver.recv().as_deref(), Ok("hello"));
    assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
    finish(&sender);
    // It has ended, and goes on with whoever comes next.
    let mut again: PipeSender<String> = name.named().open().unwrap();
    again.send("again".into()).unwrap();
    assert_eq!(receiver.recv().as_deref(), Ok("again"));
    drop(receiver);
    assert_eq!(again.send("x".into()), Err(SendError::Disconnected("x".into())));
}

fn an_end_is_one_processs() {
    let name = Name::new("pipe-one");
    let _sender: PipeSender<u64> = name.named().create().unwrap();
    assert!(name.named().open::<PipeSender<u64>>().unwrap_err().is_not_owner());
    finish(&fork(|| {
        assert!(name.named().open::<PipeSender<u64>>().unwrap_err().is_not_owner());
        assert!(name.named().open::<PipeReceiver<u64>>().is_ok());
        Ok(())
    }));
    assert!(name.named().open::<PipeReceiver<u64>>().is_ok());
}

/// Senders and receivers in turn are killed, wherever they are.
fn the_next_goes_on() {
    const ROUNDS: u64 = 20;
    let name = Name::new("pipe-next");
    let keep = name.named().capacity(256).create::<PipeSender<u64>>().unwrap();
    drop(keep);
    let mut next = 0;
    for round in 0..ROUNDS {
        let sender = opens(&name, |sender: &mut PipeSender<u64>| {
            for number in 2 * round..2 * round + 2 {
                sender.send(number).unwrap();
            }
        });
        kill(&sender);
        if round % 3 == 2 {
            let receiver = opens(&name, |receiver: &mut PipeReceiver<u64>| {
                for number in next..2 * round + 1 {
                    assert_eq!(receiver.try_recv(), Ok(number));
                }
            });
            kill(&receiver);
            next = 2 * round + 1;
        }
    }
    let mut receiver: PipeReceiver<u64> = name.named().open().unwrap();
    for number in next..2 * ROUNDS {
        assert_eq!(receiver.try_recv(), Ok(number));
    }
    assert_eq!(receiver.try_recv(), Err(RecvError::Empty));
}

/// A process that opens an end, does `first` with it and then nothing.
fn opens<E: Nameable>(name: &Name, first: impl FnOnce(&mut E)) -> Child {
    let gates = Mapped::new(<[Gate; 2]>::default());
    let [did, never] = &*gates;
    let child = fork(|| {
        let mut end: E = name.named().open().unwrap();
        first(&mut end);
        did.open();
        never.pass();
        Ok(())
    });
    did.pass();
    child
}

fn told_of_the_dead() {
    let name = Name::new("pipe-told");
    let mut sender: PipeSender<[u64; 7]> = name.named().capacity(64).create().unwrap();
    let idle = |_: &mut PipeReceiver<[u64; 7]>| ();
    let receiver = opens(&name, idle);
    sender.send([1; 7]).unwrap();
    kill(&receiver);
    for _ in 0..3 {
        assert_eq!(sender.send([2; 7]), Err(SendError::Disconnected([2; 7])));
        assert_eq!(sender.try_send([2; 7]), Err(SendError::Disconnected([2; 7])));
    }
    let receiver = opens(&name, idle);
    assert_eq!(sender.try_send([2; 7]), Err(SendError::Full([2; 7])));
    kill(&receiver);
    assert_eq!(sender.send([2; 7]), Err(SendError::Disconnected([2; 7])));
    let receiver = opens(&name, |receiver: &mut PipeReceiver<[u64; 7]>| {
        assert_eq!(receiver.recv(), Ok([1; 7]));
    });
    sender.send([2; 7]).unwrap();
    kill(&receiver);
    drop(sender);

    let mut receiver: PipeReceiver<[u64; 7]> = name.named().open().unwrap();
    assert_eq!(receiver.recv(), Ok([2; 7]));
    for round in 0..3 {
        let sender = opens(&name, |_: &mut PipeSender<[u64; 7]>| ());
        assert_eq!(receiver.try_recv(), Err(RecvError::Empty), "{round}");
        kill(&sender);
        assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
        assert_eq!(receiver.try_recv(), Err(RecvError::Disconnected));
    }
}

fn messages_of_any_length() {
    let name = Name::new("pipe-lengths");
    let mut sender: PipeSender<Vec<u8>> = name.named().capacity(4096).create().unwrap();
    let mut receiver: PipeReceiver<Vec<u8>> = name.named().open().unwrap();
    let mut buffer = Vec::new();
    for len in [0, 1, 7, 8, 9, 1000, 2001, 4080] {
        let bytes: Vec<u8> = (0..len).map(|byte| byte as u8).collect();
        for _ in 0..3 {
            sender.send(bytes.clone()).unwrap();
            assert_eq!(receiver.recv().as_ref(), Ok(&bytes));
            sender.send_bytes(&bytes).unwrap();
            assert_eq!(receiver.recv_into(&mut buffer), Ok(len));
            assert_eq!(buffer, bytes);
        }
    }
}
