//! From errno to [`Error`].

use crate::error::{Error, Kind};

pub(crate) use rustix::io::Errno;

/// Names the call that failed.
pub(crate) trait Named<T> {
    /// Turns an errno into an [`Error`] that says which call it came from.
    fn named(self, call: &'static str) -> Result<T, Error>;
}

impl<T> Named<T> for Result<T, Errno> {
    fn named(self, call: &'static str) -> Result<T, Error> {
        self.map_err(|errno| Error::new(call, Kind::Os(errno.raw_os_error())))
    }
}

impl<T> Named<T> for Result<T, nix::errno::Errno> {
    fn named(self, call: &'static str) -> Result<T, Error> {
        self.map_err(|errno| Error::new(call, Kind::Os(errno as i32)))
    }
}

impl<T> Named<T> for std::io::Result<T> {
    fn named(self, call: &'static str) -> Result<T, Error> {
        self.map_err(|error| Error::new(call, Kind::Os(error.raw_os_error().unwrap_or(0))))
    }
}
