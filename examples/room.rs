//! Thirteen people and a room with four chairs: `cargo run --example room`
//!
//! Everybody comes in once, stays a while, and leaves. One falls dead
//! (`kill -9`) on a chair, and the chair is free again.

use std::error::Error;
use std::thread;
use std::time::Duration;

use killproof::process::{Builder, JoinError};
use killproof::sync::{Event, Semaphore, Value};
use killproof::{Shared, shareable};

const PEOPLE: u32 = 13;
const CHAIRS: usize = 4;
const STAY: Duration = Duration::from_millis(30);

shareable! {
    struct Room {
        chairs: Semaphore,
        inside: Value<u32>,
        /// The most that were ever inside at once.
        most: Value<u32>,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let chairs = Semaphore::new(CHAIRS).bounded();
    let room = Shared::new(Room { chairs, inside: Value::new(0), most: Value::new(0) })?;

    // The first one sits down for good.
    let (its_room, sits) = (room.clone(), Event::new()?);
    let its_sits = sits.clone();
    let unlucky = Builder::new().name("the unlucky one").spawn(move || {
        let _chair = its_room.chairs.acquire().unwrap();
        its_sits.set();
        loop {
            thread::park();
        }
    })?;
    sits.wait();

    let mut people = Vec::new();
    for number in 2..=PEOPLE {
        let room = room.clone();
        people.push(Builder::new().name(format!("person {number}")).spawn(move || -> u32 {
            let _chair = room.chairs.acquire().unwrap();
            let inside = room.inside.fetch_add(1).unwrap() + 1;
            room.most.fetch_max(inside).unwrap();
            println!("person {number} comes in, {inside} are there");
            thread::sleep(STAY);
            room.inside.fetch_sub(1).unwrap();
            inside
        })?);
    }
    unlucky.kill()?;
    assert_eq!(unlucky.join(), Err::<(), _>(JoinError::Signalled(9)));
    for person in people {
        assert!(person.join()? <= CHAIRS as u32);
    }

    let (most, free) = (room.most.get(), room.chairs.available());
    println!("{} people were inside, at most {most} at once", PEOPLE - 1);
    println!("one died on a chair; {free} of {CHAIRS} chairs are free");
    assert!(most as usize <= CHAIRS && free == CHAIRS);
    Ok(())
}
