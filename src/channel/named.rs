//! Queues in a region that has a name: what such a region is to be, and an end for a
//! process that comes to it.

use std::sync::Arc;

use super::builder::Builder;
use super::end::End;
use super::mapped::Mapped;
use super::plan::{self, Plan};
use super::receiver::Receiver;
use super::sender::Sender;
use crate::error::Error;
use crate::primitive::Bell;
use crate::raw::queue::{Order, Side};
use crate::shared::layout::Layout;
use crate::shared::message::Message;
use crate::shared::region::Region;
use crate::shared::trust::Trust;

impl Builder {
    /// What a queue is that was made, in a region with a name, for messages of type `T`.
    pub(crate) fn named<T: Message>(&self) -> Layout {
        plan::layout(between_strangers::<T>(), &self.expected::<T>(Some(Order::Arrival)))
    }

    /// What a region with a name is to be for such a queue, and how long.
    pub(crate) fn to_name<T: Message>(&self) -> Result<(Layout, usize), Error> {
        // All of the memory is taken at once.
        let fewer = Builder::new().participants(32).leases(32);
        let geometry = self.clone().or(fewer).geometry::<T>(Order::Arrival)?;
        let layout = plan::layout(between_strangers::<T>(), &geometry.expected());
        Ok((layout, Plan::of(geometry)?.len))
    }
}

fn between_strangers<T>() -> Layout {
    Layout::of::<T>().between_strangers("queue")
}

impl<T: Message> Sender<T> {
    /// A sender to the queue in a region that has a name.
    pub(crate) fn in_region(region: Region) -> Result<Sender<T>, Error> {
        Ok(Sender::new(join(region, Side::Send)?, None))
    }
}

impl<T: Message> Receiver<T> {
    /// A receiver from the queue in a region that has a name.
    pub(crate) fn in_region(region: Region) -> Result<Receiver<T>, Error> {
        Ok(Receiver::new(join(region, Side::Receive)?))
    }
}

/// A handle of this process, as of any that comes: counted at a place of its own.
fn join(region: Region, side: Side) -> Result<End, Error> {
    let bells = [Bell::dumb(), Bell::dumb()];
    let queue = Mapped::over(region, bells, Trust::Strangers)?;
    End::succeeding(Arc::new(queue.with_peers_to_come()), side)
}
