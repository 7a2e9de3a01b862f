//! Once against a flag.

use crate::primitive::{Stamp, current};
use crate::raw::Once;
use proptest::prelude::{Just, ProptestConfig, prop_assert_eq, prop_oneof, proptest};

#[derive(Clone, Copy, Debug)]
enum Step {
    Finish,
    GiveUp,
    /// Somebody begins who is killed.
    Die,
}

proptest! {
    // Each death costs the next one a slice.
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// The model: it is done from the first finish on, and until then everybody
    /// begins who comes.
    #[test]
    fn it_does_what_a_flag_does(
        steps in proptest::collection::vec(
            prop_oneof![1 => Just(Step::Finish), 3 => Just(Step::GiveUp), 3 => Just(Step::Die)],
            0..20,
        ),
    ) {
        let (once, me) = (Once::new(), current().unwrap());
        once.place();
        let mut done = false;
        for (step, number) in steps.into_iter().zip(0..) {
            // A life of pid 1 that is over, each time another, or this process.
            let dies = matches!(step, Step::Die);
            let who = if dies { Stamp::new((1 << 31) + number, 1) } else { me };
            let begins = once.begin(who, 1).unwrap();
            prop_assert_eq!(begins, !done);
            match step {
                Step::Finish if begins => {
                    once.finish(me);
                    done = true;
                }
                Step::GiveUp if begins => once.give_up(me),
                _ => {}
            }
            prop_assert_eq!(once.is_done(), done);
            prop_assert_eq!(once.owner(), (dies && begins).then_some(who));
        }
    }
}
