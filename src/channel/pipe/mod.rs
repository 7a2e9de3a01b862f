//! Pipes: one sender, one receiver, records of any length, and what is made of
//! two of them.
//!
//! A record is the length of the message in eight bytes, the message, and what is
//! missing to the next multiple of eight. It begins where the one before ends, and
//! goes on at the start of the ring where that comes to its end. It counts from the
//! one store that moves the sender's index past it, so a half-written one is none.

mod adopt;
mod builder;
mod bytes;
mod connection;
mod duplex;
mod end;
mod handles;
mod named;
mod receiver;
mod record;
mod ring;
mod sender;

pub use builder::{PipeBuilder, duplex, pipe};
pub use connection::{Connection, connection};
pub use duplex::Duplex;
pub use receiver::PipeReceiver;
pub use sender::PipeSender;
