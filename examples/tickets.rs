//! A ticket shop with 30 tickets and 100 buyers: `cargo run --example tickets`
//!
//! The number of tickets left is in a file, as JSON. A buyer reads it, and if there
//! is a ticket, writes one less. Without a lock they all read before anybody has
//! written, and the shop sells tickets that it does not have. With a lock it does
//! not, although every tenth buyer is killed (`kill -9`) with the lock in its hands:
//! whoever comes next is told, finds the file as it was, and goes on.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use killproof::process::{self, JoinError};
use killproof::sync::{Event, Mutex, OrRecover, Semaphore};
use killproof::{Shared, shareable};

const TICKETS: u32 = 30;
const BUYERS: u32 = 100;

shareable! {
    struct Door {
        /// Nothing but the right to touch the file.
        file: Mutex<u8>,
        /// One permit for each buyer who has looked.
        looked: Semaphore<128>,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let shop = Shop(std::env::temp_dir().join(format!("tickets-{}.json", std::process::id())));
    let without = sell(&shop, false)?;
    let with = sell(&shop, true)?;
    let left = shop.left()?;
    fs::remove_file(&shop.0)?;

    println!("without a lock: {} sold of {TICKETS}", without.sold);
    println!("with a lock:    {} sold of {TICKETS}, {left} left", with.sold);
    println!("killed with the lock held: {}", with.killed);
    if without.sold <= TICKETS || with.sold + left != TICKETS {
        return Err("that is not how it should be".into());
    }
    Ok(())
}

/// The file that says how many tickets there are.
#[derive(Clone)]
struct Shop(PathBuf);

impl Shop {
    fn left(&self) -> Result<u32, Box<dyn Error>> {
        let json = fs::read_to_string(&self.0)?;
        let count = json.strip_prefix("{\"count\": ").and_then(|rest| rest.strip_suffix("}\n"));
        Ok(count.ok_or("not a shop's file")?.parse()?)
    }

    /// At once or not at all, so that a buyer who is killed here harms nobody.
    fn set(&self, count: u32) -> io::Result<()> {
        let draft = draft_of(&self.0);
        fs::write(&draft, format!("{{\"count\": {count}}}\n"))?;
        fs::rename(draft, &self.0)
    }

    /// Takes a ticket, with `pause` between the look and the deed.
    fn buy(&self, pause: impl FnOnce()) -> bool {
        let left = self.left().expect("the shop has a file");
        pause();
        let is_sold = left > 0;
        if is_sold {
            self.set(left - 1).expect("the file can be written");
        }
        is_sold
    }
}

/// Each process writes a draft of its own.
fn draft_of(path: &Path) -> PathBuf {
    path.with_extension(std::process::id().to_string())
}

#[derive(Default)]
struct Sales {
    sold: u32,
    killed: u32,
}

fn sell(shop: &Shop, is_locked: bool) -> Result<Sales, Box<dyn Error>> {
    shop.set(TICKETS)?;
    let door = Door { file: Mutex::new(0), looked: Semaphore::with_capacity(0) };
    let door = Shared::new(door)?;
    let all_looked = Event::new()?;
    let mut buyers = Vec::new();
    for number in 1..=BUYERS {
        let (shop, door, all_looked) = (shop.clone(), door.clone(), all_looked.clone());
        buyers.push(process::spawn(move || {
            if is_locked {
                let _file = door.file.lock().or_recover(|_| ()).expect("the lock works");
                shop.buy(|| kill_every_tenth(number))
            } else {
                shop.buy(|| {
                    door.looked.add_permits(1).expect("a permit for each buyer");
                    all_looked.wait();
                })
            }
        })?);
    }
    if !is_locked {
        // The worst that can happen without a lock, and with enough buyers does.
        let _all = door.looked.acquire_many(BUYERS as usize)?;
        all_looked.set();
    }
    let mut sales = Sales::default();
    for buyer in buyers {
        match buyer.join() {
            Ok(is_sold) => sales.sold += u32::from(is_sold),
            Err(JoinError::Signalled(9)) => sales.killed += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sales)
}

/// As the OOM killer would: no destructor, no goodbye.
fn kill_every_tenth(number: u32) {
    if number.is_multiple_of(10) {
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
    }
}
