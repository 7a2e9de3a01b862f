//! Ends that came with a bare fork.
//!
//! `spawn` hands an end over; a bare fork merely copies it, and nobody but its caller
//! knows which of the two processes means to use it.
#![allow(unsafe_code)]

use super::connection::Connection;
use super::duplex::Duplex;
use super::receiver::PipeReceiver;
use super::sender::PipeSender;
use crate::error::Error;
use crate::shared::message::Message;

impl<T: Message> PipeSender<T> {
    /// Makes an end that came with a bare [`fork`](crate::process::fork()) this
    /// process's. What [`spawn`](crate::process::spawn) moved into a child is the child's
    /// already.
    ///
    /// # Errors
    ///
    /// [`is_gone`](Error::is_gone) when the end was dropped, or somebody else adopts it at
    /// the same time; and when this process is in another PID namespace.
    ///
    /// # Safety
    ///
    /// Since the fork that made this copy of it, no other process has used the end or
    /// does so now. (Any may drop its copy.)
    ///
    /// # When a process dies
    ///
    /// Killed in here, this process had the end, or the one before has it still. When that
    /// one is dead already, the other side may have been told `Disconnected`; it goes on
    /// from here.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel;
    /// use killproof::process::{self, Fork};
    ///
    /// let (mut sender, mut receiver) = channel::pipe::<u32>()?;
    /// // SAFETY: one thread, no guards, and the child ends at once.
    /// match unsafe { process::fork() }? {
    ///     Fork::Child => {
    ///         // SAFETY: the parent does not send.
    ///         let sent = unsafe { sender.adopt() }.is_ok() && sender.send(7).is_ok();
    ///         std::process::exit(i32::from(!sent));
    ///     }
    ///     Fork::Parent(child) => {
    ///         assert_eq!(receiver.recv()?, 7);
    ///         child.join()?;
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn adopt(&mut self) -> Result<(), Error> {
        self.end.adopt()
    }
}

impl<T: Message> PipeReceiver<T> {
    /// Makes an end that came with a bare fork this process's; see
    /// [`PipeSender::adopt`].
    ///
    /// # Errors
    ///
    /// As [`PipeSender::adopt`].
    ///
    /// # Safety
    ///
    /// As [`PipeSender::adopt`].
    ///
    /// # Examples
    ///
    /// See [`PipeSender::adopt`].
    pub unsafe fn adopt(&mut self) -> Result<(), Error> {
        self.end.adopt()
    }
}

impl<Tx: Message, Rx: Message> Duplex<Tx, Rx> {
    /// Makes both ends, which came with a bare fork, this process's; see
    /// [`PipeSender::adopt`].
    ///
    /// # Errors
    ///
    /// As [`PipeSender::adopt`].
    ///
    /// # Safety
    ///
    /// As [`PipeSender::adopt`].
    ///
    /// # Examples
    ///
    /// See [`PipeSender::adopt`].
    pub unsafe fn adopt(&mut self) -> Result<(), Error> {
        let (sender, receiver) = self.as_ends();
        sender.end.adopt()?;
        receiver.end.adopt()
    }
}

impl<Tx: Message, Rx: Message> Connection<Tx, Rx> {
    /// Makes an end that came with a bare fork this process's; see
    /// [`PipeSender::adopt`].
    ///
    /// # Errors
    ///
    /// As [`PipeSender::adopt`].
    ///
    /// # Safety
    ///
    /// As [`PipeSender::adopt`].
    ///
    /// # Examples
    ///
    /// See [`PipeSender::adopt`].
    pub unsafe fn adopt(&mut self) -> Result<(), Error> {
        self.end.adopt()
    }
}
