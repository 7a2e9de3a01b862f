//! Pages fetched by workers and read by this process: `cargo run --example fetch`
//!
//! A child serves ten pages on the loopback. Four workers fetch them; for each, a
//! callback is called here, in the process that has the list, and nowhere else. One page
//! kills whoever fetches it, which costs that page.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::id;
use std::sync::{Arc, Mutex};

use killproof::pool::{Pool, TaskError};
use killproof::process::Builder;

fn serve(listener: &TcpListener) {
    for mut stream in listener.incoming().flatten() {
        let mut request = [0; 100];
        let len = stream.read(&mut request).unwrap_or(0);
        let path = String::from_utf8_lossy(&request[..len]).replace("GET ", "");
        let body = format!("<title>Page {}</title>", path.trim().trim_matches('/'));
        let _ = stream.write_all(body.as_bytes());
    }
}

fn fetch(address: SocketAddr, path: &str) -> Result<String, String> {
    if path == "/7" {
        std::process::abort();
    }
    let get = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(format!("GET {path}\n").as_bytes())?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        Ok(page)
    };
    get().map_err(|error| error.to_string())
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    // A daemon: it ends with this program.
    drop(Builder::new().daemon(true).spawn(move || serve(&listener))?);
    let pool = Pool::new(4, move |path: String| fetch(address, &path))?;

    let here = id();
    let titles = Arc::new(Mutex::new(Vec::new()));
    for number in 1..=10 {
        let titles = Arc::clone(&titles);
        let read = move |page: Result<Result<String, String>, TaskError>| {
            assert_eq!(id(), here, "a callback is called in the parent");
            match page {
                Ok(Ok(page)) => {
                    let title = page.replace("<title>", "").replace("</title>", "");
                    titles.lock().unwrap().push(title);
                }
                Ok(Err(error)) => println!("page {number}: {error}"),
                Err(error) => println!("page {number}: {error}"),
            }
        };
        drop(pool.apply_async_with(format!("/{number}"), read));
    }
    pool.close();
    pool.join()?;

    let mut titles = titles.lock().unwrap();
    titles.sort();
    titles.iter().for_each(|title| println!("read {title}"));
    println!("{} of 10 pages were read", titles.len());
    Ok(())
}
