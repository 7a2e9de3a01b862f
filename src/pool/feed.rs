//! Items drawn as workers have room for them, some at a time, and what becomes of them.

use core::fmt;
use core::iter::Fuse;
use std::collections::VecDeque;

use super::error::TaskError;
use super::handle::Pool;
use super::report::{Piece, of_piece};
use super::result::{AsyncResult, value};
use crate::shared::message::{Message, to_bytes};

/// So many items, and what will become of them.
pub(super) type Chunk = (usize, AsyncResult<Vec<Piece>>);

pub(super) struct Feed<'a, In: Message, Out: Message, I: Iterator<Item = In>> {
    pool: &'a Pool<In, Out>,
    items: Fuse<I>,
    pub(super) chunk_size: usize,
    /// In the items' order.
    under_way: VecDeque<Chunk>,
    /// Results of the chunk that came last.
    come: VecDeque<Result<Out, TaskError>>,
}

impl<'a, In: Message, Out: Message, I: Iterator<Item = In>> Feed<'a, In, Out, I> {
    pub(super) fn new(pool: &'a Pool<In, Out>, items: I) -> Self {
        let (under_way, come) = (VecDeque::new(), VecDeque::new());
        Feed { pool, items: items.fuse(), chunk_size: 1, under_way, come }
    }

    /// The next result, of the chunk that `pick` waits for.
    pub(super) fn next(
        &mut self,
        pick: impl Fn(&Pool<In, Out>, &VecDeque<Chunk>) -> usize,
    ) -> Option<Result<Out, TaskError>> {
        while self.come.is_empty() {
            self.draw();
            if self.under_way.is_empty() {
                return None;
            }
            let (count, result) = self.under_way.remove(pick(self.pool, &self.under_way))?;
            match result.get() {
                Ok(pieces) => self.come.extend(pieces.into_iter().map(|it| value(of_piece(it)))),
                Err(error) => self.come.extend((0..count).map(|_| Err(error.clone()))),
            }
        }
        self.come.pop_front()
    }

    /// As many as fit at the workers.
    fn draw(&mut self) {
        while self.under_way.len() < self.pool.window() {
            let chunk = self.items.by_ref().take(self.chunk_size);
            let chunk: Vec<Vec<u8>> = chunk.map(|item| to_bytes(&item)).collect();
            if chunk.is_empty() {
                return;
            }
            self.under_way.push_back((chunk.len(), self.pool.apply_to_many(&chunk)));
        }
    }

    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        let more = self.come.len() + self.under_way.iter().map(|(count, _)| count).sum::<usize>();
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
        self.under_way.drain(..).for_each(|(_, result)| result.withdraw());
    }
}
