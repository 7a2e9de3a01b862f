//! Bytes of a message, where nobody else touches them, or where others may.
#![allow(unsafe_code)]

use super::trust::Trust;
use super::words::Span;

/// Where to write.
#[derive(Debug)]
pub(crate) enum Place<'a> {
    /// Nobody else touches it.
    Own(&'a mut [u8]),
    /// Others may write there, though they should not.
    Open(Span<'a>),
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    /// Nobody else writes there.
    Own(&'a [u8]),
    /// Others may write there, though they should not: what is looked at twice may be
    /// different things.
    Open(Span<'a>),
}

impl<'a> Place<'a> {
    /// The bytes of `span`, which lie in memory of those of whom so much may be expected.
    ///
    /// # Safety
    ///
    /// They were zeroed or written before. As long as the place lives, nobody else touches
    /// them who keeps to the rules.
    #[inline(always)]
    pub(crate) unsafe fn of(span: Span<'a>, trust: Trust) -> Place<'a> {
        match trust {
            Trust::Strangers => Place::Open(span),
            Trust::Family => {
                // SAFETY: 1. A span is so many bytes of atomics, which live as long and may
                //    be written to. 2. The family keeps to the rules, by which, says the
                //    caller, nothing else refers to them.
                Place::Own(unsafe {
                    core::slice::from_raw_parts_mut(span.as_mut_ptr(), span.len())
                })
            }
        }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        match self {
            Place::Own(bytes) => bytes.len(),
            Place::Open(span) => span.len(),
        }
    }

    /// Copies all of `from` there.
    ///
    /// # Panics
    ///
    /// Where `from` is not so long.
    #[inline]
    pub(crate) fn write(self, from: &[u8]) {
        match self {
            Place::Own(bytes) => bytes.copy_from_slice(from),
            Place::Open(span) => span.write(from),
        }
    }

    /// The same with bytes that others may write to.
    #[inline]
    pub(crate) fn copy_from(self, from: View<'_>) {
        match (self, from) {
            (place, View::Own(bytes)) => place.write(bytes),
            (Place::Own(bytes), View::Open(span)) => span.read(bytes),
            (Place::Open(to), View::Open(from)) => to.copy_from(from),
        }
    }
}

impl<'a> View<'a> {
    /// The bytes of `span`, which lie in memory of those of whom so much may be expected.
    ///
    /// # Safety
    ///
    /// As long as the view lives, nobody else writes them who keeps to the rules.
    #[inline(always)]
    pub(crate) unsafe fn of(span: Span<'a>, trust: Trust) -> View<'a> {
        match trust {
            Trust::Strangers => View::Open(span),
            Trust::Family => {
                // SAFETY: as in `Place::of`, for reading.
                View::Own(unsafe { core::slice::from_raw_parts(span.as_mut_ptr(), span.len()) })
            }
        }
    }

    /// Appends a copy of it.
    #[inline]
    pub(crate) fn append_to(self, bytes: &mut Vec<u8>) {
        match self {
            View::Own(own) => bytes.extend_from_slice(own),
            View::Open(span) => span.append_to(bytes),
        }
    }

    /// A copy of it.
    #[inline]
    pub(crate) fn to_vec(self) -> Vec<u8> {
        match self {
            View::Own(bytes) => bytes.to_vec(),
            View::Open(span) => span.to_vec(),
        }
    }
}
