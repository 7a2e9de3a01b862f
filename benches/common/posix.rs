//! The C library's process-shared primitives, as people use them today.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use killproof::{Shareable, Shared};

/// `pthread_mutex_t`, PTHREAD_PROCESS_SHARED.
#[repr(transparent)]
pub struct PthreadMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: process-shared mutexes are used from any thread by address.
unsafe impl Send for PthreadMutex {}
// SAFETY: as above.
unsafe impl Sync for PthreadMutex {}
// SAFETY: without the robust attribute it holds no pointer; with it, glibc
// documents that it may lie in shared memory. C layout, no drop glue.
unsafe impl Shareable for PthreadMutex {}

impl PthreadMutex {
    pub fn new(robust: bool) -> Shared<PthreadMutex> {
        let mutex = PthreadMutex(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
        let shared = Shared::new(mutex).unwrap();
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: a place for attributes.
        assert_eq!(unsafe { libc::pthread_mutexattr_init(attributes) }, 0);
        let process_shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: initialised just above.
        let result = unsafe { libc::pthread_mutexattr_setpshared(attributes, process_shared) };
        assert_eq!(result, 0);
        if robust {
            let robust = libc::PTHREAD_MUTEX_ROBUST;
            // SAFETY: initialised above.
            assert_eq!(unsafe { libc::pthread_mutexattr_setrobust(attributes, robust) }, 0);
        }
        // SAFETY: nobody uses the mutex yet.
        assert_eq!(unsafe { libc::pthread_mutex_init(shared.0.get(), attributes) }, 0);
        shared
    }

    #[inline]
    pub fn lock(&self) {
        // SAFETY: initialised by `new`.
        assert_eq!(unsafe { libc::pthread_mutex_lock(self.0.get()) }, 0);
    }

    /// As `lock`; whether the lock says that its last owner died with it.
    pub fn lock_of_the_dead(&self) -> bool {
        // SAFETY: initialised by `new`.
        let result = unsafe { libc::pthread_mutex_lock(self.0.get()) };
        assert!([0, libc::EOWNERDEAD].contains(&result), "pthread_mutex_lock: {result}");
        result == libc::EOWNERDEAD
    }

    #[inline]
    pub fn unlock(&self) {
        // SAFETY: initialised by `new`, locked by this thread.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.0.get()) }, 0);
    }
}

/// `pthread_rwlock_t`, PTHREAD_PROCESS_SHARED.
#[repr(transparent)]
pub struct PthreadRwLock(UnsafeCell<libc::pthread_rwlock_t>);

// SAFETY: process-shared locks are used from any thread by address.
unsafe impl Send for PthreadRwLock {}
// SAFETY: as above.
unsafe impl Sync for PthreadRwLock {}
// SAFETY: it holds no pointer; C layout, no drop glue.
unsafe impl Shareable for PthreadRwLock {}

impl PthreadRwLock {
    pub fn new() -> Shared<PthreadRwLock> {
        let lock = PthreadRwLock(UnsafeCell::new(libc::PTHREAD_RWLOCK_INITIALIZER));
        let shared = Shared::new(lock).unwrap();
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: a place for attributes.
        assert_eq!(unsafe { libc::pthread_rwlockattr_init(attributes) }, 0);
        let process_shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: initialised just above.
        let result = unsafe { libc::pthread_rwlockattr_setpshared(attributes, process_shared) };
        assert_eq!(result, 0);
        // SAFETY: nobody uses the lock yet.
        assert_eq!(unsafe { libc::pthread_rwlock_init(shared.0.get(), attributes) }, 0);
        shared
    }

    #[inline]
    pub fn read(&self) {
        // SAFETY: initialised by `new`.
        assert_eq!(unsafe { libc::pthread_rwlock_rdlock(self.0.get()) }, 0);
    }

    #[inline]
    pub fn write(&self) {
        // SAFETY: initialised by `new`.
        assert_eq!(unsafe { libc::pthread_rwlock_wrlock(self.0.get()) }, 0);
    }

