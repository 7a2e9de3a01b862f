//! Ten addresses through a pipe: `cargo run --example urls`
//!
//! One process sends them, the other one prints them. The first ends when it has sent
//! all, the second when it has come to the end of the stream.

use std::error::Error;

use killproof::channel::{RecvError, pipe};
use killproof::process::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut sender, mut receiver) = pipe::<String>()?;
    let sends = Builder::new().name("sender").spawn(move || {
        for number in 1..=10 {
            sender.send(format!("https://example.org/page/{number}")).unwrap();
        }
    })?;
    let prints = Builder::new().name("receiver").spawn(move || {
        let mut count = 0_u32;
        loop {
            match receiver.recv() {
                Ok(url) => println!("{url}"),
                Err(RecvError::Disconnected) => return count,
                Err(error) => panic!("{error}"),
            }
            count += 1;
        }
    })?;
    sends.join()?;
    println!("{} urls came out of the pipe", prints.join()?);
    Ok(())
}
