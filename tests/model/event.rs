//! `Event`: a flag, its waits and its descriptor.

use std::time::Duration;

use killproof::sync::Event;
use proptest::prelude::{any, proptest};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

fn is_readable(event: &Event) -> bool {
    let mut fds = [PollFd::new(event, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
}

proptest! {
    #[test]
    fn an_event_is_a_flag(operations in proptest::collection::vec(any::<(bool, bool)>(), 0..40)) {
        let event = Event::new().unwrap();
        let clone = event.clone();
        let mut is_set = false;
        for (by_clone, set) in operations {
            let (one, other) = if by_clone { (&clone, &event) } else { (&event, &clone) };
            if set { one.set() } else { one.clear() }
            is_set = set;
            assert_eq!((one.is_set(), other.is_set()), (is_set, is_set));
            assert_eq!(other.wait_timeout(Duration::ZERO), is_set);
            assert_eq!(is_readable(other), is_set);
            if is_set {
                other.wait();
            }
        }
        assert_eq!(event.is_set(), is_set);
    }
}
