//! One function, many arguments.

use core::fmt;
use core::time::Duration;
use std::iter::FusedIterator;

use super::error::TaskError;
use super::feed::Feed;
use super::handle::Pool;
use super::result::AsyncResult;
use crate::deadline::Deadline;
use crate::shared::message::Message;

impl<In: Message, Out: Message> Pool<In, Out> {
    /// Runs the function with each of the items, and gives the results in their order.
    ///
    /// Items are drawn from the iterator as workers have room, not all at once. Each is a
    /// task of its own: were they put together unasked, a worker that is killed would fail
    /// items that it had done, or had not come to. Where they take microseconds, ask for it:
    /// `pool.imap(items).chunk_size(1000).collect()`, see [`Imap::chunk_size`].
    ///
    /// # Errors
    ///
    /// The error of the first item, in their order, that has one. Those that were not
    /// begun by then are not begun; to have all results, see
    /// [`map_each`](Pool::map_each).
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = killproof::pool::Pool::new(4, |n: u64| n * n)?;
    /// assert_eq!(pool.map(1..=5)?, [1, 4, 9, 16, 25]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map(&self, items: impl IntoIterator<Item = In>) -> Result<Vec<Out>, TaskError> {
        self.imap(items).collect()
    }

    /// Runs the function with each of the items, and gives what became of each, in their
    /// order.
    ///
    /// # Errors
    ///
    /// Each of the results is that of [`apply`](Pool::apply): see [`TaskError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::pool::{Pool, TaskError};
    ///
    /// let pool = Pool::new(2, |n: u8| if n == 2 { std::process::exit(7) } else { n })?;
    /// assert_eq!(pool.map_each(1..=3), [Ok(1), Err(TaskError::Exited(7)), Ok(3)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map_each(&self, items: impl IntoIterator<Item = In>) -> Vec<Result<Out, TaskError>> {
        self.imap(items).collect()
    }

    /// As [`map_each`](Pool::map_each), and returns at once: the items wait here, as
    /// bytes, until workers have room.
    ///
    /// # Errors
    ///
    /// None here: what keeps an item from being run, such as a closed pool, its result
    /// says.
    pub fn map_async(&self, items: impl IntoIterator<Item = In>) -> MapResult<Out> {
        MapResult { results: items.into_iter().map(|item| self.apply_async(item)).collect() }
    }

    /// An iterator over what becomes of the items, in their order.
    ///
    /// It is lazy: as many items are under way as fit at the workers, counting from the
    /// one whose result is next, so neither items nor results pile up. Dropped, it drops
    /// the results of those under way.
    ///
    /// # Examples
    ///
    /// The items may be without end:
    ///
    /// ```
    /// let pool = killproof::pool::Pool::new(2, |n: u64| n * 2)?;
    /// let some: Result<Vec<u64>, _> = pool.imap(1..).take(4).collect();
    /// assert_eq!(some?, [2, 4, 6, 8]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn imap<I>(&self, items: I) -> Imap<'_, In, Out, I::IntoIter>
    where
        I: IntoIterator<Item = In>,
    {
        Imap { feed: Feed::new(self.exchange(), None, items.into_iter()) }
    }

    /// As [`imap`](Pool::imap), in the order in which they are finished.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = killproof::pool::Pool::new(3, |n: u64| n)?;
    /// let mut done = Vec::new();
    /// for result in pool.imap_unordered(0..10) {
    ///     done.push(result?);
    /// }
    /// done.sort();
    /// assert_eq!(done, Vec::from_iter(0..10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn imap_unordered<I>(&self, items: I) -> ImapUnordered<'_, In, Out, I::IntoIter>
    where
        I: IntoIterator<Item = In>,
    {
        ImapUnordered { feed: Feed::new(self.exchange(), None, items.into_iter()).unordered() }
    }
}

/// The results of [`Pool::imap`], in the order of the items.
///
/// # Examples
///
/// See [`Pool::imap`].
#[must_use = "iterators are lazy: no task is begun before the first `next`"]
pub struct Imap<'a, In: Message, Out: Message, I: Iterator<Item = In>> {
    feed: Feed<'a, In, Out, I>,
}

/// The results of [`Pool::imap_unordered`], as they come.
///
/// # Examples
///
/// See [`Pool::imap_unordered`].
#[must_use = "iterators are lazy: no task is begun before the first `next`"]
pub struct ImapUnordered<'a, In: Message, Out: Message, I: Iterator<Item = In>> {
    feed: Feed<'a, In, Out, I>,
}

