//! A connection beside a model of it: order, and whose descriptors came along.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use killproof::channel::{Connection, RecvError, SendError, connection};
use killproof::select;
use proptest::prelude::{any, proptest};
use rustix::fs::{MemfdFlags, memfd_create};

type End = Connection<Vec<u8>, Vec<u8>>;

/// A file that bears a number.
fn numbered(number: u64) -> File {
    let file = File::from(memfd_create("numbered", MemfdFlags::CLOEXEC).unwrap());
    file.write_all_at(&number.to_ne_bytes(), 0).unwrap();
    file
}

fn number_of(descriptor: OwnedFd) -> u64 {
    let mut bytes = [0; 8];
    File::from(descriptor).read_exact_at(&mut bytes, 0).unwrap();
    u64::from_ne_bytes(bytes)
}

/// One way: messages, and how many descriptors went along with each.
#[derive(Default)]
struct Way {
    sent: VecDeque<(Vec<u8>, Vec<u64>)>,
    numbers: u64,
}

impl Way {
    fn send(&mut self, end: &mut End, len: usize, count: u64, is_alone: bool) {
        let numbers: Vec<u64> = (self.numbers..).take(count as usize).collect();
        let files: Vec<File> = numbers.iter().map(|number| numbered(*number)).collect();
        let descriptors: Vec<BorrowedFd<'_>> = files.iter().map(File::as_fd).collect();
        let message = vec![self.numbers as u8; len];
        match end.try_send(message.clone(), &descriptors) {
            Ok(()) => {
                assert!(!is_alone);
                self.numbers += count;
                self.sent.push_back((message, numbers));
            }
            Err(SendError::Disconnected(value)) => assert!(is_alone && value == message),
            // How much the socket holds is the kernel's to say.
            Err(SendError::Full(value)) => assert!(!self.sent.is_empty() && value == message),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, end: &mut End, is_over: bool) {
        let is_ready = select(&[end], Some(Duration::ZERO)).unwrap().is_some();
        assert_eq!(is_ready, is_over || !self.sent.is_empty());
        match (end.try_recv(), self.sent.pop_front()) {
            (Ok((message, descriptors)), Some((sent, numbers))) => {
                assert_eq!(message, sent);
                assert_eq!(descriptors.into_iter().map(number_of).collect::<Vec<_>>(), numbers);
            }
            (Err(RecvError::Disconnected), None) => assert!(is_over),
            (Err(RecvError::Empty), None) => assert!(!is_over),
            (other, _) => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn a_connection_is_two_deques(codes in proptest::collection::vec(any::<(u8, u8)>(), 0..100)) {
        let (ours, mut its) = connection().unwrap();
        let mut ours = Some(ours);
        let (mut there, mut back) = (Way::default(), Way::default());
        for (code, detail) in codes {
            let (len, count) = (usize::from(detail) * 17, u64::from(detail % 4));
            match (code, &mut ours) {
                (0..=79, Some(ours)) => there.send(ours, len, count, false),
                (80..=159, ours) => there.receive(&mut its, ours.is_none()),
                (160..=199, ours) => back.send(&mut its, len, count, ours.is_none()),
                (200..=249, Some(ours)) => back.receive(ours, false),
                (250, ours) => drop(ours.take()),
                _ => {}
            }
        }
        drop(ours);
        (0..=there.sent.len()).for_each(|_| there.receive(&mut its, true));
    }
}

#[test]
fn nothing_is_a_message_too() {
    let (mut ours, mut its) = connection::<(), ()>().unwrap();
    ours.send((), &[]).unwrap();
    assert!(matches!(its.recv(), Ok(((), descriptors)) if descriptors.is_empty()));
    assert!(matches!(its.try_recv(), Err(RecvError::Empty)));
    drop(ours);
    assert!(matches!(its.recv(), Err(RecvError::Disconnected)));
}

#[test]
fn its_owners_are_shown() {
    let (ours, its) = connection::<u64, ()>().unwrap();
    let pid = std::process::id();
    let shown = format!("Connection {{ owner: {pid} (alive), peer: {pid} (alive), .. }}");
    assert_eq!(format!("{ours:?}"), shown);
    drop(ours);
    assert!(format!("{its:?}").contains("peer: nobody"));
}
