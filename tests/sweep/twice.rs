//! Rows with two victims, one after the other: the second comes to what the
//! first left, and may die over that as well.

use crate::common::case::Case;
use crate::common::numbered::{Large, Numbered, Words};
use crate::ends::{Ends, Shape};
use crate::first::Turn;
use crate::queue::{recv_one, warm_receiver, warm_sender};
use crate::row::{After, Begin, Row};

/// Three messages of three, or two, so that both have something to do.
const SHAPE: Shape = Shape { capacity: 3, level: 3, earlier: 5 };

type First<T> = fn(&Ends<T>, Begin);

pub fn cases() -> Vec<Case> {
    vec![
        row::<Words>("send, after a killed send", 1, send_first, send_second, sent_twice),
        row::<Large>("large send, after a killed one", 1, send_first, send_second, sent_twice),
        row::<Words>("recv, after a killed recv", 3, recv_one, recv_one, received::<_, 2>),
        row::<Large>("large recv, after a killed one", 3, recv_one, recv_one, received::<_, 2>),
        row::<Words>("recv, after a killed lease", 3, lease_one, recv_one, received::<_, 1>),
        row::<Large>("large recv, after a killed lease", 3, lease_one, recv_one, received::<_, 1>),
        row::<Words>("lease, after a killed lease", 3, lease_one, lease_one, received::<_, 0>),
        row::<Words>("lease, after a killed recv", 3, recv_one, lease_one, received::<_, 1>),
        row::<Words>("recv, after a killed send", 1, send_first, recv_one, sent_and_received),
    ]
}

fn row<T: Numbered>(
    name: &str,
    level: u64,
    first: First<T>,
    second: First<T>,
    survive: fn(&Ends<T>, &After<'_>) -> Result<(), String>,
) -> Case {
    let turn = Turn::default();
    let world = move || {
        let ends = Ends::new(Shape { level, ..SHAPE });
        turn.kill(&ends, first);
        ends
    };
    Row::new(format!("queue {name}"), world, second, survive).every(7, 60).case()
}

fn send_first<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let sender = warm_sender(ends);
    let message = T::new(ends.shape().level + 1);
    begin.now();
    let sent = sender.send(message);
    assert!(sent.is_ok());
}

fn send_second<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let sender = warm_sender(ends);
    let message = T::new(ends.shape().level + 2);
    begin.now();
    let sent = sender.send(message);
    assert!(sent.is_ok());
}

fn lease_one<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    begin.now();
    std::mem::forget(receiver.lease());
}

/// The first may have sent the next number, the second the one after it.
fn sent_twice<T: Numbered>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    let level = ends.shape().level;
    let mut required: Vec<u64> = (1..=level).collect();
    required.extend(after.finished().then_some(level + 2));
    ends.check(after, &required, &[level + 1, level + 2])
}

/// At most `N` of the first two were in a victim's hand. What was on lease comes
/// back, so the order is that of those that were not.
fn received<T: Numbered, const N: u32>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    let required: Vec<u64> = (3..=ends.shape().level).collect();
    ends.check_with(&required, &[1, 2], || ends.drain_by_leases(after))?;
    let missing = 2 - ends.count(1) - ends.count(2);
    (missing <= N).then_some(()).ok_or_else(|| format!("{missing} messages are missing"))
}

/// The first may have sent 2, the second received 1.
fn sent_and_received<T: Numbered>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    let maybe: &[u64] = if after.finished() { &[2] } else { &[1, 2] };
    ends.check(after, &[], maybe)
}
