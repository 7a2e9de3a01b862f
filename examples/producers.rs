//! Three bakers and two eaters: `cargo run --example producers`
//!
//! One baker is killed (`kill -9`) at work. The eaters stop when all bread is
//! eaten and no baker is left, dead or gone home: nobody sends them a sign.

use std::error::Error;
use std::thread;
use std::time::Duration;

use killproof::channel;
use killproof::process::{Builder, JoinError};
use killproof::sync::Event;

const BAKERS: u32 = 3;
const EATERS: u32 = 2;
const LOAVES: u32 = 4;
const BAKING: Duration = Duration::from_millis(5);

fn main() -> Result<(), Box<dyn Error>> {
    let (oven, table) = channel::queue::<String>(3)?;

    let mut eaters = Vec::new();
    for number in 1..=EATERS {
        let table = table.clone();
        eaters.push(Builder::new().name(format!("eater {number}")).spawn(move || -> u32 {
            let mut eaten = 0;
            for loaf in table {
                println!("eater {number} eats {loaf}");
                eaten += 1;
            }
            eaten
        })?);
    }
    drop(table);

    let half = Event::new()?;
    let mut bakers = Vec::new();
    for number in 1..=BAKERS {
        let (oven, half) = (oven.clone(), half.clone());
        bakers.push(Builder::new().name(format!("baker {number}")).spawn(move || {
            for loaf in 1..=LOAVES {
                thread::sleep(BAKING);
                oven.send(format!("loaf {loaf} of baker {number}")).unwrap();
                if number == 1 && loaf == LOAVES / 2 {
                    half.set();
                    loop {
                        thread::park();
                    }
                }
            }
        })?);
    }
    drop(oven);

    half.wait();
    let unlucky = bakers.remove(0);
    unlucky.kill()?;
    assert_eq!(unlucky.join(), Err(JoinError::Signalled(9)));
    println!("baker 1 is dead");
    for baker in bakers {
        baker.join()?;
    }

    let mut eaten = 0;
    for eater in eaters {
        eaten += eater.join()?;
    }
    let baked = (BAKERS - 1) * LOAVES + LOAVES / 2;
    println!("{eaten} loaves of {baked} were eaten");
    assert_eq!(eaten, baked);
    Ok(())
}
