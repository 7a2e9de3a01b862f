//! Rows of a queue by rank: all that a ring promises, with other slots in use.

use crate::common::case::Case;
use crate::common::numbered::Keyed;
use crate::ends::{Ends, Shape};
use crate::lease::{all_there, done_one, drop_one, lease_one, one_is_done};
use crate::queue::{received, recv_one, send_one, sent};
use crate::row::{After, Begin, Row};

pub fn cases() -> Vec<Case> {
    vec![
        row("send, empty", 0, send_one, sent::<_, 1>).case(),
        row("send, the last place", 2, send_one, sent::<_, 1>).case(),
        row("send, full", 3, send_one, sent::<_, 1>).blocks().every(121, 25).case(),
        row("recv, only one", 1, recv_one, received::<_, 1>).case(),
        row("recv, full", 3, recv_one, received::<_, 1>).zombie().case(),
        row("recv, empty", 0, recv_one, received::<_, 1>).blocks().every(121, 25).case(),
        row("lease, in the middle", 2, lease_one, all_there).every(3, 80).case(),
        row("done, in the middle", 2, done_one, one_is_done).case(),
        row("drop of a task, in the middle", 2, drop_one, all_there).case(),
    ]
}

/// A queue for three that has been used before.
fn row(
    name: &str,
    level: u64,
    operation: fn(&Ends<Keyed>, Begin),
    survive: fn(&Ends<Keyed>, &After<'_>) -> Result<(), String>,
) -> Row<Ends<Keyed>> {
    let shape = Shape { capacity: 3, level, earlier: 5 };
    Row::new(format!("priority {name}"), move || Ends::ranked(shape), operation, survive)
}
