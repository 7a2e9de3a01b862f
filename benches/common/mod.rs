//! What the benches share: comparing in alternation, workers, POSIX's locks,
//! and ways to carry messages.
#![allow(dead_code)] // Each bench uses its part of it.

pub mod bare;
pub mod carry;
pub mod compare;
pub mod frames;
pub mod kernel;
pub mod locked;
pub mod posix;
pub mod records;
pub mod slots;
pub mod transport;
pub mod trips;
pub mod workers;
