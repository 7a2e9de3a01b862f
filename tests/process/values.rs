//! Whatever a closure returns comes back whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use killproof::process::{JoinError, spawn};
use killproof::{Decoder, Encoder, InvalidMessage, Message};

use crate::common::case::Case;
use crate::common::mapped::Mapped;
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("values::nothing", nothing),
        case("values::ten_megabytes", ten_megabytes),
        case("values::of_every_short_length", of_every_short_length),
        case("values::nothing_of_an_earlier_child", nothing_of_an_earlier_child),
        case("values::nested", nested),
        case("values::what_was_captured", what_was_captured),
        case("values::changes_stay_in_the_child", changes_stay_in_the_child),
        case("values::bytes_that_are_no_value", bytes_that_are_no_value),
        case("values::destructors_run_in_both", destructors_run_in_both),
    ]
}

fn nothing() {
    assert_eq!(spawn(|| ()).unwrap().join(), Ok(()));
    assert_eq!(spawn(Vec::<u64>::new).unwrap().join(), Ok(Vec::new()));
}

fn ten_megabytes() {
    let bytes = |seed: u32| (0..10 << 20).map(move |i: u32| (i ^ i >> 8 ^ seed) as u8);
    let child = spawn(move || bytes(5).collect::<Vec<u8>>()).unwrap();
    // Nobody reads, and still it ends: its value blocks nobody's exit.
    while child.is_alive() {
        std::thread::yield_now();
    }
    assert!(bytes(5).eq(child.join().unwrap()));
}

/// Short and long ones travel by different ways.
fn of_every_short_length() {
    for len in 0..300_usize {
        let bytes = move || (0..len).map(|i| (i + 1) as u8).collect::<Vec<u8>>();
        assert_eq!(spawn(bytes).unwrap().join(), Ok(bytes()));
    }
}

/// What one child said must not be taken for what the next one did not.
fn nothing_of_an_earlier_child() {
    for len in [5_usize, 5000] {
        let text = "x".repeat(len);
        let expected = text.clone();
        assert_eq!(spawn(move || text).unwrap().join(), Ok(expected));
        let silent = spawn(|| -> String { std::process::exit(4) }).unwrap();
        assert_eq!(silent.join(), Err(JoinError::Exited(4)));
        let never = gate();
        let mut killed = spawn(move || -> String {
            never.pass();
            String::new()
        })
        .unwrap();
        assert_eq!(killed.try_join(), Ok(None));
        killed.kill().unwrap();
        assert_eq!(killed.join(), Err(JoinError::Signalled(9)));
    }
}

fn nested() {
    type Nested = Result<(String, Option<Vec<(u8, String)>>), Vec<i64>>;
    let value: Nested = Ok(("text".into(), Some(vec![(1, "one".into()), (2, String::new())])));
    let error: Nested = Err(vec![-1, i64::MAX]);
    for returned in [value, error] {
        let expected = returned.clone();
        assert_eq!(spawn(move || returned).unwrap().join(), Ok(expected));
    }
}

fn what_was_captured() {
    let words: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let expected = words.concat();
    assert_eq!(spawn(move || words.concat()).unwrap().join(), Ok(expected));
}

fn changes_stay_in_the_child() {
    static N: AtomicU32 = AtomicU32::new(100);
    let child = spawn(|| {
        N.store(0, Ordering::Relaxed);
        N.load(Ordering::Relaxed)
    });
    assert_eq!(child.unwrap().join(), Ok(0));
    assert_eq!(N.load(Ordering::Relaxed), 100);
}

/// Encodes, and takes nothing back.
#[derive(Debug, PartialEq)]
struct OneWay;

impl Message for OneWay {
    const FIXED: Option<usize> = Some(3);

    fn encoded_len(&self) -> usize {
        3
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        for byte in [7_u8, 8, 9] {
            byte.encode(out);
        }
    }

    fn decode(_: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        Err(InvalidMessage)
    }
}

fn bytes_that_are_no_value() {
    let mut child = spawn(|| OneWay).unwrap();
    let invalid = JoinError::Invalid(vec![7, 8, 9]);
    while child.is_alive() {
        std::thread::yield_now();
    }
    assert_eq!(child.try_join(), Err(invalid.clone()));
    assert_eq!(child.join(), Err(invalid), "an error is told as often as it is asked for");
}

fn destructors_run_in_both() {
    struct Counted(Arc<Mapped<AtomicU32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let drops = Arc::new(Mapped::new(AtomicU32::new(0)));
    let captured = Counted(Arc::clone(&drops));
    let child = spawn(move || captured.0.load(Ordering::Relaxed)).unwrap();
    let seen_inside = child.join().unwrap();
    assert_eq!(drops.load(Ordering::Relaxed), 2);
    assert_eq!(seen_inside, 1, "the parent's copy went first");
}
