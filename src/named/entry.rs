//! What names there are, and what becomes of those that nobody uses.

use std::os::fd::AsFd;

use super::builder::Named;
use super::{file, path};
use crate::error::Error;
use crate::shared::region;
use crate::sys::{map, shm};

/// A name of this user's, and what has it; see [`Named::list`].
///
/// As it was when it was looked at: a hint, since others go on meanwhile.
///
/// # Examples
///
/// See [`Named::list`].
#[derive(Clone, Debug)]
pub struct Entry {
    name: String,
    what: Option<String>,
    creator: Option<u32>,
    len: usize,
    is_used: bool,
}

impl Entry {
    /// The name, as [`Named::new`] takes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What has it, for people, such as "queue of u64"; `None` where it is damaged.
    pub fn what(&self) -> Option<&str> {
        self.what.as_deref()
    }

    /// The pid of the process that made it, dead or alive.
    pub fn creator(&self) -> Option<u32> {
        self.creator
    }

    /// How many bytes it has, all told.
    pub fn size(&self) -> usize {
        self.len
    }

    /// Whether a living process uses it.
    pub fn is_used(&self) -> bool {
        self.is_used
    }
}

impl Named {
    /// The names of this user, sorted.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read. What cannot be opened is left out.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::named::Region;
    /// use killproof::Named;
    ///
    /// let named = Named::new(format!("listed-{}", std::process::id())).capacity(64);
    /// let _region: Region = named.create()?;
    /// let entries = Named::list()?;
    /// let entry = entries.iter().find(|entry| entry.name() == named.name()).unwrap();
    /// assert!(entry.is_used());
    /// assert_eq!(entry.creator(), Some(std::process::id()));
    /// assert_eq!(entry.what(), Some("region of bytes"));
    /// assert!(entry.size() >= 64);
    /// named.unlink()?;
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn list() -> Result<Vec<Entry>, Error> {
        let user = shm::user();
        let look = |name: String| {
            let file = file::open(&path::of(user, &name)?, user)?;
            let glance = region::glance(file.as_fd());
            let is_used = file::is_used(file.as_fd())?;
            let len = map::len(file.as_fd())?;
            let (what, creator) = match glance {
                Ok(glance) => (Some(glance.words), glance.creator.map(|maker| maker.pid())),
                Err(_) => (None, None),
            };
            Ok::<_, Error>(Entry { name, what, creator, len, is_used })
        };
        Ok(names_of(user)?.into_iter().flat_map(look).collect())
    }

    /// Takes away the names of this user that no living process uses, and says which they
    /// were. Their memory is free again.
    ///
    /// One that is just being created is in use. One that all have let go of, though
    /// nobody was killed, is not.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read. What cannot be opened is left alone.
    ///
    /// # Examples
    ///
    /// Not run as a test, since it would take away more than it has made:
    ///
    /// ```no_run
    /// use killproof::named::Region;
    /// use killproof::Named;
    ///
    /// let named = Named::new(format!("pruned-{}", std::process::id())).capacity(64);
    /// let region: Region = named.create()?;
    /// Named::prune()?;
    /// assert!(named.open::<Region>().is_ok());
    /// drop(region);
    /// Named::prune()?;
    /// assert!(named.open::<Region>().unwrap_err().is_not_found());
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn prune() -> Result<Vec<String>, Error> {
        let user = shm::user();
        let mut removed = names_of(user)?;
        removed.retain(|name| {
            let path = path::of(user, name);
            path.and_then(|path| file::remove_unused(&path, user)) == Ok(true)
        });
        Ok(removed)
    }
}

fn names_of(user: u32) -> Result<Vec<String>, Error> {
    let files = shm::names()?;
    let mut names: Vec<String> =
        files.iter().filter_map(|file| path::name_of(user, file).map(String::from)).collect();
    names.sort_unstable();
    Ok(names)
}
