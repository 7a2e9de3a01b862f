//! What a process will be, before it is one.

use super::family::family;
use super::stdio::Stdio;

/// What a process will be, before it is spawned.
///
/// # Examples
///
/// ```
/// use killproof::process::{self, Builder};
///
/// let child = Builder::new().name("crawler").spawn(|| process::current().name().to_owned())?;
/// assert_eq!(child.name(), "crawler");
/// assert_eq!(child.join()?, "crawler");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it spawns"]
pub struct Builder {
    pub(super) name: Option<String>,
    daemon: Option<bool>,
    may_have_children: Option<bool>,
    /// stdin, stdout and stderr.
    pub(super) streams: [Stdio; 3],
    pub(super) closes_fds: bool,
}

impl Builder {
    /// A process with a default name.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// What the process is called, for people: in
    /// [`current`](super::current) and in the `Debug` of its
    /// [`Child`](super::Child). The default is `Process-N` for the N-th one without
    /// a name.
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.name = Some(name.into());
        self
    }

    /// Whether the process is a daemon: one that ends when this process does. A
    /// daemon's children are daemons if nothing else is said, all others are not.
    ///
    /// By default a daemon may not have children: see
    /// [`may_have_children`](Builder::may_have_children).
    ///
    /// # When the parent dies
    ///
    /// The kernel kills the daemon (SIGKILL) as soon as the parent has ended: at
    /// the end of its `main`, by `exit`, by a panic, by `exec`, by `kill -9`. Not
    /// at the end of the thread that spawned it. The daemon is not asked, and no
    /// destructor of it runs; for a goodbye,
    /// [`terminate`](super::Child::terminate) it while there is time. Programs that
    /// a daemon started are not its own and go on, and so does a daemon that has
    /// become another program by `exec`.
    ///
    /// What tells the kernel is a pipe, of which the parent has one end open. A parent
    /// that closes descriptors that it does not know (`closefrom`, to "daemonize") kills
    /// its daemons by that, and its [`Zygote`](super::Zygote): let it do so before it has
    /// any.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::Builder;
    ///
    /// let reporter = Builder::new().daemon(true).spawn(|| -> () {
    ///     loop {
    ///         std::thread::park();
    ///     }
    /// })?;
    /// assert!(reporter.is_alive());
    /// // And at the end of this program it is gone, joined or not.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn daemon(mut self, daemon: bool) -> Builder {
        self.daemon = Some(daemon);
        self
    }

    /// Whether the process may spawn others. Everybody may by default, but for
    /// daemons: their children are left over when they are killed, unless they are
    /// daemons too. With `true`, see to that.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{self, Builder};
    ///
    /// let nested = || process::spawn(|| ()).map(drop).map_err(|error| error.to_string());
    /// let refused = Builder::new().daemon(true).spawn(nested)?.join()?.unwrap_err();
    /// assert!(refused.contains("daemonic processes are not allowed to have children"));
    ///
    /// let allowed = Builder::new().daemon(true).may_have_children(true).spawn(nested)?.join()?;
    /// assert_eq!(allowed, Ok(()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn may_have_children(mut self, may: bool) -> Builder {
        self.may_have_children = Some(may);
        self
    }

    /// What the process reads as its stdin: this process's own by default. Of that,
    /// what Rust has read ahead here is in the child's buffer too.
    ///
    /// With [`piped`](Stdio::piped), write to the `stdin` of the
    /// [`Child`](super::Child), and drop it where the input ends. Children that are
    /// spawned while it is open have it too, and the input does not end before they
    /// do.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{Builder, Stdio};
    /// use std::io::{self, Write};
    ///
    /// let count = || io::stdin().lines().count() as u64;
    /// let mut child = Builder::new().stdin(Stdio::piped()).spawn(count)?;
    /// let mut stdin = child.stdin.take().unwrap();
    /// stdin.write_all(b"one\ntwo\n")?;
    /// drop(stdin);
    /// assert_eq!(child.join()?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Builder {
        self.streams[0] = stdin.into();
        self
    }

    /// Where the process prints: with this process by default.
    ///
    /// With [`piped`](Stdio::piped), read from the `stdout` of the
    /// [`Child`](super::Child), before it is joined: a child whose pipe is full
    /// waits for that.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Builder {
        self.streams[1] = stdout.into();
        self
    }

    /// Where the process reports errors: with this process by default; see
    /// [`stdout`](Builder::stdout).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::process::{Builder, Stdio};
    ///
    /// let mut child = Builder::new().stderr(Stdio::piped()).spawn(|| eprintln!("oh"))?;
    /// assert_eq!(std::io::read_to_string(child.stderr.take().unwrap())?, "oh\n");
    /// child.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Builder {
        self.streams[2] = stderr.into();
        self
    }

    /// Settles what was left open.
    pub(super) fn role(&self) -> Role {
        let is_daemon = self.daemon.unwrap_or_else(|| family().role().is_daemon);
        Role { is_daemon, may_have_children: self.may_have_children.unwrap_or(!is_daemon) }
    }
}

/// What a process is to its parent, and may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) is_daemon: bool,
    pub(super) may_have_children: bool,
}

impl Role {
    /// Of a process that this crate did not start, or that a bare fork made.
    pub(super) const PLAIN: Role = Role { is_daemon: false, may_have_children: true };
}
