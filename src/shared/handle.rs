//! `Shared<T>`: a value in shared memory, and the mapping that keeps it there.
#![allow(unsafe_code)]

use core::fmt;
use core::mem::size_of;
use core::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

use super::layout::Layout;
use super::region::Region;
use super::shareable::{Placement, Shareable};
use crate::error::{Error, Kind};

/// An [`Arc`] whose target lies in memory that forked children share.
///
/// Made before the fork, it is the same value in every child. The memory is an
/// anonymous file without a name: it is gone when the last process that maps it
/// is, however that process ended, and nothing is left to clean up.
///
/// # When a process dies
///
/// Its mapping goes, everybody else's stays. What was in the middle of being
/// changed is for the type inside to say: [`Mutex`](crate::sync::Mutex) and
/// [`Semaphore`](crate::sync::Semaphore) recover, plain atomics hold what was
/// last stored.
///
/// # Examples
///
/// ```
/// use killproof::{Shared, sync::Mutex};
///
/// let counter = Shared::new(Mutex::new(41_u64))?;
/// *counter.lock()? += 1;
/// assert_eq!(*counter.lock()?, 42);
/// # Ok::<(), killproof::Error>(())
/// ```
pub struct Shared<T: Shareable> {
    /// Inside the region's body, of which it may be a part.
    value: NonNull<T>,
    region: Arc<Region>,
}

// SAFETY: a `Shared` is a `&T` that keeps its target mapped, and `T: Shareable`
// is `Send + Sync`.
unsafe impl<T: Shareable> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Shareable> Sync for Shared<T> {}

impl<T: Shareable> Shared<T> {
    /// Moves `value` into shared memory and makes its primitives ready for use.
    ///
    /// # Errors
    ///
    /// When the kernel gives no memory or descriptor, when it offers no pidfd,
    /// or when this process lives in another PID namespace than its family.
    pub fn new(value: T) -> Result<Shared<T>, Error> {
        let region = Region::create("killproof", &Layout::of::<T>(), size_of::<T>())?;
        // SAFETY: just made, so nobody else can see it yet.
        unsafe { Shared::place_in(&region, value) };
        Ok(Shared::over(region))
    }

    /// Moves `value` into a region and makes its primitives ready for use.
    ///
    /// # Safety
    ///
    /// Nobody else can see the region yet.
    ///
    /// # Panics
    ///
    /// When the region is too small for it.
    pub(crate) unsafe fn place_in(region: &Region, value: T) {
        const { assert!(align_of::<T>() <= 128, "aligned to more than two cache lines") };
        assert!(size_of::<T>() <= region.len());
        let place = region.body().cast::<T>();
        // SAFETY: 1. There is room for it, just asserted, and the body is aligned to
        //    128, which the assertion before says is enough. 2. Nobody else can see the
        //    region yet, says the caller.
        unsafe { place.write(value) };
        // SAFETY: just written, and mapped for as long as `region` lives.
        unsafe { place.as_ref() }.place(&Placement::new());
    }

    pub(super) fn region(&self) -> &Region {
        &self.region
    }

    /// Maps a value whose [`as_fd`](Shared::as_fd) arrived here, over a socket
    /// or through exec.
    ///
    /// # Errors
    ///
    /// [`is_corrupt`](Error::is_corrupt) when the descriptor is not such a
    /// region or its length is not sealed, [`is_mismatch`](Error::is_mismatch)
    /// when it was made for another type or by another version,
    /// [`is_foreign_namespace`](Error::is_foreign_namespace) when its creator
    /// lives in another PID namespace.
    ///
    /// # Safety
    ///
    /// - The bytes behind the header are a valid `T`: they were written by
    ///   [`Shared::new`] and changed through `T`'s own methods, or any bytes are
    ///   a valid `T`.
    /// - Nobody writes to the file otherwise while it is mapped here.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Shared, sync::Value};
    ///
    /// let count = Shared::new(Value::new(1_u32))?;
    /// // SAFETY: nobody writes to the file by this descriptor.
    /// let fd = unsafe { count.as_fd() }.try_clone_to_owned()?;
    /// // SAFETY: it was made by `Shared::new`, of this type, just now.
    /// let same = unsafe { Shared::<Value<u32>>::open(fd) }?;
    /// count.set(2)?;
    /// assert_eq!(same.get(), 2);
    ///
    /// // SAFETY: as above.
    /// let fd = unsafe { count.as_fd() }.try_clone_to_owned()?;
    /// // SAFETY: of another type: this is refused.
    /// assert!(unsafe { Shared::<Value<u64>>::open(fd) }.unwrap_err().is_mismatch());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn open(fd: OwnedFd) -> Result<Shared<T>, Error> {
        // SAFETY: the caller vouches for the bytes.
        unsafe { Shared::found_in(Region::open(fd, &Layout::of::<T>())?) }
    }

    /// A handle to the value that somebody placed in a region.
    ///
    /// # Errors
    ///
    /// [`is_corrupt`](Error::is_corrupt) when the region is too small for one.
    ///
    /// # Safety
    ///
    /// [`open`](Shared::open)'s.
    pub(crate) unsafe fn found_in(region: Region) -> Result<Shared<T>, Error> {
        if region.len() < size_of::<T>() {
            return Err(Error::new("region", Kind::Corrupt));
        }
        Ok(Shared::over(region))
    }

    /// The memory file, to be sent to another process and
    /// [opened](Shared::open) there.
    ///
    /// # Safety
    ///
    /// Nobody writes to the file by its descriptor while it is mapped: it would
    /// change what a `&T` refers to.
    pub unsafe fn as_fd(&self) -> BorrowedFd<'_> {
        AsFd::as_fd(&*self.region)
    }

    /// A handle to a part of the value, which keeps the whole mapped.
    ///
    /// # Panics
    ///
    /// When `part` returns something that is no part of the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::sync::{Barrier, Mutex};
    /// use killproof::{Shared, shareable};
    ///
    /// shareable! {
    ///     struct Office { visitors: Mutex<u64>, meeting: Barrier }
    /// }
    ///
    /// let office = Shared::new(Office { visitors: Mutex::new(0), meeting: Barrier::new(2) })?;
    /// let meeting: Shared<Barrier> = Shared::map(&office, |office| &office.meeting);
    /// let _party = meeting.party()?;
    /// # Ok::<(), killproof::Error>(())
    /// ```
    pub fn map<U: Shareable>(this: &Shared<T>, part: impl FnOnce(&T) -> &U) -> Shared<U> {
        let value = NonNull::from(part(this));
        let (start, end) = (this.value.addr().get(), this.value.addr().get() + size_of::<T>());
        let inside = value.addr().get() >= start && value.addr().get() + size_of::<U>() <= end;
        assert!(inside, "not a part of the shared value");
        Shared { value, region: Arc::clone(&this.region) }
    }

    /// A handle to the `T` at the start of the region's body.
    fn over(region: Region) -> Shared<T> {
        Shared { value: region.body().cast(), region: Arc::new(region) }
    }
}

impl<T: Shareable> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: 1. The body holds a `T`: `new` wrote it, `open`'s caller vouches
        //    for it, or `map` had a reference to it. 2. It stays mapped while
        //    `self.region` lives. 3. `T: Shareable`, so other processes change it only
        //    as `&T` allows, which is `Sync`.
        unsafe { self.value.as_ref() }
    }
}

impl<T: Shareable> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared { value: self.value, region: Arc::clone(&self.region) }
    }
}

impl<T: Shareable + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&**self).finish()
    }
}
