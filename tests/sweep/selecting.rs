//! Rows of whoever dies in `select`: it has taken nothing, and what it silenced for
//! itself wakes the others all the same.

use killproof::select;
use killproof::sync::Event;

use crate::common::case::Case;
use crate::common::forms::{FORMS, Form};
use crate::common::numbered::Words;
use crate::ends::Ends;
use crate::forms::{receive_nine, send_nine};
use crate::queue::{nothing_done, warm_receiver, world};
use crate::row::{Begin, Row};

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Row::new("queue select, one is there", world(4, 1, 3), select_one, nothing_done)
            .every(3, 60)
            .case(),
        Row::new("queue select, waiting", world(4, 0, 3), select_one, nothing_done)
            .blocks()
            .every(9, 60)
            .case(),
    ];
    cases.extend(FORMS.iter().map(|form| beside_another(*form)));
    cases
}

fn beside_another(form: Form) -> Case {
    let name = format!("queue select, waiting, another {}", form.word());
    Row::new(name, world(4, 0, 3), select_one, nothing_done)
        .holder(send_nine)
        .peer(receive_nine(form))
        .blocks()
        .every(9, 60)
        .case()
}

fn select_one(ends: &Ends<Words>, begin: Begin) {
    let (receiver, never) = (warm_receiver(ends), Event::new().expect("memory"));
    begin.now();
    assert_eq!(select(&[&*receiver, &never], None), Ok(Some(0)));
}
