//! The standard streams of a process that is to be.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;

use crate::error::Error;
use crate::sys::errno::Named;
use crate::sys::fd::{beyond_stdio, pipe};
use crate::sys::fork::install;

/// What a standard stream of a process will be: std's
/// [`Stdio`](std::process::Stdio), which cannot be looked into.
///
/// Anything that owns a descriptor can be made into one, such as a [`File`] or the
/// `stdout` of another child.
///
/// # Examples
///
/// ```
/// use killproof::process::{Builder, Stdio};
/// use std::io::Read;
///
/// let mut child = Builder::new().stdout(Stdio::piped()).spawn(|| println!("hello"))?;
/// let mut said = String::new();
/// child.stdout.take().unwrap().read_to_string(&mut said)?;
/// assert_eq!(said, "hello\n");
/// child.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stdio(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    Inherit,
    Null,
    Piped,
    Given(Arc<OwnedFd>),
}

impl Stdio {
    /// This process's own. The default.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{Builder, Stdio};
    ///
    /// let builder = Builder::new().stdout(Stdio::piped());
    /// let child = builder.stdout(Stdio::inherit()).spawn(|| ())?;
    /// assert!(child.stdout.is_none());
    /// child.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inherit() -> Stdio {
        Stdio(Source::Inherit)
    }

    /// `/dev/null`: nothing to read, and what is written is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{Builder, Stdio};
    /// use std::io;
    ///
    /// let reader = Builder::new()
    ///     .stdin(Stdio::null())
    ///     .spawn(|| io::read_to_string(io::stdin()).unwrap())?;
    /// assert_eq!(reader.join()?, "");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn null() -> Stdio {
        Stdio(Source::Null)
    }

    /// A new pipe, whose other end is in the [`Child`](super::Child): `stdin`,
    /// `stdout`, `stderr`.
    pub fn piped() -> Stdio {
        Stdio(Source::Piped)
    }
}

macro_rules! from_owners {
    ($($owner:ty)+) => {$(
        impl From<$owner> for Stdio {
            fn from(owner: $owner) -> Stdio {
                Stdio(Source::Given(Arc::new(owner.into())))
            }
        }
    )+};
}

from_owners! { OwnedFd File ChildStdin ChildStdout ChildStderr }

/// What was made of the three wishes, before the fork: it is in both processes.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// The child's, none of them under the number of a standard stream.
    theirs: [Option<OwnedFd>; 3],
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Streams {
    pub(super) fn new(wishes: &[Stdio; 3]) -> Result<Streams, Error> {
        let [stdin, stdout, stderr] = wishes;
        let mut streams = Streams::default();
        streams.theirs[0] = stdin.theirs(|reader, writer| {
            streams.stdin = Some(writer.into());
            reader
        })?;
        streams.theirs[1] = stdout.theirs(|reader, writer| {
            streams.stdout = Some(reader.into());
            writer
        })?;
        streams.theirs[2] = stderr.theirs(|reader, writer| {
            streams.stderr = Some(reader.into());
            writer
        })?;
        Ok(streams)
    }

    /// In the child: puts its own where they belong and closes the other ends.
    ///
    /// `is_alone`: no thread of the parent can have been reading from stdin. What
    /// the parent had read ahead of it is none of this child's then.
    pub(super) fn install(self, is_alone: bool) -> Result<(), Error> {
        let [stdin, stdout, stderr] = &self.theirs;
        if let Some(stdin) = stdin {
            if is_alone {
                install(beyond_stdio(dev_null()?)?.as_fd(), 0)?;
                // Empties the buffer, and then comes to the end of /dev/null.
                io::copy(&mut io::stdin().lock(), &mut io::sink()).named("read")?;
            }
            install(stdin.as_fd(), 0)?;
        }
        for (stream, number) in [(stdout, 1), (stderr, 2)] {
            if let Some(stream) = stream {
                install(stream.as_fd(), number)?;
            }
        }
        Ok(())
    }
}

impl Stdio {
    /// The child's end; `divide` keeps the other one of a pipe.
    fn theirs(
        &self,
        divide: impl FnOnce(OwnedFd, OwnedFd) -> OwnedFd,
    ) -> Result<Option<OwnedFd>, Error> {
        let end = match &self.0 {
            Source::Inherit => return Ok(None),
            Source::Null => dev_null()?,
            Source::Piped => {
                let (reader, writer) = pipe()?;
                // This process's end is a copy in the child, and is closed there.
                divide(reader, writer)
            }
            Source::Given(fd) => fd.try_clone().named("fcntl(F_DUPFD)")?,
        };
        beyond_stdio(end).map(Some)
    }
}

fn dev_null() -> Result<OwnedFd, Error> {
    let null = File::options().read(true).write(true).open("/dev/null");
    null.map(OwnedFd::from).named("open(/dev/null)")
}
