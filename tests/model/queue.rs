//! The queue: order, leases, ends and counts.

use killproof::channel::{Builder, SendError, queue};
use proptest::prelude::{any, proptest};

use crate::queue_model::{Operation, run};

proptest! {
    #[test]
    fn a_queue_is_a_deque_with_leases(
        capacity in 1_usize..6,
        most_attempts in 1_u32..5,
        codes in proptest::collection::vec(any::<(u8, u8)>(), 0..200),
    ) {
        let operations = codes.into_iter().map(|(code, detail)| Operation::of(code, detail));
        run(capacity, most_attempts, operations);
    }
}

#[test]
fn without_receivers_a_message_comes_back() {
    let (sender, receiver) = queue::<u32>(2).unwrap();
    sender.send(1).unwrap();
    let clone = receiver.clone();
    drop(receiver);
    sender.send(2).unwrap();
    drop(clone);
    for value in 3..5 {
        assert_eq!(sender.send(value), Err(SendError::Disconnected(value)));
        assert_eq!(sender.try_send(value), Err(SendError::Disconnected(value)));
    }
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let refused = [
        Builder::new().capacity(0),
        Builder::new().capacity(Builder::MAX_CAPACITY + 1),
        Builder::new().participants(0),
        Builder::new().participants(Builder::MAX_PARTICIPANTS + 1),
        Builder::new().leases(0),
        Builder::new().max_attempts(0),
        Builder::new().max_attempts(1023),
        Builder::new().largest(usize::MAX),
        Builder::new().largest(usize::MAX).inline(usize::MAX),
        Builder::new().largest(u32::MAX as usize).capacity(Builder::MAX_CAPACITY),
    ];
    for builder in refused {
        let error = builder.clone().queue::<Vec<u8>>().map(drop).unwrap_err();
        assert!(error.is_limit() || error.raw_os_error().is_some(), "{builder:?}: {error}");
    }
}
