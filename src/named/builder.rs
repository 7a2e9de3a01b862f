//! `Named`: a name, and what is wanted of what has it.

use std::os::fd::AsFd;

use super::file::{self, ATTEMPTS};
use super::path;
use crate::channel;
use crate::error::{Error, Kind};
use crate::primitive::{self, is_alive};
use crate::shared::layout::Layout;
use crate::shared::region::{self, Region};
use crate::sys::shm;

/// A name, by which unrelated processes of one user have something in common.
///
/// What that is, the type says that is asked for: a
/// [`Sender`](crate::channel::Sender) or a [`Receiver`](crate::channel::Receiver) of a
/// queue, a [`PipeSender`](crate::channel::PipeSender) or a
/// [`PipeReceiver`](crate::channel::PipeReceiver), a [`Region`](super::Region) of bytes
/// ([`create`](Named::create), [`open`](Named::open),
/// [`open_or_create`](Named::open_or_create)), or a [`Shared`](crate::Shared)
/// ([`create_shared`](Named::create_shared) and so on). See the
/// [module](crate::named) for what a name is.
///
/// # Examples
///
/// ```
/// use killproof::Named;
/// use killproof::named::Region;
///
/// let named = Named::new(format!("frame-{}", std::process::id())).capacity(4096);
/// let frame: Region = named.create()?;
/// frame.write_at(100, b"pixels");
/// let seen: Region = named.open()?;
/// let mut pixels = [0; 6];
/// seen.read_at(100, &mut pixels);
/// assert_eq!(&pixels, b"pixels");
/// named.unlink()?;
/// assert!(named.open::<Region>().unwrap_err().is_not_found());
/// # Ok::<(), killproof::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a name does nothing until something is created or opened by it"]
pub struct Named {
    name: String,
    mode: u32,
    /// The effective user, unless somebody else is named.
    owner: Option<u32>,
    capacity: Option<usize>,
    queue: channel::Builder,
    /// Whether what the dead left behind by this name is removed, or left for `open`.
    takes_over: bool,
}

/// A handle that unrelated processes can have by a name; see [`Named`].
///
/// Only this crate's handles are.
///
/// # Examples
///
/// See [`Named`].
pub trait Nameable: Sized + sealed::Sealed {
    #[doc(hidden)]
    fn create(named: &Named) -> Result<Self, Error>;

    #[doc(hidden)]
    fn open(named: &Named) -> Result<Self, Error>;
}

pub(super) mod sealed {
    pub trait Sealed {}
}

impl Named {
    /// Something by this name, 1 to 200 bytes without a `/` or a zero. What is wrong with
    /// it the calls say that use it.
    pub fn new(name: impl Into<String>) -> Named {
        Named {
            name: name.into(),
            mode: 0o600,
            owner: None,
            capacity: None,
            queue: channel::Builder::new(),
            takes_over: true,
        }
    }

    /// Who else may open it, as chmod(2) has it: 0600, the default, to 0666. The umask
    /// does not count.
    ///
    /// Whoever may open it may also write anything to it; see
    /// [Trust](crate::named#trust).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Named;
    /// use killproof::named::Region;
    ///
    /// let named = Named::new(format!("read-{}", std::process::id())).capacity(64);
    /// let _region: Region = named.clone().mode(0o644).create()?;
    /// named.unlink()?;
    /// assert!(named.mode(0o777).create::<Region>().unwrap_err().is_limit());
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn mode(mut self, mode: u32) -> Named {
        self.mode = mode;
        self
    }

    /// To open what another user made, who is trusted not to make the file shorter.
    /// Default: the effective user, to whom what is created belongs in any case.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::Named;
    /// use killproof::named::Region;
    ///
    /// let named = Named::new(format!("whose-{}", std::process::id())).capacity(64);
    /// let _region: Region = named.create()?;
    /// let another = named.clone().owner(4_000_000_000); // whose names are its own
    /// assert!(another.open::<Region>().unwrap_err().is_not_found());
    /// assert!(another.create::<Region>().unwrap_err().is_not_owner());
    /// named.unlink()?;
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn owner(mut self, user: u32) -> Named {
        self.owner = Some(user);
        self
    }

    /// How much it holds: messages of a queue (default: 64), bytes of a pipe (64 KiB) or
    /// of a [`Region`](super::Region), which has no default.
    ///
    /// Whoever opens it and has said nothing takes it as it is; one that says something
    /// else gets an error ([`is_mismatch`](Error::is_mismatch)). Memory for all of it is
    /// taken when it is created.
    pub fn capacity(mut self, capacity: usize) -> Named {
        self.capacity = Some(capacity);
        self
    }

