//! Items drawn as workers have room for them, some at a time, and what becomes of them.

use core::fmt;
use core::iter::Fuse;
use core::marker::PhantomData;
use std::collections::VecDeque;
use std::sync::Arc;

use super::body::{Answers, many};
use super::call::Callee;
use super::error::TaskError;
use super::exchange::{Exchange, Limits};
use super::result::AsyncResult;
use crate::deadline::Deadline;
use crate::shared::message::Message;

pub(super) struct Feed<'a, In: Message, Out: Message, I: Iterator<Item = In>> {
    exchange: &'a Arc<Exchange>,
    /// What is to be called with the items, if not the pool's own function.
    callee: Option<Callee>,
    items: Fuse<I>,
    pub(super) chunk_size: usize,
    /// Whoever is finished first is next; otherwise whoever was drawn first.
    batch: Option<u64>,
    /// How many items, and what will become of them; in the items' order, and with a
    /// batch behind those that did not even begin.
    under_way: VecDeque<(usize, AsyncResult<()>)>,
    /// What is left of the chunk that came last.
    left: usize,
    come: Result<Answers, TaskError>,
    value: PhantomData<fn() -> Out>,
}

impl<'a, In: Message, Out: Message, I: Iterator<Item = In>> Feed<'a, In, Out, I> {
    pub(super) fn new(exchange: &'a Arc<Exchange>, callee: Option<Callee>, items: I) -> Self {
        Feed {
            exchange,
            callee,
            items: items.fuse(),
            chunk_size: 1,
            batch: None,
            under_way: VecDeque::new(),
            left: 0,
            come: Err(TaskError::Taken),
            value: PhantomData,
        }
    }

    /// The same, with results in the order in which they come.
    pub(super) fn unordered(self) -> Self {
        let mut feed = self;
        if feed.exchange.is_owner() {
            feed.batch = Some(feed.exchange.desk().book.open_batch());
        }
        feed
    }

    pub(super) fn next(&mut self) -> Option<Result<Out, TaskError>> {
        while self.left == 0 {
            self.draw();
            let first = self.first();
            let (count, result) = self.under_way.remove(first)?;
            (self.left, self.come) = (count, result.bytes().map(Answers::new));
        }
        self.left -= 1;
        Some(match &mut self.come {
            Ok(answers) => match answers.next() {
                Some(answer) => answer,
                // As many came as were asked for.
                None => Err(TaskError::Taken),
            },
            Err(error) => Err(error.clone()),
        })
    }

    /// Which of those under way is next.
    fn first(&self) -> usize {
        let Some(batch) = self.batch else { return 0 };
        if self.under_way.front().is_none_or(|(_, result)| result.ticket.is_err()) {
            return 0;
        }
        // What keeps it from waiting, the first one's `get` says.
        let is_any = self.exchange.wait_until(Deadline::Never, |desk| desk.book.has_next_of(batch));
        let next = is_any.ok().and_then(|_| self.exchange.desk().book.next_of(batch));
        let found = next.map(|next| {
            self.under_way.partition_point(|(_, result)| {
                result.ticket.as_ref().is_ok_and(|ticket| *ticket < next)
            })
        });
        found.unwrap_or(0)
    }

    /// As many as fit at the workers, once they have half of that: a worker that is given
    /// one small task at a time falls asleep after each.
    fn draw(&mut self) {
        let Limits { workers, ahead, .. } = self.exchange.limits();
        if self.under_way.len() > workers * ahead.div_ceil(2) {
            return;
        }
        while self.under_way.len() < workers * ahead {
            let (count, body) = many(self.callee, self.items.by_ref().take(self.chunk_size));
            if count == 0 {
                return;
            }
            let ticket = self.exchange.enter(body, self.batch, None);
            let is_over = ticket.is_err();
            let chunk = (count, AsyncResult::new(Arc::clone(self.exchange), ticket));
            if is_over && self.batch.is_some() {
                // It came first, of all.
                self.under_way.push_front(chunk);
            } else {
                self.under_way.push_back(chunk);
            }
        }
    }

    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        let more = self.left + self.under_way.iter().map(|(count, _)| count).sum::<usize>();
        let (least, most) = self.items.size_hint();
        (least.saturating_add(more), most.and_then(|most| most.checked_add(more)))
    }

    pub(super) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chunks = self.under_way.len();
        f.debug_struct(name).field("chunks_under_way", &chunks).finish_non_exhaustive()
    }
}

/// Nobody wants what is under way.
impl<In: Message, Out: Message, I: Iterator<Item = In>> Drop for Feed<'_, In, Out, I> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.filter(|_| self.exchange.is_owner()) {
            self.exchange.desk().book.close_batch(batch);
        }
        self.under_way.drain(..).for_each(|(_, result)| result.withdraw());
    }
}
