//! Ends of processes, awaited in tokio.

use std::future::poll_fn;
use std::pin::pin;

use killproof::process::{self, JoinError, Zygote};
use nix::sys::signal::Signal;

use crate::case;
use crate::common::case::Case;
use crate::common::forms::block_on;
use crate::zygote::{for_ever, signal, stop};

pub fn cases() -> Vec<Case> {
    vec![
        case("awaiting::values_and_ends", values_and_ends),
        case("awaiting::before_it_is_told", before_it_is_told),
    ]
}

fn values_and_ends() {
    let mut own = process::spawn(|| 1_u8).unwrap();
    assert_eq!(block_on(own.join_async()), Ok(1));
    assert_eq!(block_on(own.join_async()), Err(JoinError::Taken));
    let zygote = Zygote::start().unwrap();
    for round in 0..50_u32 {
        let mut child = zygote.spawn(|n: u32| n, round).unwrap();
        assert_eq!(block_on(child.join_async()), Ok(round));
        let mut child = zygote.spawn(for_ever, ()).unwrap();
        child.kill().unwrap();
        assert_eq!(block_on(child.join_async()), Err(JoinError::Signalled(9)));
    }
}

/// The zygote is stopped when its child ends. The task comes back to look, and the
/// zygote goes on only when it has done so several times.
fn before_it_is_told() {
    let zygote = Zygote::start().unwrap();
    let mut child = zygote.spawn(for_ever, ()).unwrap();
    stop(zygote.pid());
    child.kill().unwrap();
    let joined = block_on(async {
        let mut joining = pin!(child.join_async());
        let mut looks = 0;
        poll_fn(|context| {
            looks += 1;
            if looks == 6 {
                signal(zygote.pid(), Signal::SIGCONT);
            }
            joining.as_mut().poll(context)
        })
        .await
    });
    assert_eq!(joined, Err(JoinError::Signalled(9)));
}
