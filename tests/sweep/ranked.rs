//! Rows of a queue by rank: all that a ring promises, with other slots in use.

use std::mem;

use crate::common::case::Case;
use crate::common::numbered::{Keyed, Numbered};
use crate::ends::{Ends, Shape};
use crate::lease::{all_there, done_one, drop_one, lease_one, one_is_done};
use crate::queue::{received, recv_one, send_one, sent, warm_receiver};
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
        row("drop of a task, behind others", 3, drop_second, both_there).case(),
        row("recv, behind what came back", 3, recv_behind, second_there).case(),
        row("lease, of what came back", 3, lease_again, both_there).every(3, 80).case(),
    ]
}

/// The first is held and the second given back.
fn drop_second(ends: &Ends<Keyed>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let [first, second] = [(); 2].map(|()| receiver.lease().expect("two are there"));
    mem::forget(first);
    begin.now();
    drop(second);
}

/// The first is received while the second, which was leased with it, has come back.
fn recv_behind(ends: &Ends<Keyed>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let [first, second] = [(); 2].map(|()| receiver.lease().expect("two are there"));
    drop([second, first]);
    begin.now();
    let received = receiver.recv().map_err(|error| error.to_string());
    assert_eq!(received.and_then(|message| message.number()), Ok(1));
}

/// Both came back, and the first is leased once more.
fn lease_again(ends: &Ends<Keyed>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let [first, second] = [(); 2].map(|()| receiver.lease().expect("two are there"));
    drop([second, first]);
    begin.now();
    let task = receiver.lease();
    assert!(task.is_ok());
    mem::forget(task);
}

/// All are there, and the first two know an attempt.
fn both_there(ends: &Ends<Keyed>, after: &After<'_>) -> Result<(), String> {
    handed_out_before(ends, after, &[])
}

/// The same, but for the first, which is received or not.
fn second_there(ends: &Ends<Keyed>, after: &After<'_>) -> Result<(), String> {
    handed_out_before(ends, after, &[1])
}

fn handed_out_before(
    ends: &Ends<Keyed>,
    after: &After<'_>,
    received: &[u64],
) -> Result<(), String> {
    let optional: &[u64] = if after.finished() { &[] } else { received };
    let required: Vec<u64> = (1..=3).filter(|number| !received.contains(number)).collect();
    let mut again = ends.check_with(&required, optional, || ends.drain_by_leases(after))?;
    again.sort_unstable();
    let right = again.ends_with(&[2]) && (again == [1, 2] || !received.is_empty());
    right.then_some(()).ok_or_else(|| format!("handed out before: {again:?}"))
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
