//! Pipes in a region that has a name: what such a region is to be, and an end for a
//! process that comes to it.

use super::builder::PipeBuilder;
use super::end::End;
use super::receiver::PipeReceiver;
use super::ring::Ring;
use super::sender::PipeSender;
use crate::error::{Error, Kind};
use crate::primitive;
use crate::raw::queue::Side;
use crate::shared::layout::Layout;
use crate::shared::message::Message;
use crate::shared::region::Region;

impl PipeBuilder {
    /// What a pipe is that was made, in a region with a name, for messages of type `T`;
    /// of this size, if one was said.
    pub(crate) fn named<T: Message>(size: Option<PipeBuilder>) -> Result<Layout, Error> {
        let capacity = size.map(|size| size.rounded::<T>()).transpose()?;
        Ok(Ring::layout(between_strangers::<T>(), capacity))
    }

    /// What a region with a name is to be for such a pipe, and how long.
    pub(crate) fn to_name<T: Message>(&self) -> Result<(Layout, usize), Error> {
        let capacity = self.rounded::<T>()?;
        Ok((Ring::layout(between_strangers::<T>(), Some(capacity)), Ring::len(capacity)))
    }
}

fn between_strangers<T>() -> Layout {
    Layout::of::<T>().between_strangers("pipe")
}

impl<T: Message> PipeSender<T> {
    /// The sender of the pipe in a region that has a name.
    pub(crate) fn in_region(region: Region) -> Result<PipeSender<T>, Error> {
        Ok(PipeSender::new(join::<T>(region, Side::Send)?))
    }
}

impl<T: Message> PipeReceiver<T> {
    /// The receiver of the pipe in a region that has a name.
    pub(crate) fn in_region(region: Region) -> Result<PipeReceiver<T>, Error> {
        Ok(PipeReceiver::new(join::<T>(region, Side::Receive)?))
    }
}

/// This process's end, if nobody alive has it.
fn join<T: Message>(region: Region, side: Side) -> Result<End, Error> {
    let pipe = Ring::named(region)?;
    // A message has to fit, as where the pipe was made.
    PipeBuilder::new().capacity(pipe.capacity() as usize).rounded::<T>()?;
    if !pipe.join(side, primitive::current()?) {
        return Err(Error::new("an end of a pipe, which a living process has", Kind::NotOwner));
    }
    Ok(End::new(pipe, side))
}
