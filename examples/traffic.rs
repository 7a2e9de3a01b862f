//! A traffic light, ten cars and five police cars: `cargo run --example traffic`
//!
//! A car waits for green as long as it takes. A police car waits for 0.1 s and then
//! drives on, whatever the light says. Three of them come while it is red, two
//! while it is green, so both are seen. One car is towed away (`kill -9`) while it
//! waits at the light, which is nobody else's trouble.

use std::error::Error;
use std::time::Duration;

use killproof::process::{Builder, Child, JoinError};
use killproof::sync::Event;

const PATIENCE: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn Error>> {
    let green = Event::new()?;
    let cars = (1..=10).map(|number| car(number, &green)).collect::<Result<Vec<_>, _>>()?;
    let hurried = (1..=3).map(|number| police(number, &green)).collect::<Result<Vec<_>, _>>()?;
    let mut ran_red = count(hurried)?;

    cars[0].kill()?;

    println!("the light turns green");
    green.set();
    let late = (4..=5).map(|number| police(number, &green)).collect::<Result<Vec<_>, _>>()?;
    let came_late = late.len();
    let too_late = count(late)?;
    let passed = came_late - too_late;
    ran_red += too_late;
    let (mut through, mut towed) = (0, 0);
    for car in cars {
        match car.join() {
            Ok(()) => through += 1,
            Err(JoinError::Signalled(9)) => towed += 1,
            Err(error) => return Err(error.into()),
        }
    }
    green.clear();
    println!("the light turns red");
    println!("{through} cars passed, {towed} was towed away");
    println!("{ran_red} police cars ran the red light, {passed} passed at green");
    Ok(())
}

fn car(number: u32, green: &Event) -> Result<Child<()>, Box<dyn Error>> {
    let green = green.clone();
    let drive = move || {
        if !green.is_set() {
            println!("car {number} waits");
        }
        green.wait();
        println!("car {number} passes");
    };
    Ok(Builder::new().name(format!("car {number}")).spawn(drive)?)
}

/// Whether it ran the red light.
fn police(number: u32, green: &Event) -> Result<Child<bool>, Box<dyn Error>> {
    let green = green.clone();
    let drive = move || {
        let is_green = green.wait_timeout(PATIENCE);
        let how = if is_green { "passes at green" } else { "runs the red light" };
        println!("police car {number} {how}");
        !is_green
    };
    Ok(Builder::new().name(format!("police car {number}")).spawn(drive)?)
}

/// How many of them did.
fn count(cars: Vec<Child<bool>>) -> Result<usize, Box<dyn Error>> {
    let mut count = 0;
    for car in cars {
        let name = car.name().to_owned();
        count += usize::from(car.join().map_err(|error| format!("{name}: {error}"))?);
    }
    Ok(count)
}
