//! What the dead leave behind is found by whoever opens, and taken over by whoever
//! creates.

use killproof::named::Region;
use killproof::sync::Value;
use killproof::{Named, Shared};

use crate::common::case::{Case, case};
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::common::name::Name;
use crate::{finish, kill};

pub fn cases() -> Vec<Case> {
    vec![
        case("left::what_was_committed_is_found", what_was_committed_is_found),
        case("left::the_name_is_taken_over", the_name_is_taken_over),
        case("left::many_take_it_over_at_once", many_take_it_over_at_once),
        case("left::damaged_ones_are_taken_over_and_pruned", damaged_ones_are_taken_over),
        case("left::pruning_and_making_at_once", pruning_and_making_at_once),
    ]
}

/// A value by this name that somebody had who was killed.
fn leave(name: &Name, value: u64) {
    let (made, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let maker = fork(|| {
        let _shared = name.named().create_shared(Value::new(value)).unwrap();
        made.open();
        never.pass();
        Ok(())
    });
    made.pass();
    kill(&maker);
}

fn what_was_committed_is_found() {
    let name = Name::new("found");
    leave(&name, 41);
    let shared = name.named().open_or_create_shared(|| Value::new(0_u64)).unwrap();
    assert_eq!(shared.fetch_add(1), Ok(41));
    drop(shared);
    assert_eq!(name.named().open_shared::<Value<u64>>().unwrap().get(), 42);
}

fn the_name_is_taken_over() {
    let name = Name::new("over");
    leave(&name, 41);
    let shared = name.named().create_shared(Value::new(1_u64)).unwrap();
    assert_eq!(shared.get(), 1);
    assert_eq!(name.named().open_shared::<Value<u64>>().unwrap().get(), 1);
}

fn many_take_it_over_at_once() {
    for _ in 0..20 {
        let name = Name::new("over-many");
        leave(&name, 41);
        let (go, all) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
        let done = Mapped::new([(); 8].map(|()| Gate::default()));
        let others: Vec<_> = (0..8)
            .map(|index| {
                let (name, go, all, done) = (&name, &go, &all, &done);
                fork(move || {
                    go.pass();
                    let made = name.named().create_shared(Value::new(index as u64));
                    let refused = made.as_ref().err().is_some_and(|e| e.is_already_exists());
                    done[index].open();
                    all.pass();
                    let now: Shared<Value<u64>> = name.named().open_shared().unwrap();
                    match made {
                        Ok(mine) => {
                            assert_eq!((mine.get(), now.get()), (index as u64, index as u64))
                        }
                        Err(_) => assert!(refused),
                    }
                    Ok(())
                })
            })
            .collect();
        go.open();
        done.iter().for_each(Gate::pass);
        let _keep: Shared<Value<u64>> = name.named().open_shared().unwrap();
        all.open();
        others.iter().for_each(finish);
    }
}

fn damaged_ones_are_taken_over() {
    let (made, pruned) = (Name::new("damaged"), Name::new("damaged-pruned"));
    for name in [&made, &pruned] {
        std::fs::write(name.path(), b"killproof? no").unwrap();
        assert!(name.named().open::<Region>().unwrap_err().is_corrupt());
    }
    assert!(made.named().capacity(8).create::<Region>().is_ok());
    let entries = Named::list().unwrap();
    let entry = entries.iter().find(|entry| entry.name() == pruned.text()).unwrap();
    assert_eq!((entry.what(), entry.creator(), entry.is_used()), (None, None, false));
    assert!(Named::prune().unwrap().contains(&pruned.text().into()));
    assert!(!pruned.is_taken());
}

/// Nobody who makes or opens something is robbed of it by those who prune.
fn pruning_and_making_at_once() {
    let name = Name::new("pruning");
    let stop = Mapped::new(Gate::default());
    let pruners: Vec<_> = (0..2)
        .map(|_| {
            fork(|| {
                while !stop.is_open() {
                    Named::prune().unwrap();
                }
                Ok(())
            })
        })
        .collect();
    for number in 0..300 {
        let made = name.named().create_shared(Value::new(number)).unwrap();
        let opened: Shared<Value<u64>> = name.named().open_shared().unwrap();
        assert_eq!((made.get(), opened.get()), (number, number));
    }
    stop.open();
    pruners.iter().for_each(finish);
}
