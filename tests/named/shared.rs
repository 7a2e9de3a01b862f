//! Values by name: their operations are those of any `Shared`, and so is what becomes of
//! them when somebody dies.

use std::time::Duration;

use killproof::channel::{self, SendError, Sender};
use killproof::process::CommandExt;
use killproof::sync::{
    Barrier, Condvar, Flag, LockError, Mutex, Once, ReentrantMutex, RwLock, Semaphore, Value,
};
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
        case("shared::those_who_meet", those_who_meet),
        case("shared::locks_of_nothing_are_left", locks_of_nothing_are_left),
        case("shared::handles_with_names_are_not_sent", handles_with_names_are_not_sent),
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

exposed! {
    struct Meeting {
        all: Barrier<3>,
        turn: Mutex<()>,
        came: Condvar,
        present: Value<u64>,
        opening: Once,
        opened: Value<u64>,
    }
}

/// Three who have nothing in common but the name.
fn those_who_meet() {
    const PARTIES: u64 = 3;
    let name = Name::new("meeting");
    let meeting = || Meeting {
        all: Barrier::with_capacity(PARTIES as usize),
        turn: Mutex::new(()),
        came: Condvar::new(),
        present: Value::new(0),
        opening: Once::new(),
        opened: Value::new(0),
    };
    let parties: Vec<_> = (0..PARTIES)
        .map(|_| {
            fork(|| {
                let meeting = name.named().open_or_create_shared(meeting).unwrap();
                meeting.opening.call_once(|| _ = meeting.opened.fetch_add(1).unwrap()).unwrap();
                assert_eq!(meeting.opened.get(), 1);
                {
                    let guard = meeting.turn.lock().unwrap();
                    meeting.present.fetch_add(1).unwrap();
                    meeting.came.notify_all();
                    let absent = |_: &mut ()| meeting.present.get() < PARTIES;
                    drop(meeting.came.wait_while(guard, absent).unwrap());
                }
                let all = Shared::map(&meeting, |meeting| &meeting.all);
                all.party().unwrap().wait().unwrap();
                assert_eq!(meeting.present.get(), PARTIES);
                Ok(())
            })
        })
        .collect();
    parties.iter().for_each(finish);
    let meeting: Shared<Meeting> = name.named().open_shared().unwrap();
    assert_eq!((meeting.present.get(), meeting.opened.get()), (PARTIES, 1));
}

exposed! {
    struct Doors {
        book: RwLock<()>,
        inner: ReentrantMutex<()>,
    }
}

fn locks_of_nothing_are_left() {
    let name = Name::new("doors");
    let doors = || Doors { book: RwLock::new(()), inner: ReentrantMutex::new(()) };
    let (inside, never) = (Mapped::new(Gate::default()), Mapped::new(Gate::default()));
    let visitor = fork(|| {
        let doors = name.named().open_or_create_shared(doors).unwrap();
        let _book = doors.book.write().unwrap();
        let _inner = (doors.inner.lock().unwrap(), doors.inner.lock().unwrap());
        inside.open();
        never.pass();
        Ok(())
    });
    inside.pass();
    let doors: Shared<Doors> = name.named().open_shared().unwrap();
    assert!(doors.book.try_read().is_err() && doors.inner.try_lock().is_err());
    kill(&visitor);
    match doors.book.write() {
        Ok(_) => panic!("the one who wrote is dead"),
        Err(LockError::Abandoned(left)) => drop(left.replace(())),
        Err(error) => panic!("{error}"),
    }
    match doors.inner.lock() {
        Err(LockError::Abandoned(left)) => drop(left.replace(())),
        other => panic!("{other:?}"),
    }
    assert!(doors.book.read().is_ok() && doors.inner.lock().is_ok());
}

/// The other program could not open what comes; it is the sender that hears of it.
#[allow(unsafe_code)]
fn handles_with_names_are_not_sent() {
    let (queue, value) = (Name::new("sent-queue"), Name::new("sent-value"));
    let jobs: Sender<u64> = queue.named().create().unwrap();
    let value = value.named().create_shared(Value::new(1_u64)).unwrap();
    let (mut ours, _theirs) = channel::connection::<u64, ()>().unwrap();
    let mut refused = Vec::new();
    // SAFETY: nothing is sent, so nobody has it.
    refused.push(unsafe { ours.send_handle(1, &jobs) });
    // SAFETY: as above.
    refused.push(unsafe { ours.send_handle(1, &value) });
    // SAFETY: as above.
    refused.push(unsafe { ours.send_handle(1, &(Shared::new(Flag::new()).unwrap(), jobs)) });
    for result in refused {
        let Err(SendError::Failed(1, error)) = result else { panic!("{result:?}") };
        assert!(error.to_string().contains("has a name"), "{error}");
    }
    let mut command = std::process::Command::new("true");
    // SAFETY: as above.
    let error = unsafe { command.share("value", &value) }.unwrap_err();
    assert!(error.to_string().contains("has a name"), "{error}");
}
