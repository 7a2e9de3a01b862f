//! Shared memory for the tests' own words: independent of the crate, so that a
//! bug in the crate's regions cannot hide a bug in what is tested on them.

#![allow(unsafe_code)]

use std::fs::File;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::thread::futex;

/// A `T` that this process and the children forked from here on see alike.
pub struct Mapped<T> {
    map: MmapRaw,
    holds: PhantomData<T>,
}

impl<T: Sync> Mapped<T> {
    pub fn new(value: T) -> Self {
        // Nobody could say which process is to drop it.
        const { assert!(!std::mem::needs_drop::<T>() && size_of::<T>() > 0) };
        let fd = memfd_create("test", MemfdFlags::CLOEXEC).expect("memfd_create");
        let file = File::from(fd);
        file.set_len(size_of::<T>() as u64).expect("ftruncate");
        let map = MmapOptions::new().len(size_of::<T>()).map_raw(&file).expect("mmap");
        // SAFETY: the mapping was made above with the size of `T`, page aligned,
        // and nobody else knows its address or its descriptor yet.
        unsafe { map.as_mut_ptr().cast::<T>().write(value) };
        Self { map, holds: PhantomData }
    }
}

impl<T> Deref for Mapped<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `new` wrote a `T` there, the mapping lives as long as `self`,
        // and others change it only through `&T`, which `T: Sync` allows.
        unsafe { &*self.map.as_ptr().cast::<T>() }
    }
}

/// A door that one process opens and others wait at.
#[derive(Default)]
pub struct Gate(AtomicU32);

impl Gate {
    pub fn open(&self) {
        self.0.store(1, Ordering::Release);
        let _ = futex::wake(&self.0, futex::Flags::empty(), i32::MAX as u32);
    }

    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire) == 1
    }

    /// Sleeps until the gate is open.
    pub fn pass(&self) {
        while !self.is_open() {
            let _ = futex::wait(&self.0, futex::Flags::empty(), 0, None);
        }
    }
}

/// A door that this process and the children spawned from here on share.
pub fn gate() -> Arc<Mapped<Gate>> {
    Arc::new(Mapped::new(Gate::default()))
}

/// Text that a child leaves for its parent; longer text is cut.
pub struct Note {
    len: AtomicUsize,
    bytes: [AtomicU8; 4000],
}

impl Note {
    pub const fn new() -> Self {
        Self { len: AtomicUsize::new(0), bytes: [const { AtomicU8::new(0) }; 4000] }
    }

    pub fn write(&self, text: &str) {
        for (to, from) in self.bytes.iter().zip(text.bytes()) {
            to.store(from, Ordering::Relaxed);
        }
        let len = text.len().min(self.bytes.len());
        self.len.store(len, Ordering::Release);
    }

    pub fn read(&self) -> String {
        let len = self.len.load(Ordering::Acquire);
        let bytes: Vec<u8> = self.bytes[..len].iter().map(|b| b.load(Ordering::Relaxed)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
