//! loom's atomics, of which each operation is a step that the fuse counts.

use core::sync::atomic::Ordering;
use core::sync::atomic::Ordering::Relaxed;

use super::process::step;
use super::trace::note;

macro_rules! atomic {
    ($name:ident, $int:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name(loom::sync::atomic::$name);

        impl $name {
            pub(crate) fn new(value: $int) -> $name {
                $name(loom::sync::atomic::$name::new(value))
            }

            pub(crate) fn load(&self, order: Ordering) -> $int {
                self.step("load", &[], || self.0.load(order))
            }

            pub(crate) fn store(&self, value: $int, order: Ordering) {
                self.step("store", &[value], || {
                    self.0.store(value, order);
                    value
                });
            }

            pub(crate) fn swap(&self, value: $int, order: Ordering) -> $int {
                self.step("swap", &[value], || self.0.swap(value, order))
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                let seen = self.step("compare_exchange", &[current, new], || {
                    match self.0.compare_exchange(current, new, success, failure) {
                        Ok(seen) | Err(seen) => seen,
                    }
                });
                if seen == current { Ok(seen) } else { Err(seen) }
            }

            pub(crate) fn compare_exchange_weak(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                self.compare_exchange(current, new, success, failure)
            }

            pub(crate) fn fetch_update(
                &self,
                success: Ordering,
                failure: Ordering,
                mut update: impl FnMut($int) -> Option<$int>,
            ) -> Result<$int, $int> {
                let mut seen = self.load(failure);
                while let Some(new) = update(seen) {
                    match self.compare_exchange(seen, new, success, failure) {
                        Ok(seen) => return Ok(seen),
                        Err(now) => seen = now,
                    }
                }
                Err(seen)
            }

            pub(crate) fn fetch_add(&self, value: $int, order: Ordering) -> $int {
                self.step("fetch_add", &[value], || self.0.fetch_add(value, order))
            }

            pub(crate) fn fetch_sub(&self, value: $int, order: Ordering) -> $int {
                self.step("fetch_sub", &[value], || self.0.fetch_sub(value, order))
            }

            pub(crate) fn fetch_or(&self, value: $int, order: Ordering) -> $int {
                self.step("fetch_or", &[value], || self.0.fetch_or(value, order))
            }

            pub(crate) fn fetch_and(&self, value: $int, order: Ordering) -> $int {
                self.step("fetch_and", &[value], || self.0.fetch_and(value, order))
            }

            pub(crate) fn fetch_xor(&self, value: $int, order: Ordering) -> $int {
                self.step("fetch_xor", &[value], || self.0.fetch_xor(value, order))
            }

            pub(crate) fn fetch_max(&self, value: $int, order: Ordering) -> $int {
                self.step("fetch_max", &[value], || self.0.fetch_max(value, order))
            }

            pub(crate) fn fetch_min(&self, value: $int, order: Ordering) -> $int {
                self.step("fetch_min", &[value], || self.0.fetch_min(value, order))
            }

            /// The newest value, as the kernel reads it; orders nothing.
            ///
            /// loom's load may be stale, its read-modify-writes are not. One
            /// that fails leaves no trace in the word's history.
            pub(super) fn newest(&self) -> $int {
                match self.0.compare_exchange(<$int>::MAX, <$int>::MAX, Relaxed, Relaxed) {
                    Ok(seen) | Err(seen) => seen,
                }
            }

            pub(super) fn address(&self) -> usize {
                core::ptr::from_ref(self).addr()
            }

            fn step(
                &self,
                call: &'static str,
                given: &[$int],
                operation: impl FnOnce() -> $int,
            ) -> $int {
                step();
                let seen = operation();
                let given = core::array::from_fn(|i| given.get(i).map(|&value| value.into()));
                note(call, Some(self.address()), given, Some(seen.into()));
                seen
            }
        }
    };
}

atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);
