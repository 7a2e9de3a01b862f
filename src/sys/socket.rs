//! socketpair(2), and messages with descriptors (SCM_RIGHTS).

use core::mem::MaybeUninit;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
};

use super::errno::{Errno, Named};
use super::fd::beyond_stdio;
use crate::error::Error;

/// Two ends that carry whole messages both ways.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd), Error> {
    let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC);
    let pair = rustix::net::socketpair(AddressFamily::UNIX, kind, flags, None);
    let (one, other) = pair.named("socketpair")?;
    Ok((beyond_stdio(one)?, beyond_stdio(other)?))
}

/// The most descriptors that the kernel takes along with one message.
pub(crate) const MOST: usize = 253;

/// Sends one message, with at most [`MOST`] descriptors.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    message: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), Error> {
    put(socket, &[IoSlice::new(message)], descriptors, SendFlags::empty()).named("sendmsg")
}

/// Receives one message with its descriptors.
pub(crate) fn recv(socket: BorrowedFd<'_>, message: &mut [u8]) -> Result<Taken, Error> {
    take(socket, message, RecvFlags::empty()).named("recvmsg")?.beyond_stdio()
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Yes,
    Full,
    /// Nobody has the other end.
    Over,
    TooLarge,
}

/// Sends one message in parts, with at most [`MOST`] descriptors, if there is room.
pub(crate) fn try_send(
    socket: BorrowedFd<'_>,
    [first, second]: [&[u8]; 2],
    descriptors: &[BorrowedFd<'_>],
) -> Result<Sent, Error> {
    let parts = [IoSlice::new(first), IoSlice::new(second)];
    match put(socket, &parts, descriptors, SendFlags::DONTWAIT) {
        Ok(()) => Ok(Sent::Yes),
        Err(Errno::AGAIN | Errno::NOBUFS) => Ok(Sent::Full),
        Err(Errno::PIPE | Errno::CONNRESET) => Ok(Sent::Over),
        Err(Errno::MSGSIZE) => Ok(Sent::TooLarge),
        Err(errno) => Err(errno).named("sendmsg"),
    }
}

/// What came.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The message's length; zero at the end.
    pub(crate) len: usize,
    pub(crate) descriptors: Vec<OwnedFd>,
    /// There were more descriptors than this process may have.
    pub(crate) is_cut: bool,
}

/// Receives one message with its descriptors, if there is one.
pub(crate) fn try_recv(socket: BorrowedFd<'_>, message: &mut [u8]) -> Result<Option<Taken>, Error> {
    match take(socket, message, RecvFlags::DONTWAIT) {
        Ok(taken) => taken.beyond_stdio().map(Some),
        Err(Errno::AGAIN) => Ok(None),
        Err(errno) => Err(errno).named("recvmsg"),
    }
}

impl Taken {
    fn beyond_stdio(self) -> Result<Taken, Error> {
        let descriptors = self.descriptors.into_iter().map(beyond_stdio);
        Ok(Taken { descriptors: descriptors.collect::<Result<_, _>>()?, ..self })
    }
}

fn put(
    socket: BorrowedFd<'_>,
    parts: &[IoSlice<'_>],
    descriptors: &[BorrowedFd<'_>],
    flags: SendFlags,
) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let rights = SendAncillaryMessage::ScmRights(descriptors);
    if !descriptors.is_empty() && !control.push(rights) {
        return Err(Errno::INVAL);
    }
    let flags = flags | SendFlags::NOSIGNAL;
    let send = || rustix::net::sendmsg(socket, parts, &mut control, flags);
    rustix::io::retry_on_intr(send).map(drop)
}

fn take(socket: BorrowedFd<'_>, message: &mut [u8], flags: RecvFlags) -> Result<Taken, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut receive = || {
        let mut message = [IoSliceMut::new(message)];
        let flags = flags | RecvFlags::CMSG_CLOEXEC;
        rustix::net::recvmsg(socket, &mut message, &mut control, flags)
    };
    let received = match rustix::io::retry_on_intr(&mut receive) {
        // The peer ended with messages unread: said once, ahead of what it had sent.
        Err(Errno::CONNRESET) => rustix::io::retry_on_intr(&mut receive)?,
        received => received?,
    };
    let mut descriptors = Vec::new();
    for control in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = control {
            descriptors.extend(rights);
        }
    }
    let is_cut = received.flags.contains(ReturnFlags::CTRUNC);
    Ok(Taken { len: received.bytes, descriptors, is_cut })
}

/// Ends the conversation, for all who have either end.
pub(crate) fn shutdown(socket: BorrowedFd<'_>) {
    let _ = rustix::net::shutdown(socket, Shutdown::Both);
}
