//! What the system refuses is a clear error, and nothing is left of the try.
#![allow(unsafe_code)]

use std::fs::File;
use std::time::Duration;

use killproof::channel::{pipe, queue};
use killproof::process::{JoinError, SpawnError, current, spawn};
use killproof::sync::Mutex;
use killproof::{Error, Shared};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::common::case::Case;
use crate::common::child::children;
use crate::detached::fds;
use crate::{case, gate};

pub fn cases() -> Vec<Case> {
    vec![
        case("faults::too_many_descriptors", too_many_descriptors),
        case("faults::no_memory", no_memory),
        case("faults::too_many_processes", too_many_processes),
        case("faults::standard_descriptors_closed", standard_descriptors_closed),
        case("faults::value_that_cannot_be_written", value_that_cannot_be_written),
        case("faults::sigchld_ignored", sigchld_ignored),
        case("faults::reaped_by_somebody_else", reaped_by_somebody_else),
    ]
}

fn set_limit(resource: Resource, current: u64) -> Rlimit {
    let before = getrlimit(resource);
    setrlimit(resource, Rlimit { current: Some(current), ..before }).unwrap();
    before
}

/// Room for none, then for the first of the descriptors that a spawn needs.
fn too_many_descriptors() {
    // What a process opens once, it opens here.
    current();
    let ran = gate();
    let before = set_limit(Resource::Nofile, 64);
    let mut filling: Vec<File> =
        std::iter::from_fn(|| File::open("/dev/null").ok()).take(64).collect();
    for call in ["memfd_create", "pidfd_open"] {
        let inner = ran.clone();
        let refused = spawn(move || inner.open()).unwrap_err();
        let SpawnError::Failed(error) = &refused else { panic!("{refused:?}") };
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        assert!(refused.to_string().contains(call), "{refused}");
        filling.pop();
        assert_eq!(children(), [], "at {call}");
    }
    let both = filling.len();
    filling.extend(std::iter::from_fn(|| File::open("/dev/null").ok()));
    assert_eq!(filling.len(), both + 2, "the attempts left descriptors behind");
    assert!(!ran.is_open());
    drop(filling);
    setrlimit(Resource::Nofile, before).unwrap();
    assert_eq!(spawn(|| ()).unwrap().join(), Ok(()));
}

/// No page more may be mapped, and what there is goes on.
fn no_memory() {
    type Attempt = fn() -> Result<(), Error>;
    let attempts: [Attempt; 3] = [
        || Shared::new(Mutex::new(0_u64)).map(drop),
        || queue::<u64>(4).map(drop),
        || pipe::<u64>().map(drop),
    ];
    // What a process does once, or its stack and its heap need, they have from here on.
    let slack = vec![1_u8; 100_000];
    let (sender, receiver) = queue::<u64>(4).unwrap();
    sender.send(7).unwrap();
    assert_eq!(spawn(|| 1_u8).unwrap().join(), Ok(1));
    for attempt in &attempts {
        attempt().unwrap();
    }
    let open = fds();
    drop(slack);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.strip_suffix("kB"));
    let size: u64 = size.unwrap().trim().parse().unwrap();
    let before = set_limit(Resource::As, size * 1024);
    let refused = attempts.map(|attempt| attempt().unwrap_err());
    let sent = sender.try_send(8);
    // To spawn takes none; the child has the same limit.
    let child = spawn(|| Shared::new(Mutex::new(0_u64)).map_err(|e| e.raw_os_error()).err());
    setrlimit(Resource::As, before).unwrap();
    for error in refused {
        assert_eq!(error.raw_os_error(), Some(libc::ENOMEM), "{error}");
        assert!(error.to_string().contains("mmap"), "{error}");
    }
    assert_eq!(child.unwrap().join(), Ok(Some(Some(libc::ENOMEM))));
    assert_eq!((children(), fds()), (vec![], open));
    assert_eq!((sent, receiver.try_recv(), receiver.try_recv()), (Ok(()), Ok(7), Ok(8)));
    assert_eq!(spawn(|| ()).unwrap().join(), Ok(()));
}

fn too_many_processes() {
    // Root is above that limit.
    // SAFETY: it changes what this process may do, and no memory.
    if rustix::process::getuid().is_root() && unsafe { libc::setuid(65534) } != 0 {
        return;
    }
    let open = fds();
    let before = set_limit(Resource::Nproc, 0);
    let refused = spawn(|| ());
    setrlimit(Resource::Nproc, before).unwrap();
    let Err(SpawnError::Failed(error)) = &refused else { panic!("{refused:?}") };
    assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
    assert_eq!((children(), fds()), (vec![], open));
}

/// The page between parent and child must not become their stdout.
fn standard_descriptors_closed() {
    for fd in 1..3 {
        // SAFETY: nobody in this process owns these two.
        assert_eq!(unsafe { libc::close(fd) }, 0);
    }
    let print = || {
        println!("{}", "over everything ".repeat(100));
        eprintln!("{}", "over everything ".repeat(100));
    };
    let child = spawn(move || {
        print();
        "unharmed".to_owned()
    });
    assert_eq!(child.unwrap().join().as_deref(), Ok("unharmed"));
    let child = spawn(move || -> u8 {
        print();
        std::process::exit(3)
    });
    assert_eq!(child.unwrap().join(), Err(JoinError::Exited(3)));
}

fn value_that_cannot_be_written() {
    let child = spawn(|| {
        // SAFETY: to ignore a signal runs no code.
        unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.unwrap();
        set_limit(Resource::Fsize, 1000);
        vec![1_u8; 5000]
    });
    let told = child.unwrap().join().unwrap_err();
    let JoinError::Failed(error) = &told else { panic!("{told:?}") };
    assert_eq!(error.raw_os_error(), Some(libc::EFBIG));
    assert!(told.to_string().contains("pwrite"), "{told}");
}

/// The kernel then reaps by itself, and only what a child said is known of it.
fn sigchld_ignored() {
    // SAFETY: to ignore a signal runs no code.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.unwrap();
    for round in 0..20_u32 {
        assert_eq!(spawn(move || round).unwrap().join(), Ok(round));
    }
    let silent = || spawn(|| -> u8 { std::process::exit(3) }).unwrap();
    assert_eq!(silent().join(), Err(JoinError::Lost));
    assert_eq!(silent().join_timeout(Duration::MAX), Err(JoinError::Lost));

    let mut said = spawn(|| 5_u8).unwrap();
    while said.is_alive() {
        std::thread::yield_now();
    }
    assert_eq!(said.exit_code(), Some(0));
    assert_eq!(said.try_join(), Ok(Some(5)));
    said.kill().expect("nobody");

    let never = gate();
    let killed = spawn(move || never.pass()).unwrap();
    assert!(killed.is_alive());
    killed.kill().unwrap();
    while killed.is_alive() {
        std::thread::yield_now();
    }
    assert_eq!(killed.exit_code(), None, "nobody can say");
    assert!(format!("{killed:?}").ends_with("state: ended }"), "{killed:?}");
    assert_eq!(killed.join(), Err(JoinError::Lost));
}

fn reaped_by_somebody_else() {
    let said = spawn(|| current().pid()).unwrap();
    let silent = spawn(|| -> u8 { std::process::exit(3) }).unwrap();
    let pid = said.pid();
    for pid in [said.pid(), silent.pid()] {
        waitpid(Pid::from_raw(pid as i32), None).unwrap();
    }
    assert_eq!(said.join(), Ok(pid));
    assert_eq!(silent.join(), Err(JoinError::Lost));
}
