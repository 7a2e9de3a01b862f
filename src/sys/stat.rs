//! What the kernel says of a process or a thread in one line: /proc/PID/stat.

use std::path::Path;

use super::errno::Errno;

/// Such a line. Bytes: a name may be any, and is cut anywhere.
pub(crate) struct Stat(Vec<u8>);

impl Stat {
    /// ENOENT or ESRCH: whom it is about is gone.
    pub(crate) fn read(path: impl AsRef<Path>) -> Result<Stat, Errno> {
        let read = std::fs::read(path);
        read.map(Stat).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }

    /// The field of this number in proc(5), 3 or more: counted after the last `)`, since a
    /// name may contain any.
    pub(crate) fn field(&self, number: usize) -> Option<&str> {
        let name_end = self.0.iter().rposition(|&byte| byte == b')')?;
        let after_name = core::str::from_utf8(&self.0[name_end + 1..]).ok()?;
        after_name.split_ascii_whitespace().nth(number - 3)
    }

    /// Whether it is a zombie.
    pub(super) fn has_ended(&self) -> bool {
        self.field(3) == Some("Z")
    }

    /// Whether it has left user space for good: the flag PF_EXITING.
    pub(super) fn is_exiting(&self) -> bool {
        const PF_EXITING: u32 = 0x4;
        let flags = self.field(9).and_then(|field| field.parse().ok());
        flags.is_some_and(|flags: u32| flags & PF_EXITING != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of the kernel's, the first of a thread on its way out.
    #[test]
    fn exiting_is_a_flag() {
        let is_exiting = |line: &[u8]| Stat(line.into()).is_exiting();
        assert!(is_exiting(b"71 (a) b) R 1 71 71 0 -1 4194372 20 0 0 0 0 0 0 0 20 0 2"));
        assert!(is_exiting(b"71 (a) \xff) R 1 71 71 0 -1 4194372 20 0 0 0 0 0 0 0 20 0 2"));
        assert!(!is_exiting(b"71 (a) b) S 1 71 71 0 -1 4194368 20 0 0 0 0 0 0 0 20 0 2"));
        assert!(!is_exiting(b""));
    }

    #[test]
    fn this_thread_runs() {
        let own = Stat::read("/proc/thread-self/stat").unwrap();
        assert!(!own.is_exiting() && !own.has_ended());
    }
}
