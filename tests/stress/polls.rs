//! Waits that are not the crate's own: for a descriptor, or for several things.

use killproof::channel::{RecvError, SendError};
use killproof::{Ready, select};

use crate::common::forms::is_readable;
use crate::common::random::Random;

#[derive(Clone, Copy, Debug)]
pub enum Poll {
    /// By poll(2).
    Descriptor,
    Select,
}

impl Poll {
    pub fn any(random: &mut Random) -> Self {
        if random.one_in(2) { Poll::Descriptor } else { Poll::Select }
    }

    /// Receives by `attempt`, and waits for `receiver` where that finds nothing.
    pub fn recv<R>(
        self,
        receiver: &impl Ready,
        attempt: impl Fn() -> Result<R, RecvError>,
    ) -> Result<R, RecvError> {
        loop {
            match attempt() {
                Err(RecvError::Empty) => self.wait(receiver).map_err(RecvError::Failed)?,
                answer => return answer,
            }
        }
    }

    /// Sends by `attempt`, and waits for `sender` where there is no room.
    pub fn send<T>(
        self,
        sender: &impl Ready,
        value: T,
        attempt: impl Fn(T) -> Result<(), SendError<T>>,
    ) -> Result<(), SendError<T>> {
        let mut unsent = value;
        loop {
            match attempt(unsent) {
                Err(SendError::Full(value)) => unsent = value,
                answer => return answer,
            }
            if let Err(error) = self.wait(sender) {
                return Err(SendError::Failed(unsent, error));
            }
        }
    }

    /// However long it takes: whoever rings, or died before it could, the crate owes
    /// an end of it.
    fn wait(self, thing: &impl Ready) -> Result<(), killproof::Error> {
        match self {
            Poll::Descriptor => _ = is_readable(thing, None),
            Poll::Select => _ = select(&[thing], None)?,
        }
        Ok(())
    }
}
