//! Joining: the wait for a child's end, and the value it owes.

use core::time::Duration;
use std::os::fd::AsFd;

use super::child::{Child, End};
use super::error::JoinError;
use super::family::reap;
use super::handover::Outcome;
use super::record;
use crate::deadline::{Deadline, Slices};
use crate::error::Error;
#[cfg(feature = "tokio")]
use crate::ready::{Wakes, Watch};
use crate::shared::message::{Message, from_bytes};
use crate::sys::errno::{Errno, Named};
use crate::sys::fd::poll_readable;
use crate::sys::fork::{self, Status};

impl<T: Message> Child<T> {
    /// Waits for the end of the process and gives what it returned. If its
    /// [`stdin`](Child::stdin) is still here it is closed first.
    ///
    /// # Errors
    ///
    /// When the closure did not return: see [`JoinError`]. A value is an error
    /// too if it was given already.
    ///
    /// # When the child dies
    ///
    /// The call returns as soon as the kernel has finished the process, with
    /// [`JoinError::Signalled`], unless it had returned its value already.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{self, JoinError};
    ///
    /// let child = process::spawn(|| -> u8 { std::process::exit(3) })?;
    /// assert_eq!(child.join(), Err(JoinError::Exited(3)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(mut self) -> Result<T, JoinError> {
        // Else a child that reads to the end of its input would never end.
        self.stdin = None;
        let value = self.join_until(Deadline::Never)?;
        // With no deadline there is an end.
        value.ok_or(JoinError::Lost)
    }

    /// Gives what the process returned if it has ended, `None` if it runs.
    ///
    /// It is `None` also for the moment in which a [zygote's](super::Zygote) child that
    /// returned nothing has ended and the zygote has not said how; for as long as the
    /// zygote is stopped. [`join`](Child::join) waits for that.
    ///
    /// # Errors
    ///
    /// As [`join`](Child::join).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{self, JoinError};
    ///
    /// let mut child = process::spawn(|| -> () { loop { std::thread::park() } })?;
    /// assert_eq!(child.try_join(), Ok(None));
    /// child.kill()?;
    /// while child.is_alive() {}
    /// assert_eq!(child.try_join(), Err(JoinError::Signalled(9)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_join(&mut self) -> Result<Option<T>, JoinError> {
        self.join_until(Deadline::Now)
    }

    /// Waits at most `timeout` for the end of the process and gives what it
    /// returned; `None` if it runs on.
    ///
    /// # Errors
    ///
    /// As [`join`](Child::join).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process;
    /// use std::time::Duration;
    ///
    /// let mut child = process::spawn(|| "done".to_string())?;
    /// let value = loop {
    ///     match child.join_timeout(Duration::from_millis(10))? {
    ///         Some(value) => break value,
    ///         None => println!("still at it"),
    ///     }
    /// };
    /// assert_eq!(value, "done");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join_timeout(&mut self, timeout: Duration) -> Result<Option<T>, JoinError> {
        self.join_until(Deadline::after(timeout))
    }

    /// Waits for the end of the process and gives what it returned;
    /// [`join`](Child::join) for tokio. With the feature `tokio`.
    ///
    /// Cancel-safe: dropped before it is ready, it has joined nothing.
    ///
    /// # Errors
    ///
    /// As [`join`](Child::join); [`JoinError::Failed`] also when the process may have
    /// no more descriptors.
    ///
    /// # Panics
    ///
    /// Where it must wait outside a tokio runtime with I/O.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut child = killproof::process::spawn(|| 6 * 7)?;
    /// let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    /// assert_eq!(runtime.block_on(child.join_async())?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tokio")]
    pub async fn join_async(&mut self) -> Result<T, JoinError> {
        if let Some(value) = self.try_join()? {
            return Ok(value);
        }
        let wakes = Wakes::of(self.as_fd())?;
        while self.runs() {
            wakes.next().await?;
        }
        if let Some(value) = self.try_join()? {
            return Ok(value);
        }
        // A zygote is still to say how it ended, or a tracer to be told first, and no
        // edge need follow that: in slices.
        let watch = Watch::new(Some(self.as_fd()))?;
        let wakes = Wakes::of(watch.as_fd())?;
        loop {
            wakes.next().await?;
            if let Some(value) = self.try_join()? {
                return Ok(value);
            }
            watch.begin_slice();
        }
    }

    fn join_until(&mut self, deadline: Deadline) -> Result<Option<T>, JoinError> {
        reap();
        if self.is_taken {
            return Err(JoinError::Taken);
        }
        if !self.wait(deadline)? && !self.has_said()? {
            return Ok(None);
        }
        let value = self.value()?;
        self.is_taken = true;
        Ok(Some(value))
    }

    /// Whether a zygote's child has ended with an outcome. How it ended, which the
    /// zygote may not have said yet, is not needed then.
    fn has_said(&self) -> Result<bool, Error> {
        Ok(self.zygote.is_some() && !self.runs() && self.outcome()?.is_some())
    }

    /// Waits for the end and reaps; whether it came before the deadline.
    pub(super) fn wait(&mut self, deadline: Deadline) -> Result<bool, Error> {
        let mut slices = Slices::new();
        while self.end == End::Unknown {
            if poll_readable(&*self, deadline.remaining())? {
                if let (Some(zygote), Some(page)) = (self.zygote, &self.handover) {
                    self.end = page.wait_for_end(zygote, deadline);
                    record::ended(self.known(), self.end);
                    break;
                }
                self.end = match fork::waitid(self.as_fd(), true) {
                    Ok(Some(status)) => End::Reaped(status),
                    Err(Errno::CHILD) => End::Lost,
                    Err(errno) => return Err(errno).named("waitid"),
                    // Dead, and a tracer is still to be told first.
                    Ok(None) => {
                        std::thread::sleep(slices.next(deadline));
                        slices.is_over(true);
                        End::Unknown
                    }
                };
            }
            record::ended(self.known(), self.end);
            if deadline.has_passed() {
                break;
            }
        }
        Ok(self.end != End::Unknown)
    }

    /// What an ended process leaves: what it said, else how it ended.
    fn value(&self) -> Result<T, JoinError> {
        let bytes = match (self.outcome()?, self.end) {
            (Some(Outcome::Returned(bytes)), _) => bytes,
            (Some(Outcome::Panicked(message)), _) => return Err(JoinError::Panicked(message)),
            (None, End::Reaped(Status::Exited(0))) if self.handover.is_none() => Vec::new(),
            (None, End::Reaped(Status::Exited(code))) => return Err(JoinError::Exited(code)),
            (None, End::Reaped(Status::Signalled(signal))) => {
                return Err(JoinError::Signalled(signal));
            }
            (None, End::Lost | End::Unknown) => return Err(JoinError::Lost),
        };
        from_bytes(&bytes).map_err(|_| JoinError::Invalid(bytes))
    }
}
