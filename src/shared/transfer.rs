//! Whose a dropped endpoint becomes.
//!
//! After a fork the closure exists twice. The parent drops its copy in transfer
//! mode: an endpoint whose `Drop` finds a recipient hands itself over to it
//! instead of closing. The mode belongs to the dropping thread.

use core::cell::Cell;

use crate::primitive::Stamp;

thread_local! {
    static RECIPIENT: Cell<Option<Stamp>> = const { Cell::new(None) };
}

/// Runs `drop_all` with endpoints going to `child`.
pub(crate) fn to(child: Stamp, drop_all: impl FnOnce()) {
    struct Reset(Option<Stamp>);
    impl Drop for Reset {
        fn drop(&mut self) {
            RECIPIENT.set(self.0);
        }
    }
    let _reset = Reset(RECIPIENT.replace(Some(child)));
    drop_all();
}

/// In a forked child: nothing goes to anybody.
pub(crate) fn forget() {
    RECIPIENT.set(None);
}

/// The process that this thread's endpoints go to when dropped now.
fn recipient() -> Option<Stamp> {
    RECIPIENT.try_with(Cell::get).ok().flatten()
}

/// When an endpoint came to be. One that the destructors made which run in transfer
/// mode is younger than the child, which has no copy of it: it goes to nobody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin(Option<Stamp>);

impl Origin {
    pub(crate) fn now() -> Origin {
        Origin(recipient())
    }

    /// The process that an endpoint of this origin goes to when dropped now.
    pub(crate) fn recipient(self) -> Option<Stamp> {
        recipient().filter(|child| self.0 != Some(*child))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_be_meanwhile_goes_to_the_next() {
        let [one, other] = [1, 2].map(|birth| Stamp::new(birth, 1));
        let before = Origin::now();
        assert_eq!(before.recipient(), None);
        to(one, || {
            let meanwhile = Origin::now();
            assert_eq!([before, meanwhile].map(Origin::recipient), [Some(one), None]);
            to(other, || {
                assert_eq!([before, meanwhile].map(Origin::recipient), [Some(other); 2]);
            });
            assert_eq!([before, meanwhile].map(Origin::recipient), [Some(one), None]);
        });
        assert_eq!(before.recipient(), None);
    }
}
