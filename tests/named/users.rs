//! Who uses something with a name, and who may take the name away.

use killproof::named::Region;
use killproof::sync::Value;
use killproof::{Named, Shared, process};

use crate::common::case::{Case, case};
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::common::name::{Name, left_behind};
use crate::{finish, kill, wait_for};

pub fn cases() -> Vec<Case> {
    vec![
        case("users::made_once_and_opened_by_others", made_once_and_opened_by_others),
        case("users::only_its_maker_unlinks_until_that_is_dead", only_its_maker_unlinks),
        case("users::who_has_it_keeps_it_without_a_name", kept_without_a_name),
        case("users::a_forked_child_uses_it_too", a_forked_child_uses_it_too),
        case("users::a_child_that_closes_files_uses_it_too", a_child_that_closes_files),
        case("users::of_many_at_once_one_makes_it", of_many_at_once_one_makes_it),
        case("users::the_listed_are_used_or_not", the_listed_are_used_or_not),
    ]
}

fn region(name: &Name) -> Named {
    name.named().capacity(100)
}

fn made_once_and_opened_by_others() {
    let name = Name::new("once");
    let absent = region(&name).open::<Region>().unwrap_err();
    assert!(absent.is_not_found(), "{absent}");
    let go = Mapped::new(Gate::default());
    let other = fork(|| {
        go.pass();
        let seen: Region = name.named().open().unwrap();
        let mut bytes = [0; 5];
        seen.read_at(95, &mut bytes);
        assert_eq!((&bytes, seen.len(), seen.name()), (b"bytes", 100, name.text()));
        let again = region(&name).create::<Region>().unwrap_err();
        assert!(again.is_already_exists(), "{again}");
        Ok(())
    });
    let made: Region = region(&name).create().unwrap();
    made.write_at(95, b"bytes");
    go.open();
    finish(&other);
    assert_eq!(name.named().unlink(), Ok(()));
    assert!(name.named().unlink().unwrap_err().is_not_found());
    assert_eq!(left_behind(), [""; 0]);
}

fn only_its_maker_unlinks() {
    let name = Name::new("maker");
    let (made, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let maker = fork(|| {
        let _region: Region = region(&name).create().unwrap();
        made.open();
        never.pass();
        Ok(())
    });
    made.pass();
    let region: Region = name.named().open().unwrap();
    let refused = name.named().unlink().unwrap_err();
    assert!(refused.is_not_owner(), "{refused}");
    kill(&maker);
    assert_eq!(name.named().unlink(), Ok(()), "its maker is dead");
    drop(region);
}

fn kept_without_a_name() {
    let name = Name::new("kept");
    let first = name.named().create_shared(Value::new(1_u64)).unwrap();
    assert_eq!(name.named().unlink(), Ok(()));
    let second = name.named().create_shared(Value::new(2_u64)).unwrap();
    assert_eq!((first.get(), second.get()), (1, 2));
    drop(first);
    assert_eq!(name.named().open_shared::<Value<u64>>().unwrap().get(), 2);
}

fn a_forked_child_uses_it_too() {
    let name = Name::new("fork");
    let never = Mapped::new(Gate::default());
    let shared = name.named().create_shared(Value::new(7_u64)).unwrap();
    let child = fork(|| {
        never.pass();
        Ok(())
    });
    drop(shared);
    Named::prune().unwrap();
    assert!(name.named().create_shared(Value::new(8_u64)).unwrap_err().is_already_exists());
    kill(&child);
    assert!(Named::prune().unwrap().contains(&name.text().into()));
    assert!(!name.is_taken());
}

/// What keeps the mapping from being taken for abandoned is a descriptor.
#[allow(unsafe_code)]
fn a_child_that_closes_files() {
    let (made, opened) = (Name::new("close-made"), Name::new("close-opened"));
    let maker = made.named().create_shared(Value::new(1_u64)).unwrap();
    drop(opened.named().create_shared(Value::new(2_u64)).unwrap());
    let opener: Shared<Value<u64>> = opened.named().open_shared().unwrap();
    let go = Shared::new(killproof::sync::Flag::new()).unwrap();
    let its_go = go.clone();
    // SAFETY: the closure owns handles of this crate only.
    let builder = unsafe { process::Builder::new().close_fds(true) };
    let child = builder.spawn(move || {
        its_go.wait();
        (maker.get(), opener.get())
    });
    let child = child.unwrap();
    let pruned = Named::prune().unwrap();
    assert!(!pruned.contains(&made.text().into()) && !pruned.contains(&opened.text().into()));
    go.set();
    assert_eq!(child.join(), Ok((1, 2)));
    assert!(Named::prune().unwrap().contains(&opened.text().into()));
}

fn of_many_at_once_one_makes_it() {
    const ROUNDS: usize = 20;
    const MANY: usize = 8;
    for _ in 0..ROUNDS {
        let name = Name::new("many");
        let (go, all) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
        let others: Vec<_> = (0..MANY)
            .map(|_| {
                fork(|| {
                    go.pass();
                    let count = name.named().open_or_create_shared(|| Value::new(0_u64)).unwrap();
                    count.fetch_add(1).unwrap();
                    all.pass();
                    Ok(())
                })
            })
            .collect();
        go.open();
        let seen =
            || name.named().open_shared::<Value<u64>>().is_ok_and(|c| c.get() == MANY as u64);
        wait_for(seen);
        all.open();
        others.iter().for_each(finish);
    }
}

fn the_listed_are_used_or_not() {
    let (used, unused) = (Name::new("list-used"), Name::new("list-unused"));
    let _held = used.named().create_shared(Value::new(1_u64)).unwrap();
    drop(unused.named().create_shared(Value::new([1_u32; 3])).unwrap());
    let entries = Named::list().unwrap();
    let entry = |name: &Name| {
        let found = entries.iter().find(|entry| entry.name() == name.text()).unwrap();
        (found.what().unwrap().to_owned(), found.creator(), found.is_used())
    };
    let me = Some(std::process::id());
    assert_eq!(entry(&used), ("value of Value<u64>".into(), me, true));
    assert_eq!(entry(&unused), ("value of Value<[u32; 3]>".into(), me, false));
}
