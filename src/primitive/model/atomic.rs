//! loom's atomics, of which each operation is a step that the fuse counts.
//!
//! Where loads are [fresh](Loads::Fresh), the value lies beside loom's word. Each
//! operation, a load too, is there a read-modify-write that fails: loom has no
//! older values to choose from, and tries any two of them in both orders. (It
//! remembers only the last access to a word, so a store after two processes'
//! loads is not tried before the first one, where loads are loads.)

use core::sync::atomic::Ordering;
use core::sync::atomic::Ordering::Relaxed;
use std::cell::Cell;

use super::process::step;
use super::trace::note;
use super::world::{Loads, World};

/// Whether loads see the newest value in this execution.
fn loads_are_fresh() -> bool {
    World::with(|world| world.loads == Loads::Fresh)
}

macro_rules! atomic {
    ($name:ident, $int:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name {
            word: loom::sync::atomic::$name,
            /// The value, where loads are fresh; `word` stays zero then.
            newest: Cell<$int>,
        }

        impl $name {
            pub(crate) fn new(value: $int) -> $name {
                let word = if loads_are_fresh() { 0 } else { value };
                $name { word: loom::sync::atomic::$name::new(word), newest: Cell::new(value) }
            }

            pub(crate) fn load(&self, order: Ordering) -> $int {
                self.step("load", &[], || {
                    if loads_are_fresh() {
                        self.touch();
                        self.newest.get()
                    } else {
                        self.word.load(order)
                    }
                })
            }

            pub(crate) fn store(&self, value: $int, order: Ordering) {
                self.step("store", &[value], || {
                    if loads_are_fresh() {
                        self.touch();
                        self.newest.set(value);
                    } else {
                        self.word.store(value, order);
                    }
                    value
                });
            }

            pub(crate) fn swap(&self, value: $int, order: Ordering) -> $int {
                self.modify("swap", value, |_| value, || self.word.swap(value, order))
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                let seen = self.step("compare_exchange", &[current, new], || {
                    if loads_are_fresh() {
                        self.touch();
                        let seen = self.newest.get();
                        self.newest.set(if seen == current { new } else { seen });
                        return seen;
                    }
                    match self.word.compare_exchange(current, new, success, failure) {
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
                let change = |seen: $int| seen.wrapping_add(value);
                self.modify("fetch_add", value, change, || self.word.fetch_add(value, order))
            }

            pub(crate) fn fetch_sub(&self, value: $int, order: Ordering) -> $int {
                let change = |seen: $int| seen.wrapping_sub(value);
                self.modify("fetch_sub", value, change, || self.word.fetch_sub(value, order))
            }

            pub(crate) fn fetch_or(&self, value: $int, order: Ordering) -> $int {
                let change = |seen: $int| seen | value;
                self.modify("fetch_or", value, change, || self.word.fetch_or(value, order))
            }

            pub(crate) fn fetch_and(&self, value: $int, order: Ordering) -> $int {
                let change = |seen: $int| seen & value;
                self.modify("fetch_and", value, change, || self.word.fetch_and(value, order))
            }

            pub(crate) fn fetch_xor(&self, value: $int, order: Ordering) -> $int {
                let change = |seen: $int| seen ^ value;
                self.modify("fetch_xor", value, change, || self.word.fetch_xor(value, order))
            }

            pub(crate) fn fetch_max(&self, value: $int, order: Ordering) -> $int {
                let change = |seen: $int| seen.max(value);
                self.modify("fetch_max", value, change, || self.word.fetch_max(value, order))
            }

            pub(crate) fn fetch_min(&self, value: $int, order: Ordering) -> $int {
                let change = |seen: $int| seen.min(value);
                self.modify("fetch_min", value, change, || self.word.fetch_min(value, order))
            }

            /// The newest value, as the kernel reads it; orders nothing.
            ///
            /// loom's load may be stale, its read-modify-writes are not.
            pub(super) fn newest(&self) -> $int {
                let seen = self.touch();
                if loads_are_fresh() { self.newest.get() } else { seen }
            }

            /// A read-modify-write that fails, so that it leaves no trace in the
            /// word's history.
            fn touch(&self) -> $int {
                match self.word.compare_exchange(<$int>::MAX, <$int>::MAX, Relaxed, Relaxed) {
                    Ok(seen) | Err(seen) => seen,
                }
            }

            fn modify(
                &self,
                call: &'static str,
                given: $int,
                change: impl FnOnce($int) -> $int,
                in_loom: impl FnOnce() -> $int,
            ) -> $int {
                self.step(call, &[given], || {
                    if loads_are_fresh() {
                        self.touch();
                        self.newest.replace(change(self.newest.get()))
                    } else {
                        in_loom()
                    }
                })
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
