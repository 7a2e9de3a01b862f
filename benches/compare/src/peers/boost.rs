//! Boost.Interprocess: `message_queue` and `interprocess_mutex`, by way of `boost.cpp`,
//! which is compiled and loaded when it is first asked for.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::process::Command;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::channel::{CAPACITY, Channel, Missing, Receiver, Sender};
use crate::message::{Message, bytes_of, bytes_of_mut, message};

type NewQueue = unsafe extern "C" fn(*const c_char, usize, usize) -> *mut c_void;
type Send = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> bool;
type Receive = unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> usize;
type DropQueue = unsafe extern "C" fn(*mut c_void);
type MutexSize = unsafe extern "C" fn() -> usize;
type NewMutex = unsafe extern "C" fn(*mut c_void);
type Lock = unsafe extern "C" fn(*mut c_void) -> bool;

/// The functions of `boost.cpp`.
#[derive(Clone, Copy)]
struct Functions {
    queue: NewQueue,
    send: Send,
    receive: Receive,
    drop_queue: DropQueue,
    mutex_size: MutexSize,
    mutex: NewMutex,
    lock: Lock,
}

fn functions() -> Result<Functions, Missing> {
    static LOADED: OnceLock<Result<Functions, String>> = OnceLock::new();
    LOADED.get_or_init(load).clone().map_err(Missing)
}

fn load() -> Result<Functions, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/peers/boost.cpp");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let library = program.with_file_name("libcompare_boost.so");
    let compiler = Command::new("c++")
        .args(["-std=c++17", "-O2", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .args(["-lrt", "-pthread"])
        .output();
    match compiler {
        Err(error) => return Err(format!("c++: {error}")),
        Ok(output) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().next().unwrap_or_default();
            return Err(format!("c++ does not compile it: {first}"));
        }
        Ok(_) => {}
    }
    let path = CString::new(library.into_os_string().into_encoded_bytes())
        .map_err(|error| error.to_string())?;
    // SAFETY: a path; what it has to initialise is the C++ library.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    if library.is_null() {
        return Err("the library that was compiled does not load".into());
    }
    let find = |name: &CStr| {
        // SAFETY: a library that stays loaded, and a name.
        let found = unsafe { libc::dlsym(library, name.as_ptr()) };
        if found.is_null() { Err(format!("{name:?} is not in it")) } else { Ok(found) }
    };
    /// The function of this name and type.
    macro_rules! function {
        ($name:literal, $function:ty) => {
            // SAFETY: `boost.cpp` declares it so.
            unsafe { std::mem::transmute::<*mut c_void, $function>(find($name)?) }
        };
    }
    Ok(Functions {
        queue: function!(c"compare_queue", NewQueue),
        send: function!(c"compare_send", Send),
        receive: function!(c"compare_receive", Receive),
        drop_queue: function!(c"compare_drop_queue", DropQueue),
        mutex_size: function!(c"compare_mutex_size", MutexSize),
        mutex: function!(c"compare_mutex", NewMutex),
        lock: function!(c"compare_lock", Lock),
    })
}

/// `message_queue`, which has one lock for everybody.
pub struct Queue {
    functions: Functions,
    queue: *mut c_void,
}

// SAFETY: Boost's queue is used from any thread by its address.
unsafe impl Sync for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: made by `new`; the ends of this process are gone.
        unsafe { (self.functions.drop_queue)(self.queue) };
    }
}

pub struct End {
    functions: Functions,
    queue: *mut c_void,
}

impl<const WORDS: usize> Channel<WORDS> for Queue {
    type Sender = End;
    type Receiver = End;

    fn new() -> Result<Self, Missing> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let functions = functions()?;
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = CString::new(format!("killproof-compare-{}-{number}", std::process::id()))
            .expect("no zero in it");
        // SAFETY: a name.
        let queue =
            unsafe { (functions.queue)(name.as_ptr(), CAPACITY, size_of::<Message<WORDS>>()) };
        if queue.is_null() {
            return Err(Missing("no queue".into()));
        }
        Ok(Queue { functions, queue })
    }

    fn sender(&self) -> End {
        End { functions: self.functions, queue: self.queue }
    }

    fn receiver(&self) -> End {
        End { functions: self.functions, queue: self.queue }
    }
}

impl<const WORDS: usize> Sender<WORDS> for End {
    #[inline]
    fn send(&mut self, message: Message<WORDS>) -> bool {
        let bytes = bytes_of(&message);
        // SAFETY: a queue that outlives its ends, and so many bytes.
        unsafe { (self.functions.send)(self.queue, bytes.as_ptr().cast(), bytes.len()) }
    }
}

impl<const WORDS: usize> Receiver<WORDS> for End {
    #[inline]
    fn recv(&mut self) -> Option<Message<WORDS>> {
        let mut message = message(0);
        let bytes = bytes_of_mut(&mut message);
        let (place, len) = (bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: a queue that outlives its ends, and room for so many bytes.
        let got = unsafe { (self.functions.receive)(self.queue, place, len) };
        (got == len).then_some(message)
    }
}

/// `interprocess_mutex`, in memory that is shared with who comes by a fork.
pub struct Mutex {
    functions: Functions,
    place: *mut c_void,
}

impl Mutex {
    pub fn new() -> Result<Mutex, Missing> {
        let functions = functions()?;
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        let kind = kind | libc::MAP_ANONYMOUS;
        // SAFETY: it says how large it is.
        let bytes = unsafe { (functions.mutex_size)() };
        // SAFETY: new memory.
        let place = unsafe { libc::mmap(ptr::null_mut(), bytes, access, kind, -1, 0) };
        if place == libc::MAP_FAILED {
            return Err(Missing(std::io::Error::last_os_error().to_string()));
        }
        // SAFETY: room for one, aligned to a page.
        unsafe { (functions.mutex)(place) };
        Ok(Mutex { functions, place })
    }

    /// False when it said that it could not.
    pub fn lock(&self) -> bool {
        // SAFETY: made by `new`, and its memory is never given back.
        unsafe { (self.functions.lock)(self.place) }
    }
}
