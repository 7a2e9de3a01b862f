//! The forms of a wait: asleep in our own, in `select`, in poll(2), and in tokio where
//! that is built in.

use std::ops::Deref;
use std::time::Duration;

use killproof::channel::{PipeReceiver, PipeSender, Receiver, RecvError, SendError, Sender, Task};
use killproof::process::{Child, JoinError};
use killproof::sync::Event;
use killproof::{Message, Ready, select};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Asleep,
    Selecting,
    Polling,
    #[cfg(feature = "tokio")]
    Awaiting,
}

pub const FORMS: &[Form] = &[
    Form::Asleep,
    Form::Selecting,
    Form::Polling,
    #[cfg(feature = "tokio")]
    Form::Awaiting,
];

/// Those that wait until something is ready, and then try.
pub const BY_READINESS: &[Form] = FORMS.split_at(1).1;

/// Those of them that wait for a descriptor.
pub const BY_DESCRIPTOR: &[Form] = FORMS.split_at(2).1;

/// In tokio, where that is built in.
pub const AWAITING: Form = FORMS[FORMS.len() - 1];

impl Form {
    /// A word for the names of rows.
    pub fn word(self) -> &'static str {
        match self {
            Form::Asleep => "asleep",
            Form::Selecting => "selecting",
            Form::Polling => "polling",
            #[cfg(feature = "tokio")]
            Form::Awaiting => "awaiting",
        }
    }

    pub fn recv<T: Message>(self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        match self {
            Form::Asleep => receiver.recv(),
            Form::Polling | Form::Selecting => {
                self.until(receiver, |receiver| unless_empty(receiver.try_recv()))
            }
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(receiver.recv_async()),
        }
    }

    pub fn lease<T: Message>(self, receiver: &Receiver<T>) -> Result<Task<'_, T>, RecvError> {
        match self {
            Form::Asleep => receiver.lease(),
            Form::Polling | Form::Selecting => {
                self.until(receiver, |receiver| unless_empty(receiver.try_lease()))
            }
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(receiver.lease_async()),
        }
    }

    /// Leases a message and finishes it.
    pub fn work<T: Message>(self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        self.lease(receiver).map(Task::done)
    }

    pub fn send<T: Message>(self, sender: &Sender<T>, value: T) -> Result<(), SendError<T>> {
        let mut unsent = Some(value);
        match self {
            Form::Asleep => sender.send(unsent.take().expect("not sent yet")),
            Form::Polling | Form::Selecting => self.until(sender, |sender| {
                unless_full(sender.try_send(unsent.take().expect("came back")), &mut unsent)
            }),
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(sender.send_async(unsent.take().expect("not sent yet"))),
        }
    }

    /// As [`recv`](Form::recv), from a pipe.
    pub fn draw<T: Message>(self, receiver: &mut PipeReceiver<T>) -> Result<T, RecvError> {
        match self {
            Form::Asleep => receiver.recv(),
            Form::Polling | Form::Selecting => {
                self.until(receiver, |receiver| unless_empty(receiver.try_recv()))
            }
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(receiver.recv_async()),
        }
    }

    /// As [`send`](Form::send), into a pipe.
    pub fn pour<T>(self, sender: &mut PipeSender<T>, value: T) -> Result<(), SendError<T>>
    where
        T: Message,
    {
        let mut unsent = Some(value);
        match self {
            Form::Asleep => sender.send(unsent.take().expect("not sent yet")),
            Form::Polling | Form::Selecting => self.until(sender, |sender| {
                unless_full(sender.try_send(unsent.take().expect("came back")), &mut unsent)
            }),
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(sender.send_async(unsent.take().expect("not sent yet"))),
        }
    }

    pub fn join<T: Message>(self, mut child: Child<T>) -> Result<T, JoinError> {
        match self {
            Form::Asleep => child.join(),
            Form::Polling | Form::Selecting => {
                self.until(&mut child, |child| child.try_join().transpose())
            }
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(child.join_async()),
        }
    }

    pub fn wait(self, event: &Event) {
        match self {
            Form::Asleep => event.wait(),
            Form::Polling | Form::Selecting => {
                self.until(event, |event| event.is_set().then_some(()))
            }
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(event.wait_async()).expect("descriptors"),
        }
    }

    /// Tries, and sleeps in between: in `select`, beside something that is never ready, or
    /// in poll(2).
    fn until<E, R>(self, mut thing: E, mut attempt: impl FnMut(&mut E) -> Option<R>) -> R
    where
        E: Deref<Target: Ready + Sized>,
    {
        let never = (self == Form::Selecting).then(|| Event::new().expect("memory"));
        loop {
            if let Some(answer) = attempt(&mut thing) {
                return answer;
            }
            match &never {
                Some(never) => {
                    assert_eq!(select(&[&*thing, never], None).expect("descriptors"), Some(0));
                }
                None => assert!(is_readable(&*thing, None)),
            }
        }
    }
}

/// The answer, if there is one.
fn unless_empty<R>(answer: Result<R, RecvError>) -> Option<Result<R, RecvError>> {
    (answer.as_ref().err() != Some(&RecvError::Empty)).then_some(answer)
}

/// The answer, or the value back for another try.
fn unless_full<T>(
    answer: Result<(), SendError<T>>,
    unsent: &mut Option<T>,
) -> Option<Result<(), SendError<T>>> {
    match answer {
        Err(SendError::Full(value)) => {
            *unsent = Some(value);
            None
        }
        answer => Some(answer),
    }
}

/// Whether it is readable, or becomes so within the time.
pub fn is_readable(thing: &dyn Ready, timeout: Option<Duration>) -> bool {
    let fd = thing.ready_fd().expect("descriptors");
    let timeout = timeout.map(|timeout| Timespec::try_from(timeout).expect("within reach"));
    loop {
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout.as_ref()) {
            Err(Errno::INTR) => {}
            ready => return ready.expect("poll") > 0,
        }
    }
}

#[cfg(feature = "tokio")]
pub fn block_on<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    runtime.expect("descriptors").block_on(future)
}
