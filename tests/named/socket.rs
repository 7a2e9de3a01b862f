//! Handles that go over a unix socket to those who have nothing else in common with who
//! sent them: with that they are of its family.
#![allow(unsafe_code)]

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use killproof::channel::{Builder, Receiver, RecvError, Sender};
use killproof::sync::{Event, LockError, Mutex};
use killproof::{Shared, Transfer};

use crate::common::case::{Case, case};
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::kill;

pub fn cases() -> Vec<Case> {
    vec![
        case("socket::whoever_gets_a_handle_is_of_the_family", of_the_family),
        case("socket::what_is_no_such_handle_is_refused", what_is_no_such_handle),
    ]
}

/// A place for a socket, gone with the test.
struct Path(PathBuf);

impl Path {
    fn new() -> Path {
        Path(std::env::temp_dir().join(format!("killproof-test-{}.socket", std::process::id())))
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

type Handles = (Shared<Mutex<u64>>, Receiver<String>, Event);

/// It takes a message on lease and the lock, is killed, and leaves both as any child does.
fn of_the_family() {
    let path = Path::new();
    let listener = UnixListener::bind(&path.0).unwrap();
    let never = Mapped::new(Gate::default());
    let stranger = fork(|| {
        let socket = UnixStream::connect(&path.0).map_err(|e| e.to_string())?;
        // SAFETY: what comes was sent by `send_over`, of this type.
        let (total, todo, ready) = unsafe { Handles::recv_over(&socket) }.unwrap();
        let task = todo.lease().unwrap();
        assert_eq!((task.as_str(), task.attempts()), ("work", 1));
        let _guard = total.lock().unwrap();
        ready.set();
        never.pass();
        Ok(())
    });
    let total = Shared::new(Mutex::new(1_u64)).unwrap();
    let (jobs, todo) = Builder::new().max_attempts(3).queue::<String>().unwrap();
    let ready = Event::new().unwrap();
    let (socket, _) = listener.accept().unwrap();
    let handles = (total, todo, ready);
    // SAFETY: the other side takes them by `recv_over`.
    unsafe { handles.send_over(&socket) }.unwrap();
    let (total, todo, ready) = handles;
    jobs.send("work".into()).unwrap();
    // Until then this end could take it as well.
    ready.wait();
    assert_eq!(todo.try_lease().map(drop), Err(RecvError::Empty));
    assert!(total.try_lock().is_err());
    kill(&stranger);
    let task = todo.lease().unwrap();
    assert_eq!((task.as_str(), task.attempts()), ("work", 2));
    assert!(matches!(total.lock(), Err(LockError::Abandoned(_))));
}

fn what_is_no_such_handle() {
    let (mut one, other) = UnixStream::pair().unwrap();
    // SAFETY: it is received as something that it is not, which is refused.
    unsafe { Event::new().unwrap().send_over(&one) }.unwrap();
    // SAFETY: as above.
    let received = unsafe { <Shared<Mutex<u64>>>::recv_over(&other) };
    assert!(received.unwrap_err().is_mismatch(), "two descriptors");
    // SAFETY: as above.
    unsafe { Shared::new(Mutex::new(1_u32)).unwrap().send_over(&one) }.unwrap();
    // SAFETY: as above.
    let received = unsafe { <Shared<Mutex<u64>>>::recv_over(&other) };
    assert!(received.unwrap_err().is_mismatch(), "another type");
    one.write_all(b"h?").unwrap();
    for reason in ["no descriptors", "no handle"] {
        // SAFETY: as above.
        let received = unsafe { Sender::<u64>::recv_over(&other) };
        assert!(received.unwrap_err().is_mismatch(), "{reason}");
    }
    drop(one);
    // SAFETY: as above.
    let received = unsafe { Event::recv_over(&other) };
    assert!(received.unwrap_err().is_gone());
}
