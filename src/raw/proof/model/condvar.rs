//! The condition variable against a list of waiters.

use crate::deadline::Deadline;
use crate::primitive::{Stamp, current};
use crate::raw::condvar::{Waiter, Woken};
use crate::raw::{Condvar, Mutex, Refused};
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};

const PLACES: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    Join,
    /// Somebody joins who is killed.
    JoinAndDie,
    NotifyOne,
    NotifyAll,
    /// The n-th of those who are there goes, for this reason.
    Leave(usize, Woken),
    /// A slice ends.
    TakeOver,
}

fn step() -> impl Strategy<Value = Step> {
    let woken = prop_oneof![Just(Woken::Notified), Just(Woken::TimedOut), Just(Woken::ByItself),];
    prop_oneof![
        3 => Just(Step::Join),
        1 => Just(Step::JoinAndDie),
        3 => Just(Step::NotifyOne),
        1 => Just(Step::NotifyAll),
        3 => (0..PLACES, woken).prop_map(|(who, woken)| Step::Leave(who, woken)),
        1 => Just(Step::TakeOver),
    ]
}

/// A life of pid 1 that is over.
fn dead() -> Stamp {
    Stamp::new(1 << 31, 1)
}

fn placed() -> Condvar<PLACES> {
    let condvar = Condvar::new();
    condvar.place();
    condvar
}

fn is_notified(condvar: &Condvar<PLACES>, mutex: &Mutex, waiter: &mut Waiter) -> bool {
    let me = current().unwrap();
    condvar.sleep(waiter, mutex, me, Deadline::Now) == Woken::Notified
}

proptest! {
    /// The model: who is there, and who of them is notified. Every
    /// notification goes to exactly one of the living, if one waits.
    #[test]
    fn it_does_what_a_list_of_waiters_does(steps in proptest::collection::vec(step(), 0..40)) {
        let (condvar, me) = (placed(), current().unwrap());
        let mutex = Mutex::new();
        let is_notified = |waiter: &mut Waiter| is_notified(&condvar, &mutex, waiter);
        let mut there: Vec<Waiter> = Vec::new();
        let mut notified = 0;
        // What the dead were notified of goes on to others at some time.
        let mut owed = 0;
        for step in steps {
            match step {
                Step::Join => match condvar.join(me) {
                    Ok(waiter) => there.push(waiter),
                    Err(refused) => {
                        prop_assert_eq!(refused, Refused::Full);
                        prop_assert_eq!(there.len(), PLACES);
                    }
                },
                Step::JoinAndDie => {
                    let full = condvar.join(dead()).is_err();
                    prop_assert!(!full || there.len() == PLACES);
                    owed += 1;
                }
                Step::NotifyOne => {
                    condvar.notify_one();
                    notified = there.len().min(notified + 1);
                }
                Step::NotifyAll => {
                    condvar.notify_all();
                    notified = there.len();
                }
                Step::TakeOver => condvar.take_over_notifications(me),
                Step::Leave(who, woken) if who < there.len() => {
                    let mut waiter = there.remove(who);
                    let was_notified = is_notified(&mut waiter);
                    if woken == Woken::Notified && !was_notified {
                        there.insert(who, waiter);
                        continue;
                    }
                    let used_up = condvar.leave(&waiter, me, woken);
                    prop_assert_eq!(used_up, was_notified && woken != Woken::ByItself);
                    let passed_on = was_notified && !used_up;
                    let left = notified - usize::from(was_notified);
                    notified = there.len().min(left + usize::from(passed_on));
                }
                Step::Leave(..) => {}
            }
            let now = there.iter_mut().map(is_notified).filter(|is| *is).count();
            prop_assert!((notified..=notified + owed).contains(&now), "{notified}, {now}");
            owed -= now - notified;
            notified = now;
            let waiting = condvar.waiters().filter(|(waiter, told)| *waiter == me && !told).count();
            prop_assert_eq!(waiting, there.len() - notified);
        }
    }
}

#[test]
fn waiters_are_notified_in_the_order_in_which_they_came() {
    let (condvar, mutex, me) = (placed(), Mutex::new(), current().unwrap());
    for _round in 0..3 {
        let waiters: Vec<Waiter> = (0..3).map(|_| condvar.join(me).unwrap()).collect();
        for mut waiter in waiters {
            condvar.notify_one();
            assert!(is_notified(&condvar, &mutex, &mut waiter));
            assert!(condvar.leave(&waiter, me, Woken::Notified));
        }
    }
}
