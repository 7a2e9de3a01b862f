//! Somebody writes into the shared memory what no honest process would: anything, at
//! any moment. Whoever keeps to the rules has an error, a wrong value, or waits until
//! its time is up. It does not read or write elsewhere, nor panic, nor go on for ever.
//!
//! ```text
//! cargo test --release --test liar
//! ```

mod kept;
mod play;
mod told;
mod watchdog;

use proptest::prelude::{ProptestConfig, any, proptest};

use play::{Company, SUBJECTS, play};
use watchdog::within_a_minute;

/// Plays of each subject.
const PLAYS: u32 = 300;
/// Bytes of one, at most: a lie takes about five, any other step about two.
const LENGTH: usize = 500;

/// Those in which somebody lies all the time, and how long they are.
const SEEDS: u64 = 6;
const STEPS: u64 = 4_000;

fn subject(name: &str) -> usize {
    SUBJECTS.iter().position(|(subject, _)| *subject == name).expect("a subject")
}

/// A long script of numbers that follow from the seed.
fn long_script(seed: u64) -> Vec<u8> {
    let mut number = seed;
    let next = || {
        // Knuth's generator, of which the upper bits are good.
        number = number.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (number >> 56) as u8
    };
    std::iter::repeat_with(next).take(STEPS as usize).collect()
}

macro_rules! subjects {
    ($($(#[$attribute:meta])* $test:ident $name:literal)*) => {
        $(
            $(#[$attribute])*
            mod $test {
                use super::*;

                proptest! {
                    #![proptest_config(ProptestConfig::with_cases(PLAYS))]

                    #[test]
                    fn lies_between_operations(
                        script in proptest::collection::vec(any::<u8>(), 0..LENGTH),
                    ) {
                        within_a_minute(|| play(subject($name), &script, Company::None));
                    }
                }

                #[test]
                fn lies_all_the_time() {
                    for seed in 0..SEEDS {
                        let script = long_script(seed);
                        within_a_minute(|| play(subject($name), &script, Company::Liar(seed)));
                    }
                }
            }
        )*

        #[test]
        fn nothing_is_left_out() {
            let names: &[&str] = &[$($(#[$attribute])* $name),*];
            assert!(SUBJECTS.iter().map(|(name, _)| name).eq(names));
        }
    };
}

subjects! {
    queue_of_words "queue of words"
    queue_of_picky_values "queue of values that not all bytes are"
    queue_of_bytes "queue of bytes"
    queue_of_lists "queue of lists"
    #[cfg(feature = "serde")]
    queue_of_what_serde_writes "queue of what serde writes"
    pipe_of_words "pipe of words"
    pipe_of_bytes "pipe of bytes"
    duplex "duplex"
    mutex "Mutex"
    reentrant_mutex "ReentrantMutex"
    rwlock "RwLock"
    semaphore "Semaphore"
    condvar "Condvar"
    barrier "Barrier"
    value "Value"
    array "Array"
    once_only "Once"
    event "Event"
}
