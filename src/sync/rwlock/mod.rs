//! `RwLock<T>`: `raw::RwLock` with a value inside, and its two guards.

mod guard;
mod lock;

pub use guard::{RwLockReadGuard, RwLockWriteGuard};
pub use lock::RwLock;
