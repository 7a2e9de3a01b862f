//! ipc-channel: its channel of bytes, which serializes nothing. Any number of senders,
//! one receiver.

use std::sync::Mutex;

use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, bytes_channel};

use super::ours::take;
use crate::channel::{Channel, Missing, Receiver, Sender};
use crate::message::{Message, bytes_of, bytes_of_mut, message};

pub struct IpcChannel {
    sender: Mutex<Option<IpcBytesSender>>,
    receiver: Mutex<Option<IpcBytesReceiver>>,
}

impl<const WORDS: usize> Channel<WORDS> for IpcChannel {
    type Sender = IpcBytesSender;
    type Receiver = IpcBytesReceiver;

    const MAY_SHARE: bool = false;

    fn new() -> Result<Self, Missing> {
        let (sender, receiver) = bytes_channel().map_err(|error| Missing(error.to_string()))?;
        Ok(IpcChannel { sender: Mutex::new(Some(sender)), receiver: Mutex::new(Some(receiver)) })
    }

    /// The other end is closed here, so that its loss is seen.
    fn sender(&self) -> IpcBytesSender {
        drop(take(&self.receiver));
        take(&self.sender)
    }

    fn receiver(&self) -> IpcBytesReceiver {
        drop(take(&self.sender));
        take(&self.receiver)
    }
}

impl<const WORDS: usize> Sender<WORDS> for IpcBytesSender {
    #[inline]
    fn send(&mut self, message: Message<WORDS>) -> bool {
        IpcBytesSender::send(self, bytes_of(&message)).is_ok()
    }
}

impl<const WORDS: usize> Receiver<WORDS> for IpcBytesReceiver {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let bytes = IpcBytesReceiver::recv(self).ok()?;
        let mut message = message(0);
        bytes_of_mut(&mut message).copy_from_slice(&bytes);
        Some(message)
    }
}
