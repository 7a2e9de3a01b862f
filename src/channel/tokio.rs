//! Both ends of a queue, and of a pipe, awaited.

use core::ops::Deref;

use super::error::{RecvError, SendError};
use super::pipe::{Duplex, PipeReceiver, PipeSender};
use super::receiver::Receiver;
use super::sender::Sender;
use super::task::Task;
use crate::error::Error;
use crate::ready::{Ready, Wakes};
use crate::shared::message::Message;

/// Tries until there is an answer, and in between lets others run.
///
/// Awaits nothing after the try that has the answer: a future that is dropped has
/// not had one.
async fn until<E, R>(mut end: E, mut attempt: impl FnMut(&mut E) -> Option<R>) -> Result<R, Error>
where
    E: Deref<Target: Ready + Sized>,
{
    if let Some(answer) = attempt(&mut end) {
        return Ok(answer);
    }
    let wakes = Wakes::of(end.ready_fd()?)?;
    loop {
        wakes.next().await?;
        if let Some(answer) = attempt(&mut end) {
            return Ok(answer);
        }
    }
}

/// Sends by `attempt`, which gives the value back for as long as there is no room.
async fn send_until<E, T>(
    end: E,
    value: T,
    mut attempt: impl FnMut(&mut E, T) -> Result<(), SendError<T>>,
) -> Result<(), SendError<T>>
where
    E: Deref<Target: Ready + Sized>,
{
    let mut unsent = Some(value);
    let sent = until(end, |end| match attempt(end, unsent.take()?) {
        Err(SendError::Full(value)) => {
            unsent = Some(value);
            None
        }
        answer => Some(answer),
    });
    let failed = match sent.await {
        Ok(answer) => return answer,
        Err(error) => error,
    };
    // Nothing failed but the wait for room, so it is there.
    match unsent {
        Some(value) => Err(SendError::Failed(value, failed)),
        None => Ok(()),
    }
}

/// With the feature `tokio`.
impl<T: Message> Receiver<T> {
    /// Waits for a message and takes it; [`recv`](Receiver::recv) for tokio.
    ///
    /// Cancel-safe: dropped before it is ready, it has received nothing.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv); [`RecvError::Failed`] also when the process may
    /// have no more descriptors.
    ///
    /// # Panics
    ///
    /// Where it must wait outside a tokio runtime with I/O. A forked child has none
    /// until it builds its own.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{channel, process};
    ///
    /// let (results, inbox) = channel::queue(4)?;
    /// // The processes first: inside a runtime `spawn` refuses.
    /// let worker = process::spawn(move || results.send(7).unwrap())?;
    /// let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    /// assert_eq!(runtime.block_on(inbox.recv_async())?, 7);
    /// worker.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn recv_async(&self) -> Result<T, RecvError> {
        let received = until(self, |end| unless_empty(end.try_recv())).await;
        received.map_err(RecvError::Failed)?
    }

    /// Waits for a message and leases it; [`lease`](Receiver::lease) for tokio.
    ///
    /// Cancel-safe: dropped before it is ready, it has leased nothing. The
    /// [`Task`] stays on its thread, so a future that keeps it while it awaits
    /// something else does, too: see `tokio::task::LocalSet`.
    ///
    /// # Errors
    ///
    /// As [`lease`](Receiver::lease) and [`recv_async`](Receiver::recv_async).
    ///
    /// # Panics
    ///
    /// As [`recv_async`](Receiver::recv_async).
    ///
    /// # Examples
    ///
    /// See [`send_async`](Sender::send_async).
    pub async fn lease_async(&self) -> Result<Task<'_, T>, RecvError> {
        let leased = until(self, |end| unless_empty(end.try_lease())).await;
        leased.map_err(RecvError::Failed)?
    }
}

fn unless_empty<R>(answer: Result<R, RecvError>) -> Option<Result<R, RecvError>> {
    (!matches!(answer, Err(RecvError::Empty))).then_some(answer)
}

/// With the feature `tokio`.
impl<T: Message> Sender<T> {
    /// Waits for room and sends `value`; [`send`](Sender::send) for tokio.
    ///
    /// Cancel-safe: dropped before it is ready, it has sent nothing; the value is
    /// dropped with it.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send); [`SendError::Failed`] also when the process may
    /// have no more descriptors.
    ///
    /// # Panics
    ///
    /// As [`Receiver::recv_async`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (jobs, todo) = killproof::channel::queue(4)?;
    /// let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    /// runtime.block_on(async {
    ///     jobs.send_async(7).await.unwrap();
    ///     let task = todo.lease_async().await.unwrap();
    ///     assert_eq!(task.done(), 7);
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn send_async(&self, value: T) -> Result<(), SendError<T>> {
        send_until(self, value, |end, value| end.try_send(value)).await
    }
}

/// With the feature `tokio`.
impl<T: Message> PipeReceiver<T> {
    /// Waits for a message and takes it; [`recv`](PipeReceiver::recv) for tokio.
    ///
    /// Cancel-safe: dropped before it is ready, it has received nothing.
    ///
    /// # Errors
    ///
    /// As [`recv`](PipeReceiver::recv); [`RecvError::Failed`] also when the process may
    /// have no more descriptors.
    ///
    /// # Panics
    ///
    /// As [`Receiver::recv_async`].
    pub async fn recv_async(&mut self) -> Result<T, RecvError> {
        let received = until(self, |end| unless_empty(end.try_recv())).await;
        received.map_err(RecvError::Failed)?
    }
}

/// With the feature `tokio`.
impl<T: Message> PipeSender<T> {
    /// Waits for room and sends `value`; [`send`](PipeSender::send) for tokio.
    ///
    /// Cancel-safe: dropped before it is ready, it has sent nothing; the value is
    /// dropped with it.
    ///
    /// # Errors
    ///
    /// As [`send`](PipeSender::send); [`SendError::Failed`] also when the process may
    /// have no more descriptors.
    ///
    /// # Panics
    ///
    /// As [`Receiver::recv_async`].
    pub async fn send_async(&mut self, value: T) -> Result<(), SendError<T>> {
        send_until(self, value, |end, value| end.try_send(value)).await
    }
}

/// With the feature `tokio`.
impl<Tx: Message, Rx: Message> Duplex<Tx, Rx> {
    /// Waits for a message and takes it; as [`PipeReceiver::recv_async`].
    ///
    /// # Errors
    ///
    /// As [`PipeReceiver::recv_async`].
    ///
    /// # Panics
    ///
    /// As [`Receiver::recv_async`].
    pub async fn recv_async(&mut self) -> Result<Rx, RecvError> {
        self.as_ends().1.recv_async().await
    }

    /// Waits for room and sends `value`; as [`PipeSender::send_async`].
    ///
    /// # Errors
    ///
    /// As [`PipeSender::send_async`].
    ///
    /// # Panics
    ///
    /// As [`Receiver::recv_async`].
    pub async fn send_async(&mut self, value: Tx) -> Result<(), SendError<Tx>> {
        self.as_ends().0.send_async(value).await
    }
}
