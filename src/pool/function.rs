//! Tasks that bring their own function.

use std::sync::Arc;

use super::body::one;
use super::error::{PoolError, TaskError};
use super::feed::Feed;
use super::handle::Pool;
use super::result::AsyncResult;
use crate::shared::message::Message;

impl Pool<(), ()> {
    /// A pool of so many workers without a function of its own: each task brings one, to
    /// [`apply_fn`](Pool::apply_fn), [`map_fn`](Pool::map_fn).
    ///
    /// # Errors
    ///
    /// As [`Builder::build`](super::Builder::build).
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::pool::Pool;
    ///
    /// fn square(n: u64) -> u64 {
    ///     n * n
    /// }
    ///
    /// let pool = Pool::functions(4)?;
    /// assert_eq!(pool.apply_fn(square, 7)?, 49);
    /// assert_eq!(pool.apply_fn(|(a, b): (u8, u8)| a + b, (3, 4))?, 7);
    /// assert_eq!(pool.map_fn(square, 1..=4)?, [1, 4, 9, 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn functions(workers: impl Into<Option<usize>>) -> Result<Pool<(), ()>, PoolError> {
        Pool::new(workers, |()| ())
    }
}

/// With a function of the task's own. Any pool takes such tasks, beside those for the
/// function that it was made with; what is said of these holds for them.
///
/// The function travels by its address, as in a [`Zygote`](crate::process::Zygote): it is
/// a `fn`, or a closure that captures nothing.
impl<In, Out> Pool<In, Out> {
    /// Runs `function` with `args` in a worker and waits for its result.
    ///
    /// # Errors
    ///
    /// See [`TaskError`]; [`TaskError::Failed`] with
    /// [`is_limit`](crate::Error::is_limit) also for a function of a library that was loaded
    /// after the pool was made.
    ///
    /// # Examples
    ///
    /// ```compile_fail,E0308
    /// let captured = 5_u8;
    /// let pool = killproof::pool::Pool::functions(1).unwrap();
    /// pool.apply_fn(move |()| captured, ()).unwrap();
    /// ```
    pub fn apply_fn<A: Message, R: Message>(
        &self,
        function: fn(A) -> R,
        args: A,
    ) -> Result<R, TaskError> {
        self.apply_fn_async(function, args).get()
    }

    /// Runs `function` with `args` in a worker, and returns at once; as
    /// [`apply_async`](Pool::apply_async).
    ///
    /// # Errors
    ///
    /// None here: the result says what [`apply_fn`](Pool::apply_fn) would.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = killproof::pool::Pool::functions(2)?;
    /// let length = pool.apply_fn_async(|text: String| text.len() as u64, "four".into());
    /// let sum = pool.apply_fn_async(|list: Vec<u64>| list.iter().sum::<u64>(), vec![1, 2, 3]);
    /// assert_eq!((length.get()?, sum.get()?), (4, 6));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_fn_async<A: Message, R: Message>(
        &self,
        function: fn(A) -> R,
        args: A,
    ) -> AsyncResult<R> {
        match self.exchange().callee(function) {
            Ok(callee) => self.enter(one(Some(callee), &args), None),
            Err(error) => AsyncResult::new(Arc::clone(self.exchange()), Err(error)),
        }
    }

    /// Runs `function` with each of the items, and gives the results in their order; as
    /// [`map`](Pool::map).
    ///
    /// # Errors
    ///
    /// As [`map`](Pool::map) and [`apply_fn`](Pool::apply_fn).
    pub fn map_fn<A: Message, R: Message>(
        &self,
        function: fn(A) -> R,
        items: impl IntoIterator<Item = A>,
    ) -> Result<Vec<R>, TaskError> {
        let callee = self.exchange().callee(function)?;
        let mut results = Feed::new(self.exchange(), Some(callee), items.into_iter());
        core::iter::from_fn(|| results.next()).collect()
    }
}
