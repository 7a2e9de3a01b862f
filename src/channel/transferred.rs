//! Ends of a queue that go to other processes as descriptors: of its memory, and of the
//! bells of both sides.
//!
//! Whoever has them comes to the queue as any process does, by taking a place of its own
//! at a side. What is in the header says how large the queue is.
#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::builder::Builder;
use super::end::End;
use super::mapped::Mapped;
use super::plan;
use super::receiver::Receiver;
use super::sender::Sender;
use crate::error::{Error, Kind};
use crate::primitive::Bell;
use crate::raw::Queue;
use crate::raw::queue::{Order, Side};
use crate::shared::layout::Layout;
use crate::shared::message::Message;
use crate::shared::region::Region;
use crate::shared::transferable::sealed::Sealed;
use crate::shared::transferable::{Transfer, exactly};
use crate::shared::trust::Trust;

impl<T: Message> Sealed for Sender<T> {}

impl<T: Message> Transfer for Sender<T> {
    const DESCRIPTORS: usize = 3;

    fn check(&self) -> Result<(), Error> {
        self.end.queue().memory.may_be_sent()
    }

    unsafe fn with_descriptors<R>(&self, send: impl FnOnce(&[BorrowedFd<'_>]) -> R) -> R {
        send(&self.end.queue().memory.descriptors())
    }

    unsafe fn from_descriptors(descriptors: Vec<OwnedFd>) -> Result<Self, Error> {
        let queue = arrived::<T>(descriptors)?;
        // By what a message is ordered, its type does not say.
        if queue.memory.order() == Order::Smallest {
            return Err(Error::new("a sender to a queue by priority", Kind::Mismatch));
        }
        Ok(Sender::new(End::new(queue, Side::Send)?, None))
    }
}

impl<T: Message> Sealed for Receiver<T> {}

impl<T: Message> Transfer for Receiver<T> {
    const DESCRIPTORS: usize = 3;

    fn check(&self) -> Result<(), Error> {
        self.end.queue().memory.may_be_sent()
    }

    unsafe fn with_descriptors<R>(&self, send: impl FnOnce(&[BorrowedFd<'_>]) -> R) -> R {
        send(&self.end.queue().memory.descriptors())
    }

    unsafe fn from_descriptors(descriptors: Vec<OwnedFd>) -> Result<Self, Error> {
        Ok(Receiver::new(End::new(arrived::<T>(descriptors)?, Side::Receive)?))
    }
}

/// The queue that these descriptors are of.
fn arrived<T: Message>(descriptors: Vec<OwnedFd>) -> Result<Arc<Queue<Mapped>>, Error> {
    let [region, one, other] = exactly(descriptors)?;
    // Nothing was said of it here, but what follows from the type.
    let expected = Builder::new().expected::<T>(None);
    let region = Region::open(region, &plan::layout(Layout::of::<T>(), &expected))?;
    let bells = [Bell::from(one), Bell::from(other)];
    Mapped::over(region, bells, Trust::Family).map(Arc::new)
}
