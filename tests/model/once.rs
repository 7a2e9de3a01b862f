//! `Once` and `OnceLock` against a flag and an `Option`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use killproof::Shared;
use killproof::sync::{Once, OnceLock, SetError};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

#[derive(Clone, Debug)]
enum Step {
    Set(u64),
    Init(u64),
    /// Panics where it should make the value.
    Panic,
    /// Asks for the value where it should make it.
    AskInside(u64),
    Get,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => any::<u64>().prop_map(Step::Set),
        1 => any::<u64>().prop_map(Step::Init),
        2 => Just(Step::Panic),
        1 => any::<u64>().prop_map(Step::AskInside),
        3 => Just(Step::Get),
    ]
}

proptest! {
    #[test]
    fn it_is_an_option_that_is_set_once(steps in proptest::collection::vec(step(), 0..20)) {
        let lock = Shared::new(OnceLock::<u64>::new()).unwrap();
        let mut model = None;
        for step in steps {
            match step {
                Step::Set(value) => {
                    let set = lock.set(value);
                    match model {
                        None => assert_eq!(set, Ok(())),
                        Some(_) => assert_eq!(set, Err(SetError::AlreadySet(value))),
                    }
                    model.get_or_insert(value);
                }
                Step::Init(value) => {
                    let wanted = *model.get_or_insert(value);
                    assert_eq!(lock.get_or_init(|| value), Ok(&wanted));
                }
                Step::Panic => {
                    let panics = || resume_unwind(Box::new("in the middle"));
                    let result = catch_unwind(AssertUnwindSafe(|| *lock.get_or_init(panics).unwrap()));
                    assert_eq!(result.ok(), model);
                }
                Step::AskInside(value) => {
                    let wanted = *model.get_or_insert(value);
                    let asks = || {
                        assert!(lock.get_or_init(|| 0).unwrap_err().is_deadlock());
                        assert!(matches!(lock.set(0), Err(SetError::Failed(0, _))));
                        value
                    };
                    assert_eq!(lock.get_or_init(asks), Ok(&wanted));
                }
                Step::Get => assert_eq!(lock.get(), model.as_ref()),
            }
        }
    }

    #[test]
    fn one_thread_does_it_and_all_see_that(threads in 1..8_usize, panics in 0..3_usize) {
        let once = Shared::new(Once::new()).unwrap();
        let (begun, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..threads + panics {
                scope.spawn(|| {
                    let call = || once.call_once(|| {
                        if begun.fetch_add(1, Ordering::Relaxed) < panics {
                            resume_unwind(Box::new("in the middle"));
                        }
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                    if catch_unwind(AssertUnwindSafe(call)).is_ok() {
                        assert_eq!(done.load(Ordering::Relaxed), 1);
                        assert!(once.is_completed());
                    }
                });
            }
        });
        assert_eq!(begun.into_inner(), panics + 1);
    }
}

#[test]
fn outside_shared_memory_they_say_so() {
    let (once, lock) = (Once::new(), OnceLock::<u32>::new());
    assert!(once.call_once(|| unreachable!()).unwrap_err().is_unplaced());
    assert!(lock.get_or_init(|| unreachable!()).unwrap_err().is_unplaced());
    assert!(matches!(lock.set(1), Err(SetError::Failed(1, error)) if error.is_unplaced()));
    assert_eq!((once.is_completed(), lock.get()), (false, None));
    assert_eq!(format!("{once:?} {lock:?}"), "Once(unplaced) OnceLock(unplaced)");
}

#[test]
fn they_show_who_is_at_it() {
    let (once, lock) = (Shared::new(Once::new()).unwrap(), Shared::new(OnceLock::new()).unwrap());
    let not_begun = "state: not begun, owner: nobody";
    let begun = format!("state: begun, owner: {} (alive)", std::process::id());
    assert!(format!("{once:?}").contains(not_begun), "{once:?}");
    assert!(format!("{lock:?}").contains(not_begun), "{lock:?}");
    once.call_once(|| assert!(format!("{once:?}").contains(&begun), "{once:?}")).unwrap();
    let shows = || {
        assert!(format!("{lock:?}").contains(&begun), "{lock:?}");
        7_u8
    };
    lock.get_or_init(shows).unwrap();
    assert!(format!("{once:?}").contains("state: done"), "{once:?}");
    assert!(format!("{lock:?}").contains("value: Some(7)"), "{lock:?}");
}