    #[inline]
    pub fn unlock(&self) {
        // SAFETY: initialised by `new`, locked by this thread.
        assert_eq!(unsafe { libc::pthread_rwlock_unlock(self.0.get()) }, 0);
    }
}

/// `sem_t`, shared between processes.
#[repr(transparent)]
pub struct PosixSemaphore(UnsafeCell<MaybeUninit<libc::sem_t>>);

// SAFETY: semaphores are used from any thread by address.
unsafe impl Send for PosixSemaphore {}
// SAFETY: as above.
unsafe impl Sync for PosixSemaphore {}
// SAFETY: two numbers; C layout, no drop glue.
unsafe impl Shareable for PosixSemaphore {}

impl PosixSemaphore {
    pub fn new(permits: u32) -> Shared<PosixSemaphore> {
        let semaphore = PosixSemaphore(UnsafeCell::new(MaybeUninit::uninit()));
        let shared = Shared::new(semaphore).unwrap();
        // SAFETY: nobody uses the semaphore yet.
        assert_eq!(unsafe { libc::sem_init(shared.0.get().cast(), 1, permits) }, 0);
        shared
    }

    #[inline]
    pub fn acquire(&self) {
        // SAFETY: initialised by `new`.
        assert_eq!(unsafe { libc::sem_wait(self.0.get().cast()) }, 0);
    }

    #[inline]
    pub fn release(&self) {
        // SAFETY: initialised by `new`.
        assert_eq!(unsafe { libc::sem_post(self.0.get().cast()) }, 0);
    }
}

/// `pthread_barrier_t`, PTHREAD_PROCESS_SHARED.
#[repr(transparent)]
pub struct PthreadBarrier(UnsafeCell<MaybeUninit<libc::pthread_barrier_t>>);

// SAFETY: process-shared barriers are used from any thread by address.
unsafe impl Send for PthreadBarrier {}
// SAFETY: as above.
unsafe impl Sync for PthreadBarrier {}
// SAFETY: numbers; C layout, no drop glue.
unsafe impl Shareable for PthreadBarrier {}

impl PthreadBarrier {
    pub fn new(parties: u32) -> Shared<PthreadBarrier> {
        let barrier = PthreadBarrier(UnsafeCell::new(MaybeUninit::uninit()));
        let shared = Shared::new(barrier).unwrap();
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: a place for attributes.
        assert_eq!(unsafe { libc::pthread_barrierattr_init(attributes) }, 0);
        let process_shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: initialised just above.
        let result = unsafe { libc::pthread_barrierattr_setpshared(attributes, process_shared) };
        assert_eq!(result, 0);
        let place = shared.0.get().cast();
        // SAFETY: nobody uses the barrier yet.
        assert_eq!(unsafe { libc::pthread_barrier_init(place, attributes, parties) }, 0);
        shared
    }

    #[inline]
    pub fn wait(&self) {
        // SAFETY: initialised by `new`.
        let result = unsafe { libc::pthread_barrier_wait(self.0.get().cast()) };
        assert!(result == 0 || result == libc::PTHREAD_BARRIER_SERIAL_THREAD);
    }
}

/// `pthread_cond_t` with its mutex, PTHREAD_PROCESS_SHARED.
pub struct PthreadCondvar(UnsafeCell<libc::pthread_cond_t>);

// SAFETY: process-shared condition variables are used from any thread by address.
unsafe impl Send for PthreadCondvar {}
// SAFETY: as above.
unsafe impl Sync for PthreadCondvar {}
// SAFETY: numbers; C layout, no drop glue.
unsafe impl Shareable for PthreadCondvar {}

impl PthreadCondvar {
    pub fn new() -> Shared<PthreadCondvar> {
        let condvar = PthreadCondvar(UnsafeCell::new(libc::PTHREAD_COND_INITIALIZER));
        let shared = Shared::new(condvar).unwrap();
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: a place for attributes.
        assert_eq!(unsafe { libc::pthread_condattr_init(attributes) }, 0);
        let process_shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: initialised just above.
        let result = unsafe { libc::pthread_condattr_setpshared(attributes, process_shared) };
        assert_eq!(result, 0);
        // SAFETY: nobody uses it yet.
        assert_eq!(unsafe { libc::pthread_cond_init(shared.0.get(), attributes) }, 0);
        shared
    }

    /// `mutex` is held.
    pub fn wait(&self, mutex: &PthreadMutex) {
        // SAFETY: both were initialised by their `new`.
        assert_eq!(unsafe { libc::pthread_cond_wait(self.0.get(), mutex.0.get()) }, 0);
    }

    pub fn notify_all(&self) {
        // SAFETY: initialised by `new`.
        assert_eq!(unsafe { libc::pthread_cond_broadcast(self.0.get()) }, 0);
    }

    pub fn notify_one(&self) {
        // SAFETY: initialised by `new`.
        assert_eq!(unsafe { libc::pthread_cond_signal(self.0.get()) }, 0);
    }
}
