//! What can be waited for beside other things.

use std::os::fd::BorrowedFd;

use crate::error::Error;

/// What [`select`](super::select), poll(2), epoll and the like can wait for: both
/// ends of a queue or of a pipe, an [`Event`](crate::sync::Event), and a
/// [`Child`](crate::process::Child).
///
/// # The contract
///
/// Poll the descriptor; when it is readable, *try*, with
/// [`try_recv`](crate::channel::Receiver::try_recv), `try_lease` or `try_send`,
/// until the answer is `Empty` or `Full`. That answer, of this very handle in this
/// process, arms the descriptor again. It is right for level-triggered and for
/// edge-triggered epoll; but see [`Event`](crate::sync::Event#descriptor) about the
/// latter.
///
/// Readable is a hint: somebody else may be faster, and an end's descriptor is
/// readable now and then without a reason, so that whoever polls comes to look who
/// is dead. It is never missing for long: readable as soon as there is something
/// or nobody is left at the other side, and at most about 100 ms after a process
/// was killed between the two. Of what was opened by a [name](crate::named), nobody makes
/// it readable but its own timer: at most about 100 ms after there is something.
///
/// - [`Receiver`](crate::channel::Receiver): a message is there, or came back, or
///   there will be none.
/// - [`Sender`](crate::channel::Sender): there is room, or nobody to receive.
/// - [`PipeReceiver`](crate::channel::PipeReceiver): a message is there, or there will
///   be none.
/// - [`Connection`](crate::channel::Connection): a message is there, or there will be
///   none.
/// - [`PipeSender`](crate::channel::PipeSender): there is room for the message that was
///   last refused, or nobody to receive.
/// - [`Event`](crate::sync::Event): it is set. Do not read from it.
/// - [`Child`](crate::process::Child): it has ended.
///
/// # Fork
///
/// An end's descriptor is of one handle in one process. A forked child asks for
/// its own, by calling [`ready_fd`](Ready::ready_fd) again; one that it inherited
/// is its parent's.
///
/// # Examples
///
/// ```
/// use killproof::{Ready, channel};
/// use rustix::event::{PollFd, PollFlags, poll};
///
/// let (sender, receiver) = channel::queue::<u32>(4)?;
/// let worker = killproof::process::spawn(move || sender.send(7).unwrap())?;
/// let message = loop {
///     match receiver.try_recv() {
///         Err(channel::RecvError::Empty) => {}
///         answer => break answer?,
///     }
///     poll(&mut [PollFd::new(&receiver.ready_fd()?, PollFlags::IN)], None)?;
/// };
/// assert_eq!(message, 7);
/// worker.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Ready: Source {
    /// The descriptor that is readable when there is something.
    ///
    /// An end makes it at the first call: an epoll(7) and a timerfd(2) for
    /// each handle that was asked.
    ///
    /// # Errors
    ///
    /// When the process may have no more descriptors; for a queue's end also where
    /// the queue has no place for another process, for a pipe's when it belongs to
    /// another process, and for both where this one is in another PID namespace.
    fn ready_fd(&self) -> Result<BorrowedFd<'_>, Error>;
}

/// What `select` asks; it keeps others from making things [`Ready`].
pub trait Source {
    /// Becomes readable at a change after a [`look`](Source::look) that found
    /// nothing; `None` where it is readable without a reason, and perhaps stays so, or
    /// where there is none that anybody would make readable.
    #[doc(hidden)]
    fn bell_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Whether there is something. With `ask` the dead are looked for as well.
    #[doc(hidden)]
    fn look(&self, ask: bool) -> Result<bool, Error>;
}
