//! Other programs, which std starts: `cargo run --example programs`
//!
//! What Python's `subprocess.call` and `Popen.communicate` do is in std. What this
//! crate adds is that the other program can have a lock and an event of ours, and
//! that nobody hangs when it is killed with the lock in its hands.
#![allow(unsafe_code)]

use std::env;
use std::error::Error;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use killproof::Shared;
use killproof::process::{CommandExt, inherited};
use killproof::sync::{Event, Mutex, OrRecover};

/// The argument that makes this program the other one.
const OTHER: &str = "--other";

fn main() -> Result<(), Box<dyn Error>> {
    if env::args().nth(1).as_deref() == Some(OTHER) {
        return other();
    }
    call()?;
    communicate()?;
    share()
}

/// Runs a program, whose output comes out here, and waits for its exit code.
fn call() -> Result<(), Box<dyn Error>> {
    let status = Command::new("sh").args(["-c", "echo hello from sh; exit 3"]).status()?;
    println!("call: exit code {:?}", status.code());
    Ok(())
}

/// Feeds a program its input, and takes all its output and its exit code.
fn communicate() -> Result<(), Box<dyn Error>> {
    let mut child = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().ok_or("it is piped")?;
    // By a thread of its own, should it be more than pipes hold.
    let writer = thread::spawn(move || stdin.write_all(b"pear\napple\n"));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| "the writer panicked")??;
    let said = String::from_utf8(output.stdout)?;
    println!("communicate: {:?}, exit code {:?}", said, output.status.code());
    Ok(())
}

/// Shares a lock with another program and kills that while it holds it.
fn share() -> Result<(), Box<dyn Error>> {
    let total = Shared::new(Mutex::new(40_u64))?;
    let holds = Event::new()?;
    let mut command = Command::new(env::current_exe()?);
    // SAFETY: `other` below uses it by `inherited` only.
    unsafe { command.arg(OTHER).share("total", &total) }?;
    // SAFETY: as above.
    let mut child = unsafe { command.share("holds", &holds) }?.spawn()?;
    holds.wait();
    child.kill()?;
    child.wait()?;
    let was_told = total.lock().is_err_and(|error| killproof::Error::from(error).is_abandoned());
    let mut total = total.lock().or_recover(|_| ()).map_err(killproof::Error::from)?;
    *total += 2;
    println!("share: told of the death: {was_told}, and on we go: {}", *total);
    Ok(())
}

fn other() -> Result<(), Box<dyn Error>> {
    // SAFETY: `share` gave both, of these types, and this is the same program.
    let total: Shared<Mutex<u64>> = unsafe { inherited("total") }?;
    // SAFETY: as above.
    let holds: Event = unsafe { inherited("holds") }?;
    let _total = total.lock().map_err(killproof::Error::from)?;
    holds.set();
    loop {
        thread::park();
    }
}
