//! The one error type: opaque, with predicates, naming the call that failed.
//!
//! An enum of every cause would be frozen into the interface and still say
//! less than "futex: Cannot allocate memory". What a caller can act on has a
//! predicate; the rest is for the log.

use core::fmt;
use std::io::ErrorKind;

/// Why an operation could not be carried out.
///
/// `Display` names the call or the check that failed; the predicates tell the
/// causes that a program can act on.
///
/// # Examples
///
/// ```
/// use killproof::sync::Mutex;
///
/// let on_the_stack = Mutex::new(0_u32);
/// let error = killproof::Error::from(on_the_stack.lock().unwrap_err());
/// assert!(error.is_unplaced());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    call: &'static str,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The kernel said so.
    Os(i32),
    /// The time given is up.
    TimedOut,
    /// Would wait, and was asked not to.
    WouldBlock,
    /// The caller waits for itself.
    Deadlock,
    /// The owner died or panicked, and nobody has repaired the value.
    Abandoned,
    /// A primitive outside any `Shared`.
    Unplaced,
    /// This process lives in other namespaces than the region's creator.
    ForeignNamespace,
    /// The bytes are not what a killproof region holds.
    Corrupt,
    /// Not what was expected, in a way that has no values to name.
    Mismatch,
    /// A region of another type, version, kind of birth or size.
    Differs(Box<Difference>),
    /// A stated limit is reached.
    Limit,
    /// What was to be taken over is somebody else's by now, or nobody's.
    Gone,
    /// A barrier let nobody through.
    Broken,
    /// What was used belongs to another process.
    NotOwner,
    /// Descriptors alone would not do.
    HasName,
}

/// What two sides say of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) here: String,
    pub(crate) there: String,
}

impl Error {
    #[cold]
    pub(crate) const fn new(call: &'static str, kind: Kind) -> Error {
        Error { call, kind }
    }

    /// Whether the time given ran out.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Error, Shared, sync::Semaphore};
    /// use std::time::Duration;
    ///
    /// let permits = Shared::new(Semaphore::new(0))?;
    /// let late = permits.acquire_timeout(Duration::from_millis(1));
    /// assert!(Error::from(late.unwrap_err()).is_timed_out());
    /// assert!(Error::from(permits.try_acquire().unwrap_err()).is_would_block());
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn is_timed_out(&self) -> bool {
        self.kind == Kind::TimedOut
    }

    /// Whether the call would have had to wait, and was not to.
    ///
    /// # Examples
    ///
    /// See [`is_timed_out`](Error::is_timed_out).
    pub fn is_would_block(&self) -> bool {
        self.kind == Kind::WouldBlock
    }

    /// Whether the calling thread itself holds what it asked for.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Error, Shared, sync::Mutex};
    ///
    /// let lock = Shared::new(Mutex::new(0_u8))?;
    /// let _guard = lock.lock()?;
    /// assert!(Error::from(lock.lock().unwrap_err()).is_deadlock());
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn is_deadlock(&self) -> bool {
        self.kind == Kind::Deadlock
    }

    /// Whether an owner died or panicked, and the value is not repaired.
    pub fn is_abandoned(&self) -> bool {
        self.kind == Kind::Abandoned
    }

    /// Whether a primitive was used that no [`Shared`](crate::Shared) holds.
    pub fn is_unplaced(&self) -> bool {
        self.kind == Kind::Unplaced
    }

    /// Whether this process lives in another PID namespace than the one it
    /// was born in or than the region's creator, or, before Linux 6.9, in another
    /// time namespace.
    ///
    /// Across namespaces a process id names somebody else, or a process has another
    /// start time, so that the living would look dead. Nothing is touched.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Error, Shared, sync::Mutex};
    ///
    /// let lock = Shared::new(Mutex::new(0_u8))?;
    /// match lock.lock().map_err(Error::from) {
    ///     Err(error) if error.is_foreign_namespace() => println!("start me beside the others"),
    ///     locked => assert_eq!(*locked?, 0),
    /// }
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn is_foreign_namespace(&self) -> bool {
        self.kind == Kind::ForeignNamespace
    }

