//! What the tests with processes share: memory that outlives a fork, children
//! that cannot leak, traced children that can be stopped anywhere, and a
//! watchdog over each case.
//!
//! The process that runs a case has one thread. So has every child that forks, at that
//! moment: that is what makes the forks here sound.

// Each test binary compiles this module and uses its own part of it.
#![allow(dead_code)]

pub mod case;
pub mod child;
pub mod fds;
pub mod forms;
pub mod interruptions;
pub mod locks;
pub mod mapped;
pub mod name;
pub mod numbered;
pub mod pin;
pub mod random;
pub mod runner;
pub mod sandbox;
pub mod script;
pub mod trace;
