//! What travels between a pool's processes.

use super::error::TaskError;
use crate::error::{Error, Kind};

/// A task: its number, which attempt this is, and its [body](super::body). The attempt
/// tells a late word about an earlier one from a word about this.
pub(super) type Order = (u64, u32, Vec<u8>);

/// What became of an attempt: the task's number, the attempt, a [`kind`], a number and
/// bytes. A worker says it of what it ran, the keeper of what a dead worker had.
pub(super) type Report = (u64, u32, u8, i32, Vec<u8>);

/// The bytes of an [`Order`] or a [`Report`] that are not the user's, of one value alone,
/// at most.
pub(super) const ENVELOPE: usize = 64;
/// The number of no task: the report is about the whole pool.
pub(super) const EVERYBODY: u64 = u64::MAX;

/// An [`Outcome`] as it travels: a [`kind`], a number and bytes.
pub(super) type Piece = (u8, i32, Vec<u8>);

/// A value's bytes, or why there is none.
pub(super) type Outcome = Result<Vec<u8>, TaskError>;

pub(super) mod kind {
    pub(in crate::pool) const RETURNED: u8 = 0;
    pub(in crate::pool) const PANICKED: u8 = 1;
    pub(in crate::pool) const SIGNALLED: u8 = 2;
    pub(in crate::pool) const EXITED: u8 = 3;
    pub(in crate::pool) const TIMED_OUT: u8 = 4;
    pub(in crate::pool) const INVALID: u8 = 5;
    pub(in crate::pool) const INITIALIZER: u8 = 6;
    pub(in crate::pool) const TOO_LARGE: u8 = 7;
    /// The number is the errno.
    pub(in crate::pool) const OS: u8 = 8;
    /// Nobody can say.
    pub(in crate::pool) const LOST: u8 = 9;
}

/// A result that is larger than the pool was built for.
pub(super) fn too_large() -> TaskError {
    TaskError::Failed(Error::new("a pool's largest message", Kind::Limit))
}

pub(super) fn report(ticket: u64, attempt: u32, outcome: Outcome) -> Report {
    let (kind, number, bytes) = piece(outcome);
    (ticket, attempt, kind, number, bytes)
}

pub(super) fn piece(outcome: Outcome) -> Piece {
    match outcome {
        Ok(bytes) => (kind::RETURNED, 0, bytes),
        Err(TaskError::Panicked(message)) => (kind::PANICKED, 0, message.into_bytes()),
        Err(TaskError::Signalled(signal)) => (kind::SIGNALLED, signal, Vec::new()),
        Err(TaskError::Exited(code)) => (kind::EXITED, code, Vec::new()),
        Err(TaskError::TimedOut) => (kind::TIMED_OUT, 0, Vec::new()),
        Err(TaskError::Invalid(bytes)) => (kind::INVALID, 0, bytes),
        Err(TaskError::Initializer(message)) => (kind::INITIALIZER, 0, message.into_bytes()),
        Err(TaskError::Failed(error)) if error.is_limit() => (kind::TOO_LARGE, 0, Vec::new()),
        Err(TaskError::Failed(error)) => match error.raw_os_error() {
            Some(errno) => (kind::OS, errno, Vec::new()),
            None => (kind::LOST, 0, Vec::new()),
        },
        Err(TaskError::Closed | TaskError::Keeper | TaskError::Taken) => {
            (kind::LOST, 0, Vec::new())
        }
    }
}

/// The same with nothing in it that could be too large.
pub(super) fn shortened(mut report: Report) -> Report {
    const MOST: usize = 1000;
    if report.2 == kind::RETURNED || report.2 == kind::INVALID {
        report.2 = kind::TOO_LARGE;
        report.4.clear();
    }
    report.4.truncate(MOST);
    report
}

pub(super) fn outcome((_, _, kind, number, bytes): Report) -> Outcome {
    of_piece((kind, number, bytes))
}

pub(super) fn of_piece((kind, number, bytes): Piece) -> Outcome {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Err(match kind {
        kind::RETURNED => return Ok(bytes),
        kind::PANICKED => TaskError::Panicked(text(bytes)),
        kind::SIGNALLED => TaskError::Signalled(number),
        kind::EXITED => TaskError::Exited(number),
        kind::TIMED_OUT => TaskError::TimedOut,
        kind::INVALID => TaskError::Invalid(bytes),
        kind::INITIALIZER => TaskError::Initializer(text(bytes)),
        kind::TOO_LARGE => too_large(),
        kind::OS => TaskError::Failed(Error::new("a pool's worker", Kind::Os(number))),
        _ => TaskError::Failed(Error::new("wait for a worker", Kind::Gone)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_survive_their_reports() {
        let os = Error::new("a pool's worker", Kind::Os(12));
        for said in [
            Ok(vec![1, 2]),
            Err(TaskError::Panicked("boom, at x:1:2".into())),
            Err(TaskError::Signalled(9)),
            Err(TaskError::Exited(3)),
            Err(TaskError::TimedOut),
            Err(TaskError::Invalid(vec![7])),
            Err(TaskError::Initializer("no licence".into())),
            Err(too_large()),
            Err(TaskError::Failed(os)),
        ] {
            assert_eq!(outcome(report(1, 2, said.clone())), said);
        }
    }

    #[test]
    fn what_is_too_large_is_said_in_few_bytes() {
        let long = report(1, 1, Ok(vec![0; 5000]));
        assert_eq!(outcome(shortened(long)), Err(too_large()));
        let long = report(1, 1, Err(TaskError::Panicked("x".repeat(5000))));
        assert_eq!(shortened(long).4.len(), 1000);
    }
}
