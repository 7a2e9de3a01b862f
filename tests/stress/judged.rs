//! The check of histories, checked: it accepts those that a queue may have, and
//! refuses those that none has.

use crate::linear::Done::{Empty, Full, Over, Received, Receiving, Sending, Sent};
use crate::linear::{Done, Event, Order, check};

type Row = (u64, u64, Done);

const ACCEPTED: &[(&str, usize, &[Row])] = &[
    ("nothing", 1, &[]),
    ("one after the other", 1, &[(0, 1, Sent(1)), (2, 3, Received(1)), (4, 5, Over)]),
    ("received while it is sent", 1, &[(0, 9, Sent(1)), (1, 2, Received(1))]),
    (
        "two sent at once come in any order",
        2,
        &[(0, 9, Sent(1)), (1, 8, Sent(2)), (10, 11, Received(2)), (12, 13, Received(1))],
    ),
    (
        "room is made while another sends",
        1,
        &[(0, 1, Sent(1)), (2, 9, Sent(2)), (3, 8, Received(1)), (10, 11, Received(2))],
    ),
    (
        "full and empty when it is",
        2,
        &[
            (0, 1, Empty),
            (2, 3, Sent(1)),
            (4, 5, Sent(2)),
            (6, 7, Full),
            (8, 9, Received(1)),
            (10, 11, Received(2)),
            (12, 13, Empty),
        ],
    ),
    (
        "empty beside somebody",
        2,
        &[
            (0, 1, Sent(1)),
            (2, 3, Sent(2)),
            (4, 7, Empty),
            (5, 6, Received(1)),
            (8, 9, Received(2)),
        ],
    ),
    ("sent before the death", 1, &[(0, 5, Sending(1)), (6, 7, Received(1)), (8, 9, Over)]),
    ("not sent before the death", 1, &[(0, 5, Sending(1)), (6, 7, Over)]),
    ("received before the death", 1, &[(0, 1, Sent(1)), (2, 5, Receiving), (6, 7, Over)]),
    (
        "not received before the death",
        1,
        &[(0, 1, Sent(1)), (2, 5, Receiving), (6, 7, Received(1)), (8, 9, Over)],
    ),
];

const REFUSED: &[(&str, usize, &[Row])] = &[
    ("comes twice", 2, &[(0, 1, Sent(1)), (2, 3, Received(1)), (4, 5, Received(1))]),
    ("was never sent", 2, &[(0, 1, Received(1))]),
    ("comes before it is sent", 2, &[(0, 1, Received(1)), (2, 3, Sent(1))]),
    ("is lost", 2, &[(0, 1, Sent(1)), (2, 3, Over)]),
    ("overtakes", 2, &[(0, 1, Sent(1)), (2, 3, Sent(2)), (4, 5, Received(2)), (6, 7, Received(1))]),
    ("is too many", 1, &[(0, 1, Sent(1)), (2, 3, Sent(2)), (4, 5, Received(1))]),
    ("is empty, and is not", 2, &[(0, 1, Sent(1)), (2, 3, Empty), (4, 5, Received(1))]),
    ("is full, and is not", 2, &[(0, 1, Full), (2, 3, Sent(1)), (4, 5, Received(1))]),
    // Empty, which may not wait, would be accepted there.
    (
        "is over beside somebody",
        2,
        &[(0, 1, Sent(1)), (2, 3, Sent(2)), (4, 7, Over), (5, 6, Received(1)), (8, 9, Received(2))],
    ),
    ("is sent after the death", 2, &[(0, 1, Sending(1)), (2, 3, Empty), (4, 5, Received(1))]),
    (
        "is taken by one death twice",
        2,
        &[(0, 1, Sent(1)), (2, 3, Sent(2)), (4, 5, Receiving), (6, 7, Over)],
    ),
    (
        "has room after a sender's death",
        2,
        &[(0, 1, Sent(1)), (2, 3, Sent(2)), (4, 5, Sending(3)), (6, 7, Sent(4))],
    ),
];

/// Accepted of a stack, and refused of a queue.
const OF_A_STACK: &[(&str, usize, &[Row])] = &[
    (
        "the last one first",
        2,
        &[(0, 1, Sent(1)), (2, 3, Sent(2)), (4, 5, Received(2)), (6, 7, Received(1))],
    ),
    (
        "one sent meanwhile",
        2,
        &[(0, 1, Sent(1)), (2, 5, Sent(2)), (3, 8, Received(2)), (9, 10, Received(1))],
    ),
    (
        "sent before the death",
        2,
        &[(0, 1, Sent(1)), (2, 3, Sending(2)), (4, 5, Received(2)), (6, 7, Received(1))],
    ),
];

/// Accepted of a queue by priority, and refused of one by arrival. The key is what is
/// left of a division by four.
const BY_PRIORITY: &[(&str, usize, &[Row])] = &[
    (
        "the smaller one first",
        2,
        &[(0, 1, Sent(2)), (2, 3, Sent(1)), (4, 5, Received(1)), (6, 7, Received(2))],
    ),
    (
        "a smaller one sent meanwhile",
        2,
        &[(0, 1, Sent(2)), (2, 5, Sent(1)), (3, 8, Received(1)), (9, 10, Received(2))],
    ),
    (
        "sent before the death",
        2,
        &[(0, 1, Sent(2)), (2, 3, Sending(1)), (4, 5, Received(1)), (6, 7, Received(2))],
    ),
    (
        "equals as they were sent",
        3,
        &[
            (0, 1, Sent(6)),
            (2, 3, Sent(5)),
            (4, 5, Sent(1)),
            (6, 7, Received(5)),
            (8, 9, Received(1)),
            (10, 11, Received(6)),
        ],
    ),
];

/// Refused of a queue by priority, and accepted of one by arrival.
const NOT_BY_PRIORITY: &[(&str, usize, &[Row])] = &[(
    "the larger one first",
    2,
    &[(0, 1, Sent(2)), (2, 3, Sent(1)), (4, 5, Received(2)), (6, 7, Received(1))],
)];

pub fn check_the_check() -> Result<String, String> {
    use Order::{Arrival, Latest, Smallest};
    let tables = [
        (ACCEPTED, Arrival, true),
        (REFUSED, Arrival, false),
        (OF_A_STACK, Latest, true),
        (OF_A_STACK, Arrival, false),
        (BY_PRIORITY, Smallest, true),
        (BY_PRIORITY, Arrival, false),
        (NOT_BY_PRIORITY, Smallest, false),
        (NOT_BY_PRIORITY, Arrival, true),
    ];
    let (mut accepted_ones, mut refused_ones) = (0, 0);
    for (rows, order, accepted) in tables {
        for (name, capacity, rows) in rows {
            let event = |&(begin, end, done): &Row| Event { begin, end, done };
            let history: Vec<Event> = rows.iter().map(event).collect();
            let verdict = check(&history, *capacity, order);
            if verdict.is_ok() != accepted {
                return Err(format!("\"{name}\": {verdict:?}"));
            }
        }
        *if accepted { &mut accepted_ones } else { &mut refused_ones } += rows.len();
    }
    Ok(format!("{accepted_ones} accepted, {refused_ones} refused"))
}
