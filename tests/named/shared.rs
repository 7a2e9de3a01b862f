//! Values by name: their operations are those of any `Shared`, and so is what becomes of
//! them when somebody dies.

use std::time::Duration;

use killproof::sync::{Flag, LockError, Mutex, Semaphore, Value};
use killproof::{Shared, exposed};

use crate::common::case::{Case, case};
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::common::name::Name;
use crate::{finish, kill, wait_for};

pub fn cases() -> Vec<Case> {
    vec![
        case("shared::a_struct_of_several", a_struct_of_several),
        case("shared::a_flag_releases_others", a_flag_releases_others),
    ]
}

exposed! {
    struct Office {
        door: Mutex<()>,
        chairs: Semaphore,
        visitors: Value<u64>,
        closed: Flag,
    }
}

fn office() -> Office {
    Office {
        door: Mutex::new(()),
        chairs: Semaphore::new(1),
        visitors: Value::new(0),
        closed: Flag::new(),
    }
}

fn a_struct_of_several() {
    let name = Name::new("office");
    let (inside, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let visitor = fork(|| {
        let office = name.named().open_or_create_shared(office).unwrap();
        let _door = office.door.lock().unwrap();
        let _chair = office.chairs.acquire().unwrap();
        office.visitors.fetch_add(1).unwrap();
        inside.open();
        never.pass();
        Ok(())
    });
    inside.pass();
    let office: Shared<Office> = name.named().open_shared().unwrap();
    assert!(office.chairs.try_acquire().is_err());
    kill(&visitor);
    assert!(office.chairs.acquire().is_ok());
    match office.door.lock() {
        Err(LockError::Abandoned(left)) => drop(left.replace(())),
        other => panic!("{other:?}"),
    }
    assert!(office.door.lock().is_ok());
    assert_eq!(office.visitors.get(), 1);
}

fn a_flag_releases_others() {
    let name = Name::new("flag");
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            fork(|| {
                let office = name.named().open_or_create_shared(office).unwrap();
                office.visitors.fetch_add(1).unwrap();
                let closed = Shared::map(&office, |office| &office.closed);
                closed.wait();
                assert!(closed.is_set() && closed.wait_timeout(Duration::ZERO));
                Ok(())
            })
        })
        .collect();
    let office = name.named().open_or_create_shared(office).unwrap();
    let closed = Shared::map(&office, |office| &office.closed);
    assert!(!closed.wait_timeout(Duration::from_millis(1)));
    wait_for(|| office.visitors.get() == 3 && waiters.iter().all(|waiter| waiter.is_asleep()));
    closed.set();
    waiters.iter().for_each(finish);
    closed.clear();
    assert!(!closed.is_set());
}
