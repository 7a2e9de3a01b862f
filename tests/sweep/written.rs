//! Rows of messages that serde writes: what is written is written before anybody waits
//! for it, and read when nobody does.

use crate::common::case::Case;
use crate::common::numbered::Written;
use crate::queue::{received, recv_one, send_one, sent, world};
use crate::row::Row;

pub fn cases() -> Vec<Case> {
    let send = |level| world::<Written>(3, level, 5);
    let recv = |earlier| world::<Written>(3, 2, earlier);
    vec![
        Row::new("queue send, small, by serde", send(1), send_one, sent::<_, 1>)
            .every(5, 60)
            .case(),
        Row::new("queue send, large, by serde", send(2), send_one, sent::<_, 1>)
            .every(25, 60)
            .case(),
        Row::new("queue recv, large, by serde", recv(5), recv_one, received::<_, 1>)
            .every(9, 60)
            .case(),
    ]
}
