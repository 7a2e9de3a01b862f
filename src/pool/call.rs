//! A function that travels with its arguments: by its address, which is the same in all
//! processes of a pool, for none of them has called exec.
#![allow(unsafe_code)]

use core::mem::transmute;

use super::body::append;
use crate::shared::message::{Decoder, Encoder, InvalidMessage, Message, from_bytes};

/// What the code at one address does with the function at another, with the bytes of its
/// arguments, and with room for those of its result; `None`: they are no arguments of it.
type Thunk = unsafe fn(usize, &[u8], &mut Vec<u8>) -> Option<()>;

/// The bytes of one.
pub(super) const LEN: usize = 2 * size_of::<u64>();

/// A `fn(A) -> R`, whatever the two are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callee {
    thunk: usize,
    function: usize,
}

impl Callee {
    pub(super) fn new<A: Message, R: Message>(function: fn(A) -> R) -> Callee {
        let thunk: Thunk = thunk::<A, R>;
        Callee { thunk: thunk as usize, function: function as usize }
    }

    /// Where its code is.
    pub(super) fn addresses(self) -> [usize; 2] {
        [self.thunk, self.function]
    }

    /// Calls it, and appends what it returns to `out`.
    ///
    /// # Safety
    ///
    /// [`new`](Callee::new) made it, in this process or in one that this was forked from
    /// after that code was loaded.
    pub(super) unsafe fn call(self, args: &[u8], out: &mut Vec<u8>) -> Option<()> {
        // SAFETY: the caller says that `new` put a `Thunk`'s address there.
        let thunk = unsafe { transmute::<usize, Thunk>(self.thunk) };
        // SAFETY: and beside it that of a function of the type which that thunk calls.
        unsafe { thunk(self.function, args, out) }
    }
}

/// As it travels: its addresses.
impl Message for Callee {
    const FIXED: Option<usize> = <(u64, u64)>::FIXED;

    fn encoded_len(&self) -> usize {
        LEN
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        (self.thunk as u64, self.function as u64).encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Callee, InvalidMessage> {
        let (thunk, function) = <(u64, u64)>::decode(input)?;
        Ok(Callee { thunk: thunk as usize, function: function as usize })
    }
}

/// # Safety
///
/// There is a `fn(A) -> R` at `function`.
unsafe fn thunk<A: Message, R: Message>(
    function: usize,
    args: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    // SAFETY: the caller says what is there.
    let function = unsafe { transmute::<usize, fn(A) -> R>(function) };
    append(&function(from_bytes(args).ok()?), out);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::message::to_bytes;

    #[test]
    fn what_travelled_is_called() {
        let sent = Callee::new(|(a, b): (u8, u8)| a + b);
        let callee = from_bytes::<Callee>(&to_bytes(&sent)).unwrap();
        assert_eq!(callee.addresses(), sent.addresses());
        let mut out = vec![7];
        // SAFETY: made above.
        assert_eq!(unsafe { callee.call(&to_bytes(&(3_u8, 4_u8)), &mut out) }, Some(()));
        assert_eq!(out, [7, 7]);
        // SAFETY: as above.
        assert_eq!(unsafe { callee.call(&[1], &mut out) }, None, "no such arguments");
    }
}
