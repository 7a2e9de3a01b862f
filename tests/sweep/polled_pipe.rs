//! Rows of the pipe in which the other end waits to be ready: in `select`, by poll(2), and
//! in tokio. Where the victim died before it rang, nothing but the peer's own timer wakes it.

use std::time::Duration;

use killproof::channel::{RecvError, SendError};

use crate::common::case::Case;
use crate::common::forms::{BY_READINESS, Form, is_readable};
use crate::common::numbered::{Large, Words};
use crate::pipe::{drop_receiver, drop_sender, recv_one, send_one, send_two};
use crate::row::{Begin, Row};
use crate::tube::{Tube, alone, drain, received, receives, sends, told, world};

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = BY_READINESS.iter().flat_map(|form| cases_of(*form)).collect();
    cases.extend([
        Row::new("pipe try_recv, arming", world::<Words>(0, 3), try_recv_and_arm, alone)
            .every(5, 60)
            .case(),
        Row::new("pipe try_send, arming", world::<Words>(7, 0), try_send_and_arm, drain::<_, 0>)
            .every(5, 60)
            .case(),
    ]);
    cases
}

fn cases_of(form: Form) -> Vec<Case> {
    let name = |what: &str| format!("pipe {what} {}", form.word());
    vec![
        Row::new(name("send, a receiver"), world::<Words>(0, 3), send_one, received::<_, 1>)
            .peer(receives(form))
            .every(3, 80)
            .case(),
        Row::new(
            name("send, zombie, a receiver"),
            world::<Words>(0, 3),
            send_one,
            received::<_, 1>,
        )
        .peer(receives(form))
        .zombie()
        .every(3, 80)
        .case(),
        Row::new(name("send, two, a receiver"), world::<Words>(0, 0), send_two, received::<_, 2>)
            .peer(receives(form))
            .every(5, 60)
            .case(),
        Row::new(
            name("drop of the sender, a receiver"),
            world::<Words>(0, 2),
            drop_sender,
            received::<_, 0>,
        )
        .peer(receives(form))
        .case(),
        Row::new(name("recv, a sender"), world::<Words>(7, 3), recv_one, told)
            .peer(sends(form))
            .every(3, 80)
            .case(),
        Row::new(name("recv, large, a sender"), world::<Large>(5, 0), recv_one, told)
            .peer(sends(form))
            .every(5, 60)
            .case(),
        Row::new(name("drop of the receiver, a sender"), world::<Words>(7, 2), drop_receiver, told)
            .peer(sends(form))
            .case(),
    ]
}

/// Finds nothing, and so silences its bell.
fn try_recv_and_arm(tube: &Tube<Words>, begin: Begin) {
    let mut receiver = tube.warm_receiver();
    is_readable(&*receiver, Some(Duration::ZERO));
    begin.now();
    assert!(matches!(receiver.try_recv(), Err(RecvError::Empty)));
}

fn try_send_and_arm(tube: &Tube<Words>, begin: Begin) {
    let (mut sender, message) = (tube.warm_sender(), tube.next());
    is_readable(&*sender, Some(Duration::ZERO));
    begin.now();
    assert!(matches!(sender.try_send(message), Err(SendError::Full(_))));
}