    /// Whether shared bytes are not what this crate writes: somebody else wrote there.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Value};
    ///
    /// let file = std::fs::File::open("/dev/null")?;
    /// // SAFETY: it is none of ours: this is refused.
    /// let refused = unsafe { Shared::<Value<u64>>::open(file.into()) };
    /// assert!(refused.unwrap_err().is_corrupt());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_corrupt(&self) -> bool {
        self.kind == Kind::Corrupt
    }

    /// Whether a region was made for another type, in another size, by another
    /// version, or by a process that names itself in another way. `Display` says what
    /// it is here and there.
    pub fn is_mismatch(&self) -> bool {
        matches!(self.kind, Kind::Mismatch | Kind::Differs(_))
    }

    /// Whether there is nothing of that name.
    pub fn is_not_found(&self) -> bool {
        self.io_kind() == Some(ErrorKind::NotFound)
    }

    /// Whether a living process uses what already has that name.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Named;
    /// use killproof::named::Region;
    ///
    /// let named = Named::new(format!("taken-{}", std::process::id())).capacity(64);
    /// let _region: Region = named.create()?;
    /// assert!(named.create::<Region>().unwrap_err().is_already_exists());
    /// named.unlink()?;
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn is_already_exists(&self) -> bool {
        self.io_kind() == Some(ErrorKind::AlreadyExists)
    }

    /// Whether a stated limit was reached, such as a queue's participants.
    pub fn is_limit(&self) -> bool {
        self.kind == Kind::Limit
    }

    /// Whether what was to be taken over is somebody else's by now, or was freed
    /// when its owner died.
    pub fn is_gone(&self) -> bool {
        self.kind == Kind::Gone
    }

    /// Whether what was used belongs to another process: a
    /// [`Party`](crate::sync::Party) or an end of a
    /// [`pipe`](crate::channel::pipe()) was in two processes after a fork, and this
    /// is not the one that it was given to.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{channel, process};
    /// use std::sync::{Arc, Mutex};
    ///
    /// let (mut sender, receiver) = channel::pipe::<u32>()?;
    /// let receiver = Arc::new(Mutex::new(receiver));
    /// let its_receiver = receiver.clone(); // which moves none of it into the child
    /// let child = process::spawn(move || match its_receiver.lock().unwrap().try_recv() {
    ///     Err(channel::RecvError::Failed(error)) => error.is_not_owner(),
    ///     _ => false,
    /// })?;
    /// assert!(child.join()?);
    /// sender.send(7)?;
    /// assert_eq!(receiver.lock().unwrap().recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_not_owner(&self) -> bool {
        self.kind == Kind::NotOwner
    }

    /// What std calls the system's error number.
    fn io_kind(&self) -> Option<ErrorKind> {
        Some(std::io::Error::from_raw_os_error(self.raw_os_error()?).kind())
    }

    /// The system's error number, where the kernel refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Named;
    /// use killproof::named::Region;
    ///
    /// let named = Named::new(format!("nothing-{}", std::process::id()));
    /// let error = named.open::<Region>().unwrap_err();
    /// assert_eq!(error.raw_os_error(), Some(2)); // ENOENT
    /// ```
    pub fn raw_os_error(&self) -> Option<i32> {
        match self.kind {
            Kind::Os(errno) => Some(errno),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match &self.kind {
            Kind::Os(errno) => {
                return write!(f, "{}: {}", self.call, std::io::Error::from_raw_os_error(*errno));
            }
            Kind::Differs(difference) => {
                let Difference { what, here, there } = &**difference;
                return write!(f, "{}: {what} is {here} here and {there} there", self.call);
            }
            Kind::TimedOut => "timed out",
            Kind::WouldBlock => "would block",
            Kind::Deadlock => "this thread already holds the lock",
            Kind::Abandoned => "the owner died or panicked, and the value is not repaired",
            Kind::Unplaced => "not in shared memory; make it part of a `Shared`",
            Kind::ForeignNamespace => "this process is in another PID or time namespace",
            Kind::Corrupt => "the shared bytes are damaged",
            Kind::Mismatch => "made for another type or by another version",
            Kind::Limit => "beyond the limit",
            Kind::Gone => "its process is gone, or somebody else has it by now",
            Kind::Broken => "the barrier is broken",
            Kind::NotOwner => "it belongs to another process",
            Kind::HasName => "it has a name, by which the other process can open it",
        };
        write!(f, "{}: {reason}", self.call)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        match error.kind {
            Kind::Os(errno) => std::io::Error::from_raw_os_error(errno),
            Kind::TimedOut => std::io::Error::new(ErrorKind::TimedOut, error),
            Kind::WouldBlock => std::io::Error::new(ErrorKind::WouldBlock, error),
            Kind::Corrupt => std::io::Error::new(ErrorKind::InvalidData, error),
            _ => std::io::Error::other(error),
        }
    }
}
