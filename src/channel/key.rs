//! What messages are ordered by.

use crate::shared::message::Message;

/// An integer by which a [`priority`](super::priority) queue orders its messages.
///
/// Sealed: comparing keys is part of receiving, for which others wait, so no code
/// of a user's may run there.
///
/// # Examples
///
/// See [`priority`](super::priority).
pub trait Key: Message + Copy + sealed::Ordered {}

mod sealed {
    /// To `u64`, so that the order stays.
    pub trait Ordered {
        fn order(self) -> u64;
    }
}

/// The key of a message as a number of the same order.
pub(super) fn order_of<K: Key, T>(message: &(K, T)) -> u64 {
    message.0.order()
}

macro_rules! keys {
    ($($unsigned:ident $signed:ident)+) => {$(
        impl sealed::Ordered for $unsigned {
            fn order(self) -> u64 {
                self.into()
            }
        }

        impl sealed::Ordered for $signed {
            fn order(self) -> u64 {
                i64::from(self) as u64 ^ 1 << 63
            }
        }

        impl Key for $unsigned {}
        impl Key for $signed {}
    )+};
}

keys! { u8 i8 u16 i16 u32 i32 u64 i64 }

#[cfg(test)]
mod tests {
    use super::sealed::Ordered;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn the_order_stays(a in any::<i64>(), b in any::<i64>(), c in any::<i16>(), d in any::<i16>()) {
            prop_assert_eq!(a.order().cmp(&b.order()), a.cmp(&b));
            prop_assert_eq!(c.order().cmp(&d.order()), c.cmp(&d));
            prop_assert_eq!((a as u64).order().cmp(&(b as u64).order()), (a as u64).cmp(&(b as u64)));
        }
    }
}
