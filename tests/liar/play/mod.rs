//! A liar's play: operations on a thing in shared memory, and lies told in between,
//! as a script of bytes tells. Every string of bytes is a script.
//!
//! Nothing may come of a lie but an error, a wait, or a wrong value. The tests beside
//! this play at random; the fuzz target `scribble` uses these files too.

mod barriers;
mod locks;
mod memory;
mod permits;
mod pipes;
mod queues;
mod script;
mod subject;
mod values;

pub use memory::Memory;
pub use subject::{Company, SUBJECTS, play};
