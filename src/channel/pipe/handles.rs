//! Handles along with messages, which are descriptors to the socket.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;

use super::connection::Connection;
use crate::channel::error::{RecvError, SendError};
use crate::error::Error;
use crate::shared::message::Message;
use crate::shared::transferable::Transfer;

impl<Tx: Message, Rx: Message> Connection<Tx, Rx> {
    /// Waits for room and sends `value`, and with it a handle: a
    /// [`Shared`](crate::Shared), an [`Event`](crate::sync::Event), an end of a queue,
    /// which the other process [receives](Connection::recv_handle) as one of its own.
    ///
    /// This process's handle stays its own. A queue's end on its way counts for nobody: it
    /// does once the other process has received it. So keep yours until you were told that
    /// it has: dropped earlier, it may have been the last at its side, and then the others
    /// are told `Disconnected`, and what was sent, or is sent yet, lies there.
    ///
    /// # Errors
    ///
    /// As [`send`](Connection::send); [`SendError::Failed`] also where the handle was opened
    /// by a [name](crate::named): the other process opens the name.
    ///
    /// # Safety
    ///
    /// The descriptors can be written to, and what is written there becomes values in
    /// every process that has the handle. So the process at the other end takes them by
    /// [`recv_handle`](Connection::recv_handle) only.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{channel, process};
    ///
    /// let (mut ours, mut its) = channel::connection::<String, ()>()?;
    /// let worker = process::spawn(move || {
    ///     // SAFETY: what comes is an end of a queue of such messages.
    ///     let (name, jobs) = unsafe { its.recv_handle::<channel::Sender<u64>>() }.unwrap();
    ///     assert_eq!(name, "jobs");
    ///     jobs.unwrap().send(7).unwrap();
    /// })?;
    /// // Made when the worker was there already.
    /// let (jobs, todo) = channel::queue::<u64>(4)?;
    /// // SAFETY: the worker takes it by `recv_handle`.
    /// unsafe { ours.send_handle("jobs".into(), &jobs) }?;
    /// assert_eq!(todo.recv()?, 7);
    /// worker.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn send_handle<H: Transfer>(
        &mut self,
        value: Tx,
        handle: &H,
    ) -> Result<(), SendError<Tx>> {
        if let Err(error) = handle.check() {
            return Err(SendError::Failed(value, error));
        }
        let send = |descriptors: &[BorrowedFd<'_>]| self.send(value, descriptors);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { handle.with_descriptors(send) }
    }

    /// Waits for a message and takes it, with the handle that was
    /// [sent](Connection::send_handle) along: an error, if it is none such.
    ///
    /// # Errors
    ///
    /// As [`recv`](Connection::recv); of the handle, as [`Shared::open`](crate::Shared::open),
    /// and [`is_limit`](Error::is_limit) where a queue has no place for another process.
    ///
    /// # Safety
    ///
    /// [`Shared::open`](crate::Shared::open)'s, for what comes: it was sent by
    /// [`send_handle`](Connection::send_handle), and the other program's type is this one's.
    pub unsafe fn recv_handle<H: Transfer>(&mut self) -> Result<(Rx, Result<H, Error>), RecvError> {
        let (value, descriptors) = self.recv()?;
        // SAFETY: the caller keeps the contract, which is the same.
        Ok((value, unsafe { H::from_descriptors(descriptors) }))
    }
}
