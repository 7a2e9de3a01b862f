//! The waiting loops: who is woken and takes nothing wakes somebody else.

use std::time::Duration;

use super::post::Post;
use super::ring::ring;
use crate::deadline::Deadline;
use crate::primitive::{Process, Proof, pass_time};
use crate::raw::queue::{Source, Stop};

const SECOND: Duration = Duration::from_secs(1);

fn receive_soon(post: &Post, me: Process) {
    let received = post.recv_until(me, Deadline::after(SECOND), false);
    assert!(matches!(received, Ok(_) | Err(Stop::TimedOut)), "{received:?}");
}

fn send_soon(post: &Post, me: Process) {
    let value = 10 * u64::from(me.stamp.pid());
    let sent = post.send_until(me, value, Deadline::after(SECOND));
    assert!(matches!(sent, Ok(()) | Err(Stop::TimedOut)), "{sent:?}");
}

/// Two messages wake two receivers that run out of time while somebody else is
/// in their way. The third gets what is left.
#[test]
fn receivers_that_give_up_pass_the_wake_on() {
    let proof = Proof::of("wait: receivers give up").with_fresh_loads().preemptions(1);
    proof.explore(|processes| {
        let post = ring(processes, 2, 0);
        processes.spawn(&post, receive_soon);
        processes.spawn(&post, receive_soon);
        processes.spawn(&post, |post, me| {
            let received = post.recv_until(me, Deadline::Never, false);
            assert!(matches!(received, Ok(_) | Err(Stop::Closed)));
        });
        processes.spawn(&post, |post, me| {
            post.send(me, 10);
            post.send(me, 11);
            let claimed = post.queue.claim_ready(me.stamp, Deadline::Now, false);
            pass_time(SECOND);
            if let Ok(Source::Ring(position)) = claimed {
                post.queue.commit_received(position);
            } else {
                post.queue.close();
            }
        });
        processes.run();
    });
}
