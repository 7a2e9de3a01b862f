//! Messages of serde types.

use std::collections::BTreeMap;

use killproof::channel::{Builder, RecvError, connection, pipe, priority, queue};
use killproof::{Message, Serde};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Job {
    Stop,
    Fetch { url: String, depth: u8 },
    Sum(Vec<i64>, Option<Box<Job>>),
    Count(BTreeMap<String, u32>),
}

fn job(code: u8, text: String, numbers: Vec<i64>) -> Job {
    match code % 4 {
        0 => Job::Stop,
        1 => Job::Fetch { url: text, depth: code },
        2 => Job::Sum(numbers, Some(Box::new(Job::Fetch { url: text, depth: code }))),
        _ => Job::Count(numbers.iter().map(|number| (text.clone(), *number as u32)).collect()),
    }
}

/// Written as a number; thirteen is not read again, and fourteen not even written.
#[derive(Debug, PartialEq)]
struct Picky(u32);

impl Serialize for Picky {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 14 {
            return Err(S::Error::custom("fourteen"));
        }
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            13 => Err(D::Error::custom("thirteen")),
            number => Ok(Picky(number)),
        }
    }
}

proptest! {
    #[test]
    fn what_went_in_comes_out(
        jobs in proptest::collection::vec(any::<(u8, String, Vec<i64>)>(), 1..20),
    ) {
        let (sender, receiver) = Builder::new().inline(32).queue().unwrap();
        let (mut pipe_sender, mut pipe_receiver) = pipe().unwrap();
        for (code, text, numbers) in jobs {
            let job = job(code, text.clone(), numbers);
            sender.send(Serde(job.clone())).unwrap();
            prop_assert_eq!(receiver.recv(), Ok(Serde(job.clone())));
            // Among others, each takes its own bytes.
            let several = (Serde(job.clone()), text, vec![Serde(job)]);
            pipe_sender.send(several.clone()).unwrap();
            prop_assert_eq!(pipe_receiver.recv(), Ok(several));
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_invalid(bytes in any::<Vec<u8>>()) {
        let (sender, receiver) = queue::<Raw>(1).unwrap();
        sender.send(Raw::Bytes(bytes.clone())).unwrap();
        match receiver.recv() {
            Ok(Raw::Job(_)) => {}
            Err(RecvError::Invalid(back)) => prop_assert_eq!(back, bytes),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

/// Goes in as bytes, and comes out as a job.
#[derive(Debug)]
enum Raw {
    Bytes(Vec<u8>),
    Job(#[expect(dead_code, reason = "to be shown")] Job),
}

impl Message for Raw {
    fn encoded_len(&self) -> usize {
        match self {
            Raw::Bytes(bytes) => bytes.len(),
            Raw::Job(_) => 0,
        }
    }

    fn encode(&self, out: &mut killproof::Encoder<'_>) {
        if let Raw::Bytes(bytes) = self {
            out.put(bytes);
        }
    }

    fn decode(input: &mut killproof::Decoder<'_>) -> Result<Self, killproof::InvalidMessage> {
        Serde::decode(input).map(|Serde(job)| Raw::Job(job))
    }
}

/// It fails the one receive, and the queue goes on.
#[test]
fn what_does_not_decode_is_handed_out_as_bytes() {
    let (sender, receiver) = queue(4).unwrap();
    for number in [12, 13, 300] {
        sender.send(Serde(Picky(number))).unwrap();
    }
    assert_eq!(receiver.recv(), Ok(Serde(Picky(12))));
    assert_eq!(receiver.recv(), Err(RecvError::Invalid(vec![13])));
    assert_eq!(receiver.recv(), Ok(Serde(Picky(300))));
    assert_eq!(receiver.try_recv(), Err(RecvError::Empty));
}

#[test]
fn what_does_not_serialize_is_not_sent() {
    let (sender, receiver) = queue(1).unwrap();
    let send = std::panic::AssertUnwindSafe(|| sender.send(Serde(Picky(14))));
    assert!(std::panic::catch_unwind(send).is_err());
    assert_eq!(receiver.try_recv(), Err(RecvError::Empty));
    sender.send(Serde(Picky(1))).unwrap();
    assert_eq!(receiver.recv(), Ok(Serde(Picky(1))));
}

/// Wherever a message goes, one of serde's does.
#[test]
fn every_channel_takes_it() {
    let numbers: Vec<_> = [3_u8, 1, 2].map(|key| (key, Serde(Picky(key.into())))).into();
    let (sender, receiver) = priority(3).unwrap();
    sender.send_many(numbers).unwrap();
    let received: Vec<_> = receiver.try_iter().map(|(_, Serde(Picky(number)))| number).collect();
    assert_eq!(received, [1, 2, 3]);

    let (mut ours, mut theirs) = connection::<Serde<Job>, ()>().unwrap();
    ours.send(Serde(Job::Stop), &[]).unwrap();
    assert_eq!(theirs.recv().unwrap().0, Serde(Job::Stop));
}

/// A lease is of the bytes, which are read at each delivery.
#[test]
fn a_task_comes_back_as_it_was() {
    let (sender, receiver) = Builder::new().inline(4).max_attempts(2).queue().unwrap();
    let job = Job::Sum((0..100).collect(), None);
    sender.send(Serde(job.clone())).unwrap();
    for attempt in 1..=2 {
        let task = receiver.lease().unwrap();
        assert_eq!((&task.0, task.attempts()), (&job, attempt));
    }
    assert_eq!(receiver.dead_letters().lease().unwrap().done(), Serde(job));
    assert!(receiver.is_empty() && sender.join().is_ok());
}
