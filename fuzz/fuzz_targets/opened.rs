//! What is done with something that has a name, whatever its file has become.

use std::fs::{self, File, OpenOptions};
use std::hint::black_box;

use killproof::channel::{Builder, PipeReceiver, PipeSender, Receiver, Sender};
use killproof::named::{Nameable, Region};
use killproof::sync::{Array, Value};
use killproof::{Error, Exposed, Message, Named, Shared};

/// Makes the `kind`-th thing, lets `spoil` have its file, opens it, and uses it.
pub fn spoiled(kind: u8, spoil: impl FnOnce(&str, &File)) {
    match kind {
        0 => handle::<Sender<u64>>(spoil),
        1 => handle::<Receiver<u64>>(spoil),
        2 => handle::<Sender<String>>(spoil),
        3 => handle::<Receiver<String>>(spoil),
        4 => handle::<PipeSender<u64>>(spoil),
        5 => handle::<PipeReceiver<Vec<u8>>>(spoil),
        6 => handle::<Region>(spoil),
        7 => shared(spoil, Value::new([1_u64; 3])),
        _ => shared(spoil, Array::new([1_u16; 5])),
    }
}

/// How many kinds there are.
pub const KINDS: u8 = 9;

fn name() -> (Named, String) {
    let text = format!("fuzz-{}", std::process::id());
    let user = rustix::process::getuid().as_raw();
    // Small: all of the memory is taken each time.
    let sizes = Builder::new().inline(16).largest(100).participants(2).leases(2);
    (Named::new(&text).capacity(64).queue(sizes), format!("/dev/shm/killproof.{user}.{text}"))
}

fn handle<H: Nameable + Used>(spoil: impl FnOnce(&str, &File)) {
    let (named, path) = name();
    drop(named.create::<H>().unwrap());
    // Nobody uses it just now: who prunes may have taken it away.
    let Ok(file) = OpenOptions::new().write(true).open(&path) else { return };
    spoil(&path, &file);
    // As it was made, whatever it says; and as it says.
    look(named.open::<H>());
    look(Named::new(named.name()).open::<H>());
    _ = fs::remove_file(path);
}

fn shared<T: Exposed>(spoil: impl FnOnce(&str, &File), value: T)
where
    Shared<T>: Used,
{
    let (named, path) = name();
    drop(named.create_shared(value).unwrap());
    // Nobody uses it just now: who prunes may have taken it away.
    let Ok(file) = OpenOptions::new().write(true).open(&path) else { return };
    spoil(&path, &file);
    look(named.open_shared::<T>());
    _ = fs::remove_file(path);
}

fn look<H: Used>(opened: Result<H, Error>) {
    match opened {
        Ok(handle) => handle.used(),
        Err(error) => _ = black_box(format!("{error}")),
    }
}

/// Operations of no time.
pub trait Used {
    fn used(self);
}

impl<T: Message + Default> Used for Sender<T> {
    fn used(self) {
        for _ in 0..3 {
            _ = black_box(self.try_send(T::default()));
        }
        _ = black_box((self.len(), self.is_full(), self.capacity()));
    }
}

impl<T: Message> Used for Receiver<T> {
    fn used(self) {
        assert!(self.len() <= self.capacity() + (1 << 20));
        for _ in 0..2 {
            _ = black_box(self.try_recv().is_ok());
            _ = black_box(self.try_lease().map(|task| task.id()).is_ok());
        }
        _ = black_box(self.dead_letters().len());
    }
}

impl<T: Message + Default> Used for PipeSender<T> {
    fn used(mut self) {
        for _ in 0..3 {
            _ = black_box(self.try_send(T::default()));
        }
    }
}

impl<T: Message> Used for PipeReceiver<T> {
    fn used(mut self) {
        for _ in 0..3 {
            _ = black_box(self.try_recv().is_ok());
        }
    }
}

impl Used for Region {
    fn used(self) {
        // The ends of it: what is mapped at all is mapped whole.
        let (last, mut byte) = (self.len() - 1, [0]);
        self.read_at(last, &mut byte);
        self.write_at(last, &byte);
        self.read_at(0, &mut byte);
    }
}

impl Used for Shared<Value<[u64; 3]>> {
    fn used(self) {
        black_box(self.get());
    }
}

impl Used for Shared<Array<u16, 5>> {
    fn used(self) {
        black_box(self.get_all());
    }
}
