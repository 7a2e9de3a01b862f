//! The two fences as what they are together: full ones.
//!
//! Two light ones would order each other here and do not on the machine. Whoever
//! uses them says which heavy one a light one pairs with.

use core::sync::atomic::Ordering;

use crate::primitive::Stamp;

pub(crate) fn light_fence(_me: Stamp) {
    loom::sync::atomic::fence(Ordering::SeqCst);
}

pub(crate) fn heavy_fence() -> bool {
    loom::sync::atomic::fence(Ordering::SeqCst);
    true
}
