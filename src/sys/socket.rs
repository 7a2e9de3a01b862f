//! socketpair(2), and messages with descriptors (SCM_RIGHTS).

use core::mem::MaybeUninit;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
};

use super::errno::Named;
use super::fd::beyond_stdio;
use crate::error::Error;

/// Two ends that carry whole messages both ways.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd), Error> {
    let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC);
    let pair = rustix::net::socketpair(AddressFamily::UNIX, kind, flags, None);
    let (one, other) = pair.named("socketpair")?;
    Ok((beyond_stdio(one)?, beyond_stdio(other)?))
}

/// Sends one message, and at most one descriptor.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    message: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> Result<(), Error> {
    let descriptors = descriptor.as_slice();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        // There is room for one.
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let message = [IoSlice::new(message)];
    let sent = rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(socket, &message, &mut control, SendFlags::NOSIGNAL)
    });
    sent.named("sendmsg").map(drop)
}

/// Receives one message; how long it is, zero at the end, and the descriptor that
/// came with it, if there was room for one more in this process.
pub(crate) fn recv(
    socket: BorrowedFd<'_>,
    message: &mut [u8],
) -> Result<(usize, Option<OwnedFd>), Error> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        let mut message = [IoSliceMut::new(message)];
        rustix::net::recvmsg(socket, &mut message, &mut control, RecvFlags::CMSG_CLOEXEC)
    });
    let len = received.named("recvmsg")?.bytes;
    let mut descriptor = None;
    for control in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = control {
            descriptor = descriptors.last();
        }
    }
    Ok((len, descriptor.map(beyond_stdio).transpose()?))
}

/// Ends the conversation, for all who have either end.
pub(crate) fn shutdown(socket: BorrowedFd<'_>) {
    let _ = rustix::net::shutdown(socket, Shutdown::Both);
}
