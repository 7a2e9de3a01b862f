//! The stamp: one process, named for the life of the machine, in one word.
//!
//! ```text
//!  63            32 31        10 9      0
//! +----------------+------------+--------+
//! |     birth      |    pid     | flags  |
//! +----------------+------------+--------+
//! ```
//!
//! `birth` tells one life of a process id from the next and is never zero, so
//! a word whose upper half is zero is held by nobody, whatever its lower half
//! says. The lower half is what sleepers compare: it changes whenever the
//! owner does or a flag does.

use core::fmt;

/// The bits of a stamped word that do not name the owner.
///
/// Each word machine gives them its own meaning.
pub(crate) const FLAGS: u64 = (1 << PID_SHIFT) - 1;

const PID_SHIFT: u32 = 10;
/// Linux's PID_MAX_LIMIT is 2^22.
const PID_MASK: u64 = (1 << 22) - 1;
const BIRTH_SHIFT: u32 = 32;

/// The name of one process; its flag bits are zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp(u64);

impl Stamp {
    /// Names process `pid`, born at `birth`; of `birth` the low half counts.
    pub(crate) fn new(birth: u64, pid: u32) -> Stamp {
        debug_assert!(u64::from(pid) <= PID_MASK && pid != 0, "pid {pid}");
        Stamp(Stamp::fold(birth) << BIRTH_SHIFT | Stamp::lower_half(pid))
    }

    /// The owner that a word names, if it names one.
    pub(crate) fn of(word: u64) -> Option<Stamp> {
        (word >> BIRTH_SHIFT != 0).then_some(Stamp(word & !FLAGS))
    }

    /// The stamp as a word with no flag set.
    pub(crate) fn word(self) -> u64 {
        self.0
    }

    pub(crate) fn pid(self) -> u32 {
        pid_of(self.0)
    }

    /// A word that is held by nobody but remembers `pid`.
    pub(crate) fn lower_half(pid: u32) -> u64 {
        (u64::from(pid) & PID_MASK) << PID_SHIFT
    }

    /// Whether a process born at `birth` is the one named here.
    #[cfg(not(loom))]
    pub(crate) fn is_born(self, birth: u64) -> bool {
        self.0 >> BIRTH_SHIFT == Stamp::fold(birth)
    }

    /// 32 bits of a birth, never zero: two lives of one pid that share them
    /// are 2^32 processes apart.
    fn fold(birth: u64) -> u64 {
        (birth & 0xffff_ffff).max(1)
    }
}

/// The pid in a word, held or not.
pub(crate) fn pid_of(word: u64) -> u32 {
    (word >> PID_SHIFT & PID_MASK) as u32
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stamp(pid {}, birth {})", self.pid(), self.0 >> BIRTH_SHIFT)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn a_word_gives_back_its_owner(birth in any::<u64>(), pid in 1_u32..1 << 22, flags in 0..=FLAGS) {
            let stamp = Stamp::new(birth, pid);
            prop_assert_eq!(Stamp::of(stamp.word() | flags), Some(stamp));
            prop_assert_eq!(stamp.pid(), pid);
            prop_assert_eq!(pid_of(stamp.word() | flags), pid);
            prop_assert_eq!(stamp.is_born(birth), true);
        }
    }

    #[test]
    fn a_lower_half_alone_names_nobody() {
        assert_eq!(Stamp::of(u64::from(u32::MAX)), None);
    }

    #[test]
    fn a_birth_of_zero_still_names_somebody() {
        assert!(Stamp::of(Stamp::new(1 << 32, 7).word()).is_some());
    }
}
