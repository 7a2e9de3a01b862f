//! Rows of queues whose order is not that of arrival: all that a ring promises, with other
//! slots in use.

use std::mem;

use crate::common::case::Case;
use crate::common::forms::{FORMS, Form};
use crate::common::numbered::Numbered;
use crate::ends::{Ends, Shape};
use crate::kind::{Kind, LIFO, PRIORITY, receive, send};
use crate::lease::{all_there, done_one, drop_one, lease_one, one_is_done};
use crate::leaving::lease_again;
use crate::queue::{nothing_done, received, recv_one, send_one, sent, warm_receiver};
use crate::row::{After, Begin, Row};

pub fn cases() -> Vec<Case> {
    [cases_of(&PRIORITY), cases_of(&LIFO)].into_iter().flatten().collect()
}

fn cases_of<T: Numbered>(kind: &Kind<T>) -> Vec<Case> {
    let row = |name, level, operation, survive| used(kind, name, level, operation, survive);
    let mut cases = vec![
        row("send, empty", 0, send_one, sent::<_, 1>).case(),
        row("send, the last place", 2, send_one, sent::<_, 1>).case(),
        row("send, full", 3, send_one, sent::<_, 1>).blocks().every(121, 25).case(),
        row("recv, only one", 1, recv_one, received::<_, 1>).case(),
        row("recv, full", 3, recv_one, received::<_, 1>).zombie().case(),
        row("recv, empty", 0, recv_one, received::<_, 1>).blocks().every(121, 25).case(),
        row("lease, in the middle", 2, lease_one, all_there).every(3, 80).case(),
        row("lease, empty", 0, lease_one, all_there).blocks().every(121, 25).case(),
        row("done, in the middle", 2, done_one, one_is_done).case(),
        row("drop of a task, in the middle", 2, drop_one, all_there).case(),
        row("drop of a task, behind others", 3, drop_second, both_there).case(),
        row("recv, behind what came back", 3, recv_behind, second_there).case(),
        row("lease, of what came back", 3, lease_first_again, both_there).every(3, 80).case(),
    ];
    cases.extend(FORMS.iter().flat_map(|form| with_sleepers(kind, *form)));
    cases
}

/// A queue for three that has been used before.
fn used<T: Numbered>(
    kind: &Kind<T>,
    name: &str,
    level: u64,
    operation: fn(&Ends<T>, Begin),
    survive: fn(&Ends<T>, &After<'_>) -> Result<(), String>,
) -> Row<Ends<T>> {
    kind.row(name, Shape { capacity: 3, level, earlier: 5 }, operation, survive)
}

/// Others wait for what the victim does.
fn with_sleepers<T: Numbered>(kind: &Kind<T>, form: Form) -> Vec<Case> {
    let name = |what: &str| format!("{what} {}", form.word());
    vec![
        kind.last_sender::<1>(&name("send, a receiver"), send_one)
            .peer(receive(form))
            .every(3, 60)
            .case(),
        kind.last_receiver(&name("recv, a sender"), recv_one).peer(send(form)).every(3, 60).case(),
        used(kind, &name("drop of a task, a leaser"), 1, drop_one, nothing_done)
            .peer(lease_again(form))
            .every(3, 60)
            .case(),
    ]
}

/// The first is held and the second given back.
fn drop_second<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let [first, second] = [(); 2].map(|()| receiver.lease().expect("two are there"));
    mem::forget(first);
    begin.now();
    drop(second);
}

/// The first is received while the second, which was leased with it, has come back.
fn recv_behind<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let (first, _) = ends.split(1);
    let [one, two] = [(); 2].map(|()| receiver.lease().expect("two are there"));
    drop([two, one]);
    begin.now();
    let received = receiver.recv().map_err(|error| error.to_string());
    assert_eq!(received.and_then(|message| message.number()), Ok(first[0]));
}

/// Both came back, and the first is leased once more.
fn lease_first_again<T: Numbered>(ends: &Ends<T>, begin: Begin) {
    let receiver = warm_receiver(ends);
    let [first, second] = [(); 2].map(|()| receiver.lease().expect("two are there"));
    drop([second, first]);
    begin.now();
    let task = receiver.lease();
    assert!(task.is_ok());
    mem::forget(task);
}

/// All are there, and the first two know an attempt.
fn both_there<T: Numbered>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    handed_out_before(ends, after, 0)
}

/// The same, but for the first, which is received or not.
fn second_there<T: Numbered>(ends: &Ends<T>, after: &After<'_>) -> Result<(), String> {
    handed_out_before(ends, after, 1)
}

/// The victim was receiving so many, and the first two were leased.
fn handed_out_before<T: Numbered>(
    ends: &Ends<T>,
    after: &After<'_>,
    receiving: usize,
) -> Result<(), String> {
    let (received, required) = ends.split(receiving);
    let optional: &[u64] = if after.finished() { &[] } else { &received };
    let mut again = ends.check_with(&required, optional, || ends.drain_by_leases(after))?;
    let (mut leased, _) = ends.split(2);
    again.sort_unstable();
    leased.retain(|number| again.contains(number) || !received.contains(number));
    leased.sort_unstable();
    (again == leased).then_some(()).ok_or_else(|| format!("handed out before: {again:?}"))
}
