//! What a region's body is, in words and numbers: written into its header by whoever
//! makes it, and expected by whoever opens it.

use core::fmt::Display;

use crate::error::{Difference, Error, Kind};

/// Numbers in a header.
pub(super) const SETTINGS: usize = 8;
/// Bytes for the words in a header.
pub(super) const WORDS: usize = 128;

/// What a body is, or is expected to be.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    words: String,
    /// `None`: not expected to be anything in particular.
    settings: Vec<(&'static str, Option<u64>)>,
}

impl Layout {
    /// In `words` such as "queue of u64", with at most [`SETTINGS`] numbers.
    pub(crate) fn new(words: String, settings: &[(&'static str, Option<u64>)]) -> Layout {
        assert!(settings.len() <= SETTINGS);
        Layout { words, settings: settings.into() }
    }

    /// That of a `T`, whose type's name alone would not tell its layout.
    pub(crate) fn of<T>() -> Layout {
        let [size, align] = [size_of::<T>(), align_of::<T>()].map(|number| Some(number as u64));
        Layout::new(core::any::type_name::<T>().into(), &[("size", size), ("alignment", align)])
    }

    /// The same for programs that have nothing in common but the name of what they share:
    /// the paths in the name of a type are each program's own.
    pub(crate) fn between_strangers(self, what: &str) -> Layout {
        Layout { words: format!("{what} of {}", without_paths(&self.words)), ..self }
    }

    /// The same with other numbers.
    pub(crate) fn with_settings(self, settings: &[(&'static str, Option<u64>)]) -> Layout {
        Layout::new(self.words, settings)
    }

    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// As many of the words as a header has room for.
    pub(super) fn short_words(&self) -> [u8; WORDS] {
        let mut short = [0; WORDS];
        let len = self.words.len().min(WORDS);
        short[..len].copy_from_slice(&self.words.as_bytes()[..len]);
        short
    }

    /// The numbers for a header.
    pub(super) fn settings(&self) -> [u64; SETTINGS] {
        let mut numbers = [0; SETTINGS];
        for (number, (_, setting)) in numbers.iter_mut().zip(&self.settings) {
            *number = setting.unwrap_or(0);
        }
        numbers
    }

    /// Whether a header says what is expected; where it does not, the error names both.
    pub(super) fn is_met(
        &self,
        layout: u64,
        words: &[u8; WORDS],
        settings: &[u64; SETTINGS],
    ) -> Result<(), Error> {
        if layout != fnv(self.words.as_bytes()) {
            return Err(differing("the region", &self.words, shown(words)));
        }
        for ((name, expected), there) in self.settings.iter().zip(settings) {
            if let Some(here) = expected {
                self.differs(name, here, there)?;
            }
        }
        Ok(())
    }

    /// Nothing, where the two are the same.
    pub(super) fn differs<N: PartialEq + Display>(
        &self,
        what: &'static str,
        here: N,
        there: N,
    ) -> Result<(), Error> {
        if here == there { Ok(()) } else { Err(differing(what, here, there)) }
    }
}

#[cold]
fn differing(what: &'static str, here: impl Display, there: impl Display) -> Error {
    let difference = Difference { what, here: here.to_string(), there: there.to_string() };
    Error::new("region", Kind::Differs(Box::new(difference)))
}

/// Words of a header, for people: whoever wrote them may have written anything.
pub(super) fn shown(words: &[u8; WORDS]) -> String {
    let len = words.iter().position(|byte| *byte == 0).unwrap_or(WORDS);
    String::from_utf8_lossy(&words[..len]).escape_debug().collect()
}

/// The name of a type without the paths in it: `Option<Job>`.
fn without_paths(name: &str) -> String {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut parts = name.split("::");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |short, part| format!("{}{part}", short.trim_end_matches(is_of_word)))
}

/// FNV-1a.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    fn met(here: &Layout, there: &Layout) -> Result<(), Error> {
        here.is_met(fnv(there.words().as_bytes()), &there.short_words(), &there.settings())
    }

    #[test]
    fn a_difference_names_both_sides() {
        let queue = |words: &str, capacity| Layout::new(words.into(), &[("capacity", capacity)]);
        let theirs = queue("queue of u64", Some(64));
        assert_eq!(met(&theirs, &theirs), Ok(()));
        assert_eq!(met(&queue("queue of u64", None), &theirs), Ok(()));
        let text = |layout| met(&layout, &theirs).unwrap_err().to_string();
        let capacity = text(queue("queue of u64", Some(16)));
        assert_eq!(capacity, "region: capacity is 16 here and 64 there");
        let words = text(queue("queue of u32", None));
        assert_eq!(words, "region: the region is queue of u32 here and queue of u64 there");
    }

    #[test]
    fn paths_are_each_programs_own() {
        let short = |name: &str| without_paths(name);
        assert_eq!(short("u64"), "u64");
        assert_eq!(short("one::two::Job"), "Job");
        let long = "core::option::Option<(alloc::string::String, [app::Job; 3])>";
        assert_eq!(short(long), "Option<(String, [Job; 3])>");
    }

    #[test]
    fn words_that_are_cut_off_alike_are_told_apart() {
        let long = |end: &str| Layout::new("x".repeat(200) + end, &[]);
        assert_eq!(met(&long("a"), &long("a")), Ok(()));
        assert!(met(&long("a"), &long("b")).unwrap_err().is_mismatch());
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_shown(bytes in proptest::collection::vec(any::<u8>(), WORDS)) {
            let shown = shown(&bytes.try_into().unwrap());
            prop_assert!(shown.chars().all(|c| !c.is_control()));
        }

        #[test]
        fn the_settings_are_those_that_were_made(numbers in any::<[u64; SETTINGS]>()) {
            let settings = numbers.map(|number| ("number", Some(number)));
            prop_assert_eq!(Layout::new(String::new(), &settings).settings(), numbers);
        }
    }
}
