//! The modelled eventfd: a latch. Its calls order what is before and after them,
//! as the kernel's do by the eventfd's lock.

use core::sync::atomic::Ordering::AcqRel;
use core::time::Duration;

use super::AtomicU64;
use super::sleep::{futex_wait, futex_wake};
use crate::error::Error;

const SILENT: u64 = 0;
const RUNG: u64 = 1;

#[derive(Debug)]
pub(crate) struct Bell(AtomicU64);

impl Bell {
    pub(crate) fn new() -> Result<Bell, Error> {
        Ok(Bell(AtomicU64::new(SILENT)))
    }

    pub(crate) fn ring(&self) {
        self.0.swap(RUNG, AcqRel);
        futex_wake(&self.0, u32::MAX);
    }

    pub(crate) fn silence(&self) {
        self.0.swap(SILENT, AcqRel);
    }

    /// Waits until it rings. Returns whether the modelled timeout fired.
    pub(crate) fn wait(&self, slice: Duration) -> bool {
        futex_wait(&self.0, SILENT as u32, slice)
    }
}
