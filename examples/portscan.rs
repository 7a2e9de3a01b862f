//! A port scanner: `cargo run --release --example portscan`
//!
//! Sixteen workers look at all ports of this machine's loopback, 4096 at a time. So
//! that there is something to find, the program listens on three of them itself.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use killproof::pool::Pool;

const WORKERS: u32 = 16;
const PORTS: u32 = 1 << 16;

fn is_open(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let connected = TcpStream::connect_timeout(&address, Duration::from_secs(1));
    // A connection that happened to be given the port itself has reached itself.
    connected.is_ok_and(|stream| stream.local_addr().is_ok_and(|local| local != address))
}

fn main() -> Result<(), Box<dyn Error>> {
    let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let doors = (0..3).map(listen).collect::<Result<Vec<_>, _>>()?;

    let pool = Pool::new(WORKERS as usize, |(first, last): (u32, u32)| -> Vec<u16> {
        (first..last)
            .filter_map(|port| u16::try_from(port).ok())
            .filter(|it| is_open(*it))
            .collect()
    })?;
    let each = PORTS / WORKERS;
    let ranges = (0..WORKERS).map(|worker| (worker * each, (worker + 1) * each));
    let open: Vec<u16> = pool.map(ranges)?.concat();
    pool.close();
    pool.join()?;

    for port in &open {
        println!("port {port} is open");
    }
    let mine = doors.iter().filter_map(|door| door.local_addr().ok());
    let found = mine.filter(|address| open.contains(&address.port())).count();
    println!("{PORTS} ports seen, {found} of my {} found", doors.len());
    Ok(())
}