    /// The other sizes of a queue: those that are set there, as with
    /// [`capacity`](Named::capacity).
    ///
    /// Defaults as there, but for 32 participants at each side and 32 leases: of a queue
    /// with a name, memory for all messages is taken when it is created. Its order is
    /// that of arrival.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::channel::{Builder, Receiver, Sender};
    /// use killproof::Named;
    ///
    /// let named = Named::new(format!("tasks-{}", std::process::id()));
    /// let retried = Builder::new().max_attempts(2).largest(1024);
    /// let tasks: Sender<String> = named.clone().queue(retried).create()?;
    /// tasks.send("work".into())?;
    /// let todo: Receiver<String> = named.open()?; // as it was made
    /// assert_eq!(*todo.lease()?, "work");
    /// named.unlink()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn queue(mut self, sizes: channel::Builder) -> Named {
        self.queue = sizes;
        self
    }

    /// Makes it. What has the name and is used by nobody, since they were killed or let go
    /// of it, is taken over: the new one has the name from now on.
    ///
    /// # Errors
    ///
    /// [`is_already_exists`](Error::is_already_exists) when a living process uses what
    /// has the name; ENOSPC when there is no memory in `/dev/shm`; EACCES when another
    /// user has taken the name; [`is_limit`](Error::is_limit) when the name or a size is
    /// none; [`is_would_block`](Error::is_would_block) when somebody who removes the name
    /// has been stopped there.
    ///
    /// # When a process dies
    ///
    /// Killed in here, it has left what was there, nothing, or all of it.
    pub fn create<H: Nameable>(&self) -> Result<H, Error> {
        H::create(self)
    }

    /// Opens what has the name, also where those who used it are all dead: it has
    /// everything that they committed.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) when nothing has the name;
    /// [`is_mismatch`](Error::is_mismatch) when it is something else, of another type, of
    /// another size than was said here, or of another version, with what it is on both
    /// sides; [`is_corrupt`](Error::is_corrupt) when it was not made by this crate, or
    /// something was cut off since; [`is_foreign_namespace`](Error::is_foreign_namespace)
    /// when it was made in another PID namespace; EACCES when it is another user's;
    /// ELOOP when it is a symbolic link; and as [`create`](Named::create).
    pub fn open<H: Nameable>(&self) -> Result<H, Error> {
        H::open(self)
    }

    /// Opens what has the name, or makes it where nothing has. Of many processes that do
    /// so at once, one makes it.
    ///
    /// Nothing is taken over: what the dead have left behind is opened.
    ///
    /// # Errors
    ///
    /// As [`open`](Named::open) and [`create`](Named::create).
    pub fn open_or_create<H: Nameable>(&self) -> Result<H, Error> {
        self.either(|| H::open(self), |new| H::create(new))
    }

    /// Takes the name away. Whoever uses what had it goes on with it; its memory is gone
    /// with the last of them.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) when nothing has the name;
    /// [`is_not_owner`](Error::is_not_owner) when another process has made what has it,
    /// and is alive.
    pub fn unlink(&self) -> Result<(), Error> {
        let me = primitive::current()?;
        file::remove(&self.path()?, self.user(), |file| match region::glance(file) {
            Ok(glance) if glance.creator.is_some_and(|maker| maker != me && is_alive(maker)) => {
                Err(Error::new("unlink of a name", Kind::NotOwner))
            }
            // What is damaged is nobody's.
            Err(error) if !error.is_corrupt() => Err(error),
            _ => Ok(()),
        })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn said_capacity(&self) -> Option<usize> {
        self.capacity
    }

    pub(super) fn said_of_queue(&self) -> &channel::Builder {
        &self.queue
    }

    fn user(&self) -> u32 {
        self.owner.unwrap_or_else(shm::user)
    }

    fn path(&self) -> Result<String, Error> {
        path::of(self.user(), &self.name)
    }

    /// A region with `len` bytes that `prepare` has made ready before it has its name.
    pub(super) fn create_region(
        &self,
        layout: &Layout,
        len: usize,
        prepare: impl FnOnce(&Region),
    ) -> Result<Region, Error> {
        const OWNERS: u32 = 0o600;
        const EVERYBODY: u32 = 0o666;
        if self.mode & OWNERS != OWNERS || self.mode & !EVERYBODY != 0 {
            return Err(Error::new("the mode of a name, 0600 to 0666", Kind::Limit));
        }
        if self.user() != shm::user() {
            return Err(Error::new("create under another user's name", Kind::NotOwner));
        }
        let path = self.path()?;
        let file = file::make(self.mode, Region::size(len)?)?;
        let region = Region::fill(file, layout, len)?;
        prepare(&region);
        file::publish(region.as_fd(), &path, self.takes_over)?;
        Ok(region)
    }

    /// The region that has the name and is as `layout` expects.
    pub(super) fn open_region(&self, layout: &Layout) -> Result<Region, Error> {
        Region::open_unsealed(file::join(&self.path()?, self.user())?, layout)
    }

    /// One of the two, until the other is not needed.
    pub(super) fn either<H>(
        &self,
        mut open: impl FnMut() -> Result<H, Error>,
        mut create: impl FnMut(&Named) -> Result<H, Error>,
    ) -> Result<H, Error> {
        // What somebody makes after `open` and before `create`, and fills, and is killed,
        // is not to be taken over.
        let new = Named { takes_over: false, ..self.clone() };
        for _ in 0..ATTEMPTS {
            match open() {
                Err(error) if error.is_not_found() => {}
                opened => return opened,
            }
            match create(&new) {
                Err(error) if error.is_already_exists() => {}
                created => return created,
            }
        }
        Err(file::busy())
    }
}
