//! What is lied about, and who is there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::memory::Memory;
use super::script::Script;
use super::{barriers, locks, permits, pipes, queues, values};

type Play = fn(&mut Script<'_>, &mut Company);

/// Everything that can lie in shared memory.
pub const SUBJECTS: &[(&str, Play)] = &[
    ("queue of words", queues::words),
    ("queue of values that not all bytes are", queues::picky),
    ("queue of bytes", queues::bytes),
    ("queue of lists", queues::lists),
    #[cfg(feature = "serde")]
    ("queue of what serde writes", queues::written),
    ("pipe of words", pipes::words),
    ("pipe of bytes", pipes::bytes),
    ("duplex", pipes::duplex),
    ("Mutex", locks::mutex),
    ("ReentrantMutex", locks::reentrant),
    ("RwLock", locks::rwlock),
    ("Semaphore", permits::semaphore),
    ("Condvar", barriers::condvar),
    ("Barrier", barriers::barrier),
    ("Value", values::value),
    ("Array", values::array),
    ("Once", values::once),
    ("Event", values::event),
];

/// Who else is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Nobody: lies are told between operations.
    None,
    /// A thread that lies all the time, by numbers that follow from this one.
    Liar(u64),
}

impl Company {
    /// Plays with what `make` makes.
    pub fn meet<T>(&mut self, make: impl FnOnce() -> T, play: impl FnOnce(&T, &Memory)) {
        let (made, memory) = Memory::of(make);
        let Company::Liar(seed) = *self else { return play(&made, &memory) };
        let is_over = AtomicBool::new(false);
        let theirs = memory.again();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = seed;
                while !is_over.load(Ordering::Relaxed) {
                    theirs.lie(&mut Script::new(&bytes_after(&mut number)));
                }
            });
            /// Ends the liar, also where the play panics.
            struct End<'a>(&'a AtomicBool);
            impl Drop for End<'_> {
                fn drop(&mut self) {
                    self.0.store(true, Ordering::Relaxed);
                }
            }
            let _end = End(&is_over);
            play(&made, &memory);
        });
    }
}

/// Enough for a lie. (Steele and Vigna's SplitMix64.)
fn bytes_after(number: &mut u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_exact_mut(8) {
        *number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *number;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_ne_bytes());
    }
    bytes
}

/// Plays a script about one of the [`SUBJECTS`].
pub fn play(subject: usize, script: &[u8], mut company: Company) {
    let (_, play) = SUBJECTS[subject % SUBJECTS.len()];
    play(&mut Script::new(script), &mut company);
}
