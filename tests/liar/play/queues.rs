//! Queues of every order, with messages of every kind.

use std::hint::black_box;
use std::time::Duration;

use killproof::channel::{Builder, Receiver, Sender};
use killproof::{Error, Message, Ready, select};

use super::memory::Memory;
use super::script::Script;
use super::subject::Company;

/// Small, so that short scripts come to every limit, and most lies hit something.
const LEASES: usize = 3;
const PARTICIPANTS: usize = 2;
const ENDS: usize = 3;

type Ends<T> = (Sender<T>, Receiver<T>);

pub fn words(script: &mut Script<'_>, company: &mut Company) {
    let value = |script: &mut Script<'_>| [script.byte().into(); 4];
    run::<[u64; 4]>(script, company, in_some_order, value, |_, _, _| ());
}

/// Not all of whose bytes are values.
pub fn picky(script: &mut Script<'_>, company: &mut Company) {
    let by_key = |builder: Builder, _| builder.priority::<u16, (bool, char)>();
    let value = |script: &mut Script<'_>| {
        let number = script.short();
        (number, (number.is_multiple_of(2), char::from(number as u8)))
    };
    run(script, company, by_key, value, |_, _, _| ());
}

/// In the slot or in a block, and read and written there.
pub fn bytes(script: &mut Script<'_>, company: &mut Company) {
    let value = |script: &mut Script<'_>| vec![script.byte(); script.below(60)];
    run::<Vec<u8>>(script, company, in_some_order, value, in_place);
}

/// Of lists of lists: lengths within lengths.
pub fn lists(script: &mut Script<'_>, company: &mut Company) {
    let value = |script: &mut Script<'_>| {
        let text = "x".repeat(script.below(20));
        (vec![text; script.below(4)], Some(script.word()))
    };
    run::<(Vec<String>, Option<u64>)>(script, company, in_some_order, value, |_, _, _| ());
}

/// As serde writes them, and whatever else it reads.
#[cfg(feature = "serde")]
pub fn written(script: &mut Script<'_>, company: &mut Company) {
    use killproof::Serde;

    type Written = Serde<(String, Option<Vec<char>>, std::collections::BTreeMap<u8, i64>)>;
    let value = |script: &mut Script<'_>| {
        let list = (script.below(2) == 0).then(|| vec!['x'; script.below(10)]);
        Serde(("x".repeat(script.below(10)), list, [(1, -1)].into()))
    };
    run::<Written>(script, company, in_some_order, value, |_, _, _| ());
}

fn in_some_order<T: Message>(builder: Builder, order: usize) -> Result<Ends<T>, Error> {
    if order == 0 { builder.lifo() } else { builder.queue() }
}

/// Operations of no time, until the script is over.
fn run<T: Message>(
    script: &mut Script<'_>,
    company: &mut Company,
    make: impl FnOnce(Builder, usize) -> Result<Ends<T>, Error>,
    value: impl Fn(&mut Script<'_>) -> T,
    more: impl Fn(&mut Script<'_>, &Sender<T>, &Receiver<T>),
) {
    let capacity = 1 + script.below(5);
    let builder = Builder::new().capacity(capacity).inline(16).largest(64);
    let builder = builder.leases(LEASES).participants(PARTICIPANTS);
    let builder = match script.below(4) {
        0 => builder.max_attempts(2),
        1 => builder.max_attempts(2).among_strangers(),
        2 => builder,
        _ => builder.among_strangers(),
    };
    let order = script.below(3);
    company.meet(
        || make(builder, order).expect("memory"),
        |(sender, receiver), memory| operate(script, sender, receiver, memory, &value, &more),
    );
}

fn operate<T: Message>(
    script: &mut Script<'_>,
    sender: &Sender<T>,
    receiver: &Receiver<T>,
    memory: &Memory,
    value: &impl Fn(&mut Script<'_>) -> T,
    more: &impl Fn(&mut Script<'_>, &Sender<T>, &Receiver<T>),
) {
    let capacity = receiver.capacity();
    let (mut senders, mut receivers, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(step) = script.step() {
        match step {
            0..=99 => memory.lie(script),
            100..=119 => drop(sender.try_send(value(script))),
            120..=129 => drop(sender.send_timeout(value(script), Duration::ZERO)),
            130..=149 => drop(receiver.try_recv()),
            150..=159 => drop(receiver.recv_timeout(Duration::ZERO)),
            160..=174 => tasks.extend(receiver.try_lease()),
            175..=179 => tasks.extend(receiver.lease_timeout(Duration::ZERO)),
            180..=189 => tasks.extend(receiver.dead_letters().try_lease()),
            190..=197 => drop(script.take(&mut tasks).map(|task| task.done())),
            198..=205 => drop(script.take(&mut tasks)),
            206..=213 => more(script, sender, receiver),
            214..=217 => {
                let timeout = Some(Duration::ZERO);
                assert!(select(&[receiver, sender], timeout).is_ok());
            }
            218..=220 => drop(receiver.ready_fd().and(sender.ready_fd())),
            221..=224 => drop(receiver.join_timeout(Duration::ZERO)),
            225..=228 if senders.len() < ENDS => senders.push(sender.clone()),
            229..=232 if receivers.len() < ENDS => receivers.push(receiver.clone()),
            233..=236 => drop(script.take(&mut senders)),
            237..=240 => drop(script.take(&mut receivers)),
            241 => sender.close(),
            _ => {
                assert!(receiver.len() <= capacity + LEASES);
                assert!(receiver.dead_letters().len() <= LEASES);
                _ = black_box((sender.is_full(), receiver.is_empty(), sender.is_closed()));
                _ = black_box(format!("{sender:?} {receiver:?}"));
            }
        }
        for task in &tasks {
            black_box((task.id(), task.attempts()));
        }
    }
}

/// Messages of bytes, where they lie.
fn in_place(script: &mut Script<'_>, sender: &Sender<Vec<u8>>, receiver: &Receiver<Vec<u8>>) {
    let mut reservations: Vec<_> =
        (0..script.below(3)).flat_map(|_| sender.try_reserve(script.below(60))).collect();
    let received: Vec<_> = (0..script.below(3)).flat_map(|_| receiver.try_recv_ref()).collect();
    for reservation in &mut reservations {
        reservation.fill(script.byte());
    }
    for message in &received {
        black_box(message.iter().map(|byte| u64::from(*byte)).sum::<u64>());
    }
    for reservation in reservations {
        if script.below(2) == 0 {
            drop(reservation.try_commit());
        }
    }
}
