//! The zygote's own side: it forks when asked to, and says how each child ended.
//!
//! One child's life, and who is to say what comes next when somebody is killed:
//!
//! 1. The owner makes the child's page, puts the name and the arguments behind its
//!    words, and sends it over the socket with the addresses of the function and of
//!    the [`Run`] for its type, and with the descriptors of handles. Owner and zygote
//!    are one program: they are the same.
//! 2. The zygote forks. The child waits for its stamp, and ends if the zygote does.
//! 3. The zygote ties the child to itself and replies with a pidfd.
//! 4. The owner gives the child its stamp, or refuses it.
//! 5. The child's outcome goes to its owner by the page, as any child's.
//! 6. The zygote stores how the child ended in the page, the one word that the owner
//!    waits for as long as the zygote lives, and then reaps it.
//!
//! The zygote is a daemon of its owner's and ends with it, at whatever step. It hears no
//! signal that is sent to everybody: see [`forker`]. Its children hear what its owner did.
#![allow(unsafe_code)]

use core::mem;
use core::time::Duration;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::builder::Builder;
use super::child::{Child, End};
use super::error::SpawnError;
use super::fork::{Side, Threads, divide};
use super::forker::forker;
use super::handover::Handover;
use super::life::live;
use super::record;
use crate::error::{Error, Kind};
use crate::primitive;
use crate::shared::message::{Message, from_bytes, to_bytes};
use crate::shared::transferable::Transfer;
use crate::sys::errno::Errno;
use crate::sys::fd::{poll_any, poll_readable};
use crate::sys::fork::{Hearing, close, hear, waitid};
use crate::sys::socket::{pair, recv, send};

/// What a child is to do with the address of a function, the bytes of its arguments,
/// and the descriptors of handles that are arguments as well.
pub(super) type Run = unsafe fn(usize, &[u8], Vec<OwnedFd>, &Handover) -> !;

/// A request: its number, the addresses of a [`Run`] and of the function that it
/// calls, and how long the name and the arguments are. The page comes with it, and behind it the handles.
pub(super) type Request = (u64, u64, u64, u64, u64);

/// A reply: the request's number, the child's pid, and zero; or zero and an errno.
/// The pidfd comes with it.
pub(super) type Reply = (u64, u64, u64);

/// The bytes of the longer of them.
pub(super) const LONGEST: usize = 40;

/// The life of a child that calls the `fn(A) -> T` at `address`.
///
/// A pointer, and not any `F` without a size: that may be a witness of something that
/// was done in the owner's memory, and was not in this.
///
/// # Safety
///
/// There is such a function at `address`.
pub(super) unsafe fn run<A: Message, T: Message>(
    address: usize,
    args: &[u8],
    _: Vec<OwnedFd>,
    handover: &Handover,
) -> ! {
    let body = || {
        record::running();
        // SAFETY: the caller says what is there.
        let f = unsafe { mem::transmute::<usize, fn(A) -> T>(address) };
        f(understood(args))
    };
    live(body, handover)
}

/// The same of the `fn(A, H) -> T` at `address`.
///
/// # Safety
///
/// - There is such a function at `address`.
/// - The descriptors are those of an `H`.
pub(super) unsafe fn run_with<A: Message, H: Transfer, T: Message>(
    address: usize,
    args: &[u8],
    descriptors: Vec<OwnedFd>,
    handover: &Handover,
) -> ! {
    let body = || {
        record::running();
        // SAFETY: the caller says what they are, in a process of this very program.
        let handles = unsafe { H::from_descriptors(descriptors) };
        // SAFETY: the caller says what is there.
        let f = unsafe { mem::transmute::<usize, fn(A, H) -> T>(address) };
        f(understood(args), handles.unwrap_or_else(|error| panic!("handles: {error}")))
    };
    live(body, handover)
}

fn understood<A: Message>(args: &[u8]) -> A {
    from_bytes(args).expect("arguments that their own type does not understand")
}

/// Sends a request, with its page and the handles that are arguments.
pub(super) fn ask<H: Transfer>(
    socket: BorrowedFd<'_>,
    request: &Request,
    page: &Handover,
    handles: &H,
) -> Result<(), Error> {
    handles.check()?;
    let ask = |handles: &[BorrowedFd<'_>]| {
        let descriptors = [&[page.as_fd()], handles].concat();
        send(socket, &to_bytes(request), &descriptors)
    };
    // SAFETY: they go to a child of this very program, which makes an `H` of them and has
    //    no other way to them.
    unsafe { handles.with_descriptors(ask) }
}

/// Forks a zygote; its process, and the end of the socket to which requests go.
pub(super) fn begin() -> Result<(Child<()>, OwnedFd), SpawnError> {
    let (socket, theirs) = pair()?;
    let owners = socket.as_raw_fd();
    // SAFETY: 1. What is sent by `socket`, `Zygote` sends. 2. In the zygote this
    //    function's frame is not returned to, so `socket` is not used.
    let life = move |hearing| unsafe { serve(theirs, owners, hearing) };
    Ok((forker("zygote", life)?, socket))
}

struct Ward {
    child: Child<()>,
    page: Handover,
}

