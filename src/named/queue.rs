//! Ends of a queue by name.

use super::builder::sealed::Sealed;
use super::builder::{Nameable, Named};
use crate::channel::{Builder, Receiver, Sender};
use crate::error::Error;
use crate::shared::message::Message;
use crate::shared::region::Region;

impl<T: Message> Sealed for Sender<T> {}

/// A sender, and no receiver with it.
impl<T: Message> Nameable for Sender<T> {
    fn create(named: &Named) -> Result<Self, Error> {
        Sender::in_region(create::<T>(named)?)
    }

    fn open(named: &Named) -> Result<Self, Error> {
        Sender::in_region(open::<T>(named)?)
    }
}

impl<T: Message> Sealed for Receiver<T> {}

/// A receiver, and no sender with it.
impl<T: Message> Nameable for Receiver<T> {
    fn create(named: &Named) -> Result<Self, Error> {
        Receiver::in_region(create::<T>(named)?)
    }

    fn open(named: &Named) -> Result<Self, Error> {
        Receiver::in_region(open::<T>(named)?)
    }
}

fn sizes(named: &Named) -> Builder {
    let sizes = named.said_of_queue().clone();
    match named.said_capacity() {
        Some(messages) => sizes.capacity(messages),
        None => sizes,
    }
}

fn create<T: Message>(named: &Named) -> Result<Region, Error> {
    let (layout, len) = sizes(named).to_name::<T>()?;
    // Zeros are an empty queue.
    named.create_region(&layout, len, |_| ())
}

fn open<T: Message>(named: &Named) -> Result<Region, Error> {
    named.open_region(&sizes(named).named::<T>())
}
