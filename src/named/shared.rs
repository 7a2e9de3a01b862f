//! A `Shared` by name.
#![allow(unsafe_code)]

use super::builder::Named;
use crate::error::Error;
use crate::shared::exposed::Exposed;
use crate::shared::handle::Shared;
use crate::shared::layout::Layout;
use crate::shared::region::Region;

impl Named {
    /// Moves `value` into memory that has the name; otherwise as
    /// [`create`](Named::create).
    ///
    /// # Errors
    ///
    /// As [`create`](Named::create).
    ///
    /// # When a process dies
    ///
    /// As with [`create`](Named::create): nobody sees a value that is not complete.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Named, Shared, process, sync::Value};
    ///
    /// let named = Named::new(format!("total-{}", std::process::id()));
    /// let total = named.create_shared(Value::new(40_u64))?;
    /// let adder = process::spawn(move || {
    ///     // As a program would that has nothing of this one but the name.
    ///     let named = Named::new(format!("total-{}", process::current().parent()));
    ///     let total: Shared<Value<u64>> = named.open_shared().unwrap();
    ///     total.fetch_add(2).unwrap();
    /// })?;
    /// adder.join()?;
    /// assert_eq!(total.get(), 42);
    /// named.unlink()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_shared<T: Exposed>(&self, value: T) -> Result<Shared<T>, Error> {
        let place = |region: &Region| {
            // SAFETY: it has no name yet, so nobody else can see it.
            unsafe { Shared::place_in(region, value) }
        };
        let region = self.create_region(&layout::<T>(), size_of::<T>(), place)?;
        // SAFETY: placed just now, and `T: Exposed`, whatever others do with it.
        unsafe { Shared::found_in(region) }
    }

    /// Opens the value that has the name; otherwise as [`open`](Named::open).
    ///
    /// Of a type, its name counts without the path before it, its size and its alignment:
    /// two programs may each have written it down.
    ///
    /// # Errors
    ///
    /// As [`open`](Named::open).
    pub fn open_shared<T: Exposed>(&self) -> Result<Shared<T>, Error> {
        // SAFETY: `T: Exposed`: any bytes are one, or its user vouches for them.
        unsafe { Shared::found_in(self.open_region(&layout::<T>())?) }
    }

    /// Opens the value that has the name, or makes it where nothing has; otherwise as
    /// [`open_or_create`](Named::open_or_create).
    ///
    /// `value` may be called, though then another process was faster.
    ///
    /// # Errors
    ///
    /// As [`open_or_create`](Named::open_or_create).
    pub fn open_or_create_shared<T: Exposed>(
        &self,
        value: impl Fn() -> T,
    ) -> Result<Shared<T>, Error> {
        self.either(|| self.open_shared(), |new| new.create_shared(value()))
    }
}

fn layout<T>() -> Layout {
    Layout::of::<T>().between_strangers("value")
}
