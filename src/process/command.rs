//! Handles for another program, which std's `Command` starts.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd};
use std::process::Command;

use crate::error::{Error, Kind};
use crate::shared::transferable::Transfer;
use crate::sys::errno::{Errno, Named};
use crate::sys::fd::{leave_open, taken_over};

/// What std's [`Command`] learns: to hand on handles.
///
/// To start another program is `Command`'s job, with its `status` (which Python
/// names `call`), its `output` and its pipes. The program has the handle from
/// [`inherited`].
///
/// # When a process dies
///
/// It is a process like any other: what it held in shared memory when it was killed
/// is told to whoever comes next. Between its fork and its exec nothing is held.
///
/// # Examples
///
/// `examples/programs.rs` is a program that starts itself once more.
///
/// ```no_run
/// use killproof::process::CommandExt;
/// use killproof::{Shared, sync::Mutex};
/// use std::process::Command;
///
/// let total = Shared::new(Mutex::new(0_u64))?;
/// let mut adder = Command::new("adder");
/// // SAFETY: it asks for `inherited("total")`, of this type, and does no more with it.
/// let status = unsafe { adder.share("total", &total) }?.status()?;
/// println!("{status}, {total:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CommandExt {
    /// Gives the program a handle, by the name that it will ask for. What a `name`
    /// had before is replaced.
    ///
    /// The handle travels as open descriptors, whose numbers are in the environment
    /// variable `KILLPROOF_` and the name; so [`Command::env_clear`] must come before.
    ///
    /// An end of a queue counts at its side once the program has asked for it by
    /// [`inherited`], and for nobody before that. So keep yours until you were told that it
    /// has: dropped earlier, it may have been the last, and then the others are told
    /// `Disconnected`, and what was sent, or is sent yet, lies there.
    ///
    /// # Errors
    ///
    /// When there are no descriptors left, or the handle was opened by a
    /// [name](crate::named): the other program opens the name.
    ///
    /// # Panics
    ///
    /// The start fails when `name` has a `=` or a zero in it.
    ///
    /// # Safety
    ///
    /// The descriptors can be written to, and what is written there becomes values in
    /// every process that has the handle. So the program that is started, and every one
    /// to which it leaves them open, use them by [`inherited`] only, keeping its
    /// contract; a shell that redirects into one of the numbers does not.
    ///
    /// # Examples
    ///
    /// ```compile_fail,E0133
    /// use killproof::process::CommandExt;
    /// use killproof::{Shared, sync::Mutex};
    /// use std::process::Command;
    ///
    /// let flag = Shared::new(Mutex::new(true)).unwrap();
    /// let mut shell = Command::new("sh");
    /// shell.args(["-c", "yes >&$KILLPROOF_flag"]).share("flag", &flag).unwrap();
    /// ```
    unsafe fn share<H: Transfer>(&mut self, name: &str, handle: &H) -> Result<&mut Command, Error>;
}

impl CommandExt for Command {
    unsafe fn share<H: Transfer>(&mut self, name: &str, handle: &H) -> Result<&mut Command, Error> {
        handle.check()?;
        // Its own copies: the number must stay theirs until the start.
        let copy = |descriptors: &[BorrowedFd<'_>]| {
            let copies = descriptors.iter().map(BorrowedFd::try_clone_to_owned);
            copies.collect::<Result<Vec<_>, _>>()
        };
        // SAFETY: nobody writes to them here, nor there, as the caller says.
        let copies = unsafe { handle.with_descriptors(copy) }.named("fcntl(F_DUPFD)")?;
        let numbers: Vec<String> = copies.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
        self.env(variable(name), numbers.join(","));
        copies.into_iter().for_each(|fd| leave_open(self, fd));
        Ok(self)
    }
}

fn variable(name: &str) -> String {
    format!("KILLPROOF_{name}")
}

/// The handle that whoever started this program [gave](CommandExt::share) it by this
/// name. As often as asked for; all are handles to the same thing.
///
/// # Errors
///
/// ENOENT when it was given none by this name, and what [`Shared::open`] says, such
/// as [`is_mismatch`](Error::is_mismatch) where the two programs mean different
/// types or were built with different versions of this crate.
///
/// # Safety
///
/// - The environment variable was set by [`CommandExt::share`], for this very
///   process, and its descriptors have not been closed here.
/// - As [`Shared::open`]: the other program's `T` is this one's, also where their
///   names and sizes are the same.
///
/// [`Shared::open`]: crate::Shared::open
///
/// # Examples
///
/// See [`CommandExt`].
pub unsafe fn inherited<H: Transfer>(name: &str) -> Result<H, Error> {
    let absent = Error::new("inherited", Kind::Os(Errno::NOENT.raw_os_error()));
    let numbers = std::env::var(variable(name)).map_err(|_| absent)?;
    let descriptors = numbers.split(',').map(|number| {
        let number = number.parse().map_err(|_| Error::new("inherited", Kind::Corrupt))?;
        taken_over(number)
    });
    let descriptors = descriptors.collect::<Result<Vec<_>, _>>()?;
    // SAFETY: the caller keeps the contract.
    unsafe { H::from_descriptors(descriptors) }
}
