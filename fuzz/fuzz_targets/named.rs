//! Arbitrary bytes as the file that has a name, and headers of which some bytes changed.
//!
//! ```text
//! cargo +nightly fuzz run named
//! ```
//!
//! Whatever is there, opening it is an error or gives something that works: no read
//! outside the mapping, no endless loop, no panic.
#![no_main]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use killproof::channel::{PipeReceiver, PipeSender, Receiver, Sender};
use killproof::named::{Nameable, Region};
use killproof::sync::{Array, Value};
use killproof::{Error, Exposed, Named};
use libfuzzer_sys::fuzz_target;

/// The bytes of a header; what is behind them is another target's.
const HEADER: usize = 256;

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind >> 4 {
        0 => handle::<Sender<u64>>(*kind, bytes),
        1 => handle::<Receiver<String>>(*kind, bytes),
        2 => handle::<PipeSender<u64>>(*kind, bytes),
        3 => handle::<PipeReceiver<Vec<u8>>>(*kind, bytes),
        4 => handle::<Region>(*kind, bytes),
        5 => shared(*kind, bytes, Value::new([1_u64; 3])),
        _ => shared(*kind, bytes, Array::new([1_u16; 5])),
    }
});

fn name() -> (Named, String) {
    let text = format!("fuzz-{}", std::process::id());
    let user = rustix::process::getuid().as_raw();
    (Named::new(&text).capacity(64), format!("/dev/shm/killproof.{user}.{text}"))
}

fn handle<H: Nameable>(how: u8, bytes: &[u8]) {
    let (named, path) = name();
    drop(named.create::<H>().unwrap());
    spoil(&path, how, bytes);
    // As it was made, whatever it says; and as it says.
    look(named.open::<H>());
    look(Named::new(named.name()).open::<H>());
    let _ = (Named::list(), named.open_or_create::<H>().map(drop));
    fs::remove_file(path).unwrap();
}

fn shared<T: Exposed>(how: u8, bytes: &[u8], value: T) {
    let (named, path) = name();
    drop(named.create_shared(value).unwrap());
    spoil(&path, how, bytes);
    look(named.open_shared::<T>());
    fs::remove_file(path).unwrap();
}

fn look<H>(opened: Result<H, Error>) {
    if let Err(error) = opened {
        drop(format!("{error}"));
    }
}

/// In place of the file, at its start, at some bytes of its header, or what is left of it.
fn spoil(path: &str, how: u8, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    match how % 4 {
        0 => fs::write(path, bytes).unwrap(),
        1 => file.write_all_at(&bytes[..bytes.len().min(HEADER)], 0).unwrap(),
        2 => {
            for stroke in bytes.chunks_exact(9) {
                let at = usize::from(stroke[0]) % (HEADER - 8);
                file.write_all_at(&stroke[1..], at as u64).unwrap();
            }
        }
        _ => {
            let len = bytes.iter().take(2).fold(0, |len, byte| len << 8 | u64::from(*byte));
            file.set_len(len).unwrap();
        }
    }
}