impl<In: Message, Out: Message, I: Iterator<Item = In>> Imap<'_, In, Out, I> {
    /// How many items travel together. Default: 1; zero counts as one.
    ///
    /// More of them pay where items are small and many; Python's `map` takes a quarter of
    /// each worker's share. Together they are one task, no larger than
    /// [`largest`](super::Builder::largest): a worker that is killed fails all of them,
    /// also those that it had done; they are tried again together, and share one time
    /// limit. That is why nobody chooses it for you. A panic is still the error of its own
    /// item. What was drawn already is as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = killproof::pool::Pool::new(2, |n: u64| n + 1)?;
    /// let sums: Result<Vec<u64>, _> = pool.imap(0..1000).chunk_size(50).collect();
    /// assert_eq!(sums?.len(), 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.feed.chunk_size = items.max(1);
        self
    }
}

impl<In: Message, Out: Message, I: Iterator<Item = In>> ImapUnordered<'_, In, Out, I> {
    /// How many items travel together: as [`Imap::chunk_size`].
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.feed.chunk_size = items.max(1);
        self
    }
}

impl<In: Message, Out: Message, I: Iterator<Item = In>> Iterator for Imap<'_, In, Out, I> {
    type Item = Result<Out, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.feed.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.feed.size_hint()
    }
}

impl<In: Message, Out: Message, I: Iterator<Item = In>> Iterator for ImapUnordered<'_, In, Out, I> {
    type Item = Result<Out, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.feed.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.feed.size_hint()
    }
}

impl<In: Message, Out: Message, I: Iterator<Item = In>> FusedIterator for Imap<'_, In, Out, I> {}

impl<In: Message, Out: Message, I: Iterator<Item = In>> FusedIterator
    for ImapUnordered<'_, In, Out, I>
{
}

impl<In: Message, Out: Message, I: Iterator<Item = In>> fmt::Debug for Imap<'_, In, Out, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.feed.show("Imap", f)
    }
}

impl<In: Message, Out: Message, I: Iterator<Item = In>> fmt::Debug
    for ImapUnordered<'_, In, Out, I>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.feed.show("ImapUnordered", f)
    }
}

/// What will become of many tasks; from [`Pool::map_async`].
///
/// # Examples
///
/// See [`get`](MapResult::get).
#[derive(Debug)]
#[must_use = "dropped, nobody learns what became of the tasks"]
pub struct MapResult<Out> {
    results: Vec<AsyncResult<Out>>,
}

impl<Out: Message> MapResult<Out> {
    /// Waits for all of them, and gives the results in the order of the items.
    ///
    /// # Errors
    ///
    /// The error of the first item, in their order, that has one.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = killproof::pool::Pool::new(2, |n: i32| -n)?;
    /// let (some, more) = (pool.map_async(0..3), pool.map_async(3..5));
    /// assert_eq!(more.get()?, [-3, -4]);
    /// assert_eq!(some.get()?, [0, -1, -2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(self) -> Result<Vec<Out>, TaskError> {
        self.results.into_iter().map(AsyncResult::get).collect()
    }

    /// Waits for all of them, and gives what became of each, in the order of the items.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::pool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(2, |n: u32| if n == 0 { panic!("zero") } else { n })?;
    /// let results = pool.map_async(0..3);
    /// results.wait();
    /// assert!(results.ready() && results.wait_timeout(Duration::ZERO));
    /// assert_eq!(results.successful(), Some(false));
    /// let each = results.get_each();
    /// assert!(each[0].is_err());
    /// assert_eq!(each[1..], [Ok(1), Ok(2)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_each(self) -> Vec<Result<Out, TaskError>> {
        self.results.into_iter().map(AsyncResult::get).collect()
    }

    /// Waits until all are finished, well or not.
    ///
    /// # Examples
    ///
    /// See [`get_each`](MapResult::get_each).
    pub fn wait(&self) {
        self.results.iter().for_each(AsyncResult::wait);
    }

    /// Waits at most `timeout` until all are finished; whether they are.
    ///
    /// # Examples
    ///
    /// See [`get_each`](MapResult::get_each).
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let deadline = Deadline::after(timeout);
        self.results.iter().all(|result| result.wait_until(deadline))
    }

    /// Whether all are finished, well or not.
    ///
    /// # Examples
    ///
    /// See [`get_each`](MapResult::get_each).
    pub fn ready(&self) -> bool {
        self.results.iter().all(AsyncResult::ready)
    }

    /// Whether all have come to values; `None` while not all are finished.
    ///
    /// # Examples
    ///
    /// See [`get_each`](MapResult::get_each).
    pub fn successful(&self) -> Option<bool> {
        let all: Option<Vec<bool>> = self.results.iter().map(AsyncResult::successful).collect();
        all.map(|all| all.into_iter().all(|successful| successful))
    }
}
