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
pub(crate) fn recipient() -> Option<Stamp> {
    RECIPIENT.try_with(Cell::get).ok().flatten()
}
