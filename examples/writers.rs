//! Two writers of addresses and one reader: `cargo run --example writers`
//!
//! The reader asks nobody whether the queue is empty: it reads until there are
//! no more writers.

use std::error::Error;

use killproof::channel;
use killproof::process::{self, Builder};

const WRITERS: [(&str, [&str; 3]); 2] = [
    ("writer 1", ["/index", "/news", "/about"]),
    ("writer 2", ["/images/1", "/images/2", "/images/3"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let (urls, inbox) = channel::queue::<(String, String)>(4)?;

    let reader = process::spawn(move || -> u32 {
        let mut read = 0;
        for (writer, url) in inbox {
            println!("read {url} by {writer}");
            read += 1;
        }
        read
    })?;

    let mut writers = Vec::new();
    for (name, pages) in WRITERS {
        let urls = urls.clone();
        writers.push(Builder::new().name(name).spawn(move || {
            for page in pages {
                println!("{name} has written {page}");
                urls.send((name.into(), page.into())).unwrap();
            }
        })?);
    }
    // Only the writers have one now.
    drop(urls);

    for writer in writers {
        writer.join()?;
    }
    let read = reader.join()?;
    println!("{read} of 6 addresses were read");
    assert_eq!(read, 6);
    Ok(())
}