/// The life of a zygote, which hears no signals: until its owner lets go and all its
/// children have ended. They hear what `hearing` says.
///
/// # Safety
///
/// - `socket` is the other end of one to which the owner sends requests as
///   [`Request`] says, and nobody else.
/// - `owners` is this process's copy of the owner's end, which nobody uses.
pub(super) unsafe fn serve(socket: OwnedFd, owners: RawFd, hearing: Hearing) {
    // SAFETY: the caller says that nobody uses it.
    unsafe { close(&[owners]) };
    let mut wards: Vec<Ward> = Vec::new();
    let mut is_open = true;
    while is_open || !wards.is_empty() {
        let mut watched: Vec<BorrowedFd<'_>> = wards.iter().map(|w| w.child.as_fd()).collect();
        watched.extend(is_open.then(|| socket.as_fd()));
        poll_any(&watched, None).expect("there is memory for a poll");
        // Both, whichever it was, so that none waits for the other.
        wards.retain_mut(Ward::is_alive);
        if is_open && is_asked(&socket) {
            // SAFETY: the caller says who sends.
            match unsafe { answer(&socket, &wards, hearing) } {
                Ok(Some(ward)) => wards.push(ward),
                Ok(None) => {}
                Err(LetGo) => is_open = false,
            }
        }
    }
}

fn is_asked(socket: &OwnedFd) -> bool {
    poll_readable(socket, Some(Duration::ZERO)).unwrap_or(false)
}

impl Ward {
    /// False once it has ended, and its owner was told how.
    fn is_alive(&mut self) -> bool {
        let end = self.child.look();
        if end == End::Unknown {
            return true;
        }
        // Before it is reaped: that rings the owner's pidfd once more, where the
        // kernel does (6.9 and later), and then the word must be there.
        self.page.tell_end(end);
        // Without a record: the owner makes it, and a logger is the user's code.
        let _ = waitid(self.child.as_fd(), true);
        self.child.end = end;
        false
    }
}

/// The owner has closed its end.
struct LetGo;

/// Receives one request, has the child and replies.
///
/// # Safety
///
/// As [`serve`].
unsafe fn answer(
    socket: &OwnedFd,
    wards: &[Ward],
    hearing: Hearing,
) -> Result<Option<Ward>, LetGo> {
    let mut bytes = [0; LONGEST];
    let taken = recv(socket.as_fd(), &mut bytes).map_err(|_| LetGo)?;
    let request: Request = from_bytes(&bytes[..taken.len]).map_err(|_| LetGo)?;
    // Without as many numbers left for them there is no page, or not every handle.
    let all = if taken.is_cut { Vec::new() } else { taken.descriptors };
    let mut all = all.into_iter();
    let page = all.next();
    let page = page.ok_or_else(|| Error::new("recvmsg", Kind::Os(Errno::MFILE.raw_os_error())));
    let brought = |page| (page, all.collect());
    // SAFETY: the caller says who sends.
    let born = page
        .map(brought)
        .and_then(|brought| unsafe { bear(socket, wards, request, brought, hearing) });
    let (reply, pidfd): (Reply, _) = match &born {
        Ok(ward) => ((request.0, ward.child.pid().into(), 0), Some(ward.child.as_fd())),
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(Errno::IO.raw_os_error());
            ((request.0, 0, errno.unsigned_abs().into()), None)
        }
    };
    send(socket.as_fd(), &to_bytes(&reply), pidfd.as_slice()).map_err(|_| LetGo)?;
    Ok(born.ok())
}

/// Forks. The child waits for its owner's word, and does what is asked for.
///
/// # Safety
///
/// As [`serve`].
unsafe fn bear(
    socket: &OwnedFd,
    wards: &[Ward],
    (_, run, address, name, args): Request,
    (page, handles): (OwnedFd, Vec<OwnedFd>),
    hearing: Hearing,
) -> Result<Ward, Error> {
    let page = Handover::open(page, primitive::current()?)?;
    let brought = page.brought((name + args) as usize)?;
    let (name, args) = brought.split_at(name as usize);
    let name = String::from_utf8_lossy(name);
    let mut not_its: Vec<RawFd> = vec![socket.as_raw_fd()];
    for ward in wards {
        not_its.extend([ward.child.as_fd(), ward.page.as_fd()].map(|fd| fd.as_raw_fd()));
    }
    let builder = Builder::new().name(name).may_have_children(true);
    // SAFETY: a zygote has one thread and no guards, and it stays so: nothing of the
    // user's runs in it.
    match unsafe { divide(builder, Threads::None, Some(page)) }? {
        Side::Parent(newborn) => {
            let (child, page) = newborn.present()?;
            Ok(Ward { child, page })
        }
        Side::Child(page) => {
            // SAFETY: they are the zygote's, whose frames this child never sees again.
            unsafe { close(&not_its) };
            hear(hearing).expect("a mask that was there before");
            // SAFETY: the owner sends what was a `Run` there, and this process was
            // forked from it after that code was loaded.
            let run = unsafe { mem::transmute::<usize, Run>(run as usize) };
            // SAFETY: as above, of the function, which is of the type that `run` calls.
            unsafe { run(address as usize, args, handles, &page) }
        }
    }
}
