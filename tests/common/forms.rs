//! The forms of a wait: asleep in our own, in poll(2), and in tokio where that is
//! built in.

use std::ops::Deref;
use std::time::Duration;

use killproof::channel::{PipeReceiver, PipeSender, Receiver, RecvError, SendError, Sender, Task};
use killproof::sync::Event;
use killproof::{Message, Ready};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Asleep,
    Polling,
    #[cfg(feature = "tokio")]
    Awaiting,
}

pub const FORMS: &[Form] = &[
    Form::Asleep,
    Form::Polling,
    #[cfg(feature = "tokio")]
    Form::Awaiting,
];

/// Those that wait for a descriptor.
pub const BY_DESCRIPTOR: &[Form] = FORMS.split_at(1).1;

/// In tokio, where that is built in.
pub const AWAITING: Form = FORMS[FORMS.len() - 1];

impl Form {
    /// A word for the names of rows.
    pub fn word(self) -> &'static str {
        match self {
            Form::Asleep => "asleep",
            Form::Polling => "polling",
            #[cfg(feature = "tokio")]
            Form::Awaiting => "awaiting",
        }
    }

    pub fn recv<T: Message>(self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        match self {
            Form::Asleep => receiver.recv(),
            Form::Polling => poll_until(receiver, |receiver| unless_empty(receiver.try_recv())),
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(receiver.recv_async()),
        }
    }

    pub fn lease<T: Message>(self, receiver: &Receiver<T>) -> Result<Task<'_, T>, RecvError> {
        match self {
            Form::Asleep => receiver.lease(),
            Form::Polling => poll_until(receiver, |receiver| unless_empty(receiver.try_lease())),
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
            Form::Polling => poll_until(sender, |sender| {
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
            Form::Polling => poll_until(receiver, |receiver| unless_empty(receiver.try_recv())),
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
            Form::Polling => poll_until(sender, |sender| {
                unless_full(sender.try_send(unsent.take().expect("came back")), &mut unsent)
            }),
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(sender.send_async(unsent.take().expect("not sent yet"))),
        }
    }

    pub fn wait(self, event: &Event) {
        match self {
            Form::Asleep => event.wait(),
            Form::Polling => poll_until(event, |event| event.is_set().then_some(())),
            #[cfg(feature = "tokio")]
            Form::Awaiting => block_on(event.wait_async()).expect("descriptors"),
        }
    }
}

/// Tries, and sleeps in poll(2) between two tries.
fn poll_until<E, R>(mut thing: E, mut attempt: impl FnMut(&mut E) -> Option<R>) -> R
where
    E: Deref<Target: Ready + Sized>,
{
    loop {
        if let Some(answer) = attempt(&mut thing) {
            return answer;
        }
        is_readable(&*thing, None);
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
