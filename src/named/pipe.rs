//! Ends of a pipe by name.

use super::builder::sealed::Sealed;
use super::builder::{Nameable, Named};
use crate::channel::{PipeBuilder, PipeReceiver, PipeSender};
use crate::error::Error;
use crate::shared::message::Message;
use crate::shared::region::Region;

impl<T: Message> Sealed for PipeSender<T> {}

/// The sender, if no living process has it.
impl<T: Message> Nameable for PipeSender<T> {
    fn create(named: &Named) -> Result<Self, Error> {
        PipeSender::in_region(create::<T>(named)?)
    }

    fn open(named: &Named) -> Result<Self, Error> {
        PipeSender::in_region(open::<T>(named)?)
    }
}

impl<T: Message> Sealed for PipeReceiver<T> {}

/// The receiver, if no living process has it.
impl<T: Message> Nameable for PipeReceiver<T> {
    fn create(named: &Named) -> Result<Self, Error> {
        PipeReceiver::in_region(create::<T>(named)?)
    }

    fn open(named: &Named) -> Result<Self, Error> {
        PipeReceiver::in_region(open::<T>(named)?)
    }
}

fn size(named: &Named) -> Option<PipeBuilder> {
    named.said_capacity().map(|bytes| PipeBuilder::new().capacity(bytes))
}

fn create<T: Message>(named: &Named) -> Result<Region, Error> {
    let (layout, len) = size(named).unwrap_or_default().to_name::<T>()?;
    // Zeros are a pipe without ends; whoever joins makes the other one be waited for.
    named.create_region(&layout, len, |_| ())
}

fn open<T: Message>(named: &Named) -> Result<Region, Error> {
    named.open_region(&PipeBuilder::named::<T>(size(named))?)
}
