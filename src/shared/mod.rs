//! Floor 2, beside `raw`: bytes that other processes also see.
//!
//! What may lie there (`Shareable`, `Plain`, `Exposed`), how it gets there (`Region`,
//! `Shared`), what crosses as bytes (`Message`) or as descriptors (`Transfer`, `Wire`), and
//! the two things a fork needs to know about a thread: what it has on loan, and to
//! whom its endpoints go.
//!
//! May import: `primitive`, `sys`, `error`. Never: a word machine, or anything
//! above.

mod bulk;
pub(crate) mod describe;
mod encoding;
pub(crate) mod exposed;
pub(crate) mod handle;
pub(crate) mod layout;
pub(crate) mod loans;
pub(crate) mod message;
pub(crate) mod place;
pub(crate) mod plain;
pub(crate) mod racy;
pub(crate) mod region;
#[cfg(feature = "serde")]
pub(crate) mod serde;
pub(crate) mod shareable;
pub(crate) mod transfer;
pub(crate) mod transferable;
pub(crate) mod trust;
pub(crate) mod wire;
pub(crate) mod words;
