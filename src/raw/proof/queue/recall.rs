//! What comes back in another order than that of arrival: it competes with what is in
//! the slots, and nothing of it is lost.

use std::sync::Arc;

use super::lease::try_work;
use super::letter::try_give_up;
use super::post::{Post, value_of};
use super::words::Size;
use crate::primitive::{Process, Processes, Proof, Stamp};
use crate::raw::queue::Order;

fn post(order: Order, cells: usize) -> Arc<Post> {
    Arc::new(Post::ranked(Size { capacity: 4, cells, blocks: 0, seats: 1 }, order))
}

/// Messages have their value as their key. Somebody has the first `held` on lease, and
/// then sends `more`; a thread of it runs `body`.
fn holding(
    processes: &Processes,
    what: (&'static [u64], usize, &'static [u64]),
    body: fn(&Post, Process),
) -> (Arc<Post>, Stamp) {
    holding_in(post(Order::Smallest, 2), processes, what, body)
}

fn holding_in(
    post: Arc<Post>,
    processes: &Processes,
    (full, held, more): (&'static [u64], usize, &'static [u64]),
    body: fn(&Post, Process),
) -> (Arc<Post>, Stamp) {
    let keeper = processes.afterwards(&post, move |post, me| {
        post.enter(me);
        full.iter().for_each(|value| post.send(me, *value));
        (0..held).for_each(|_| post.hold(me));
        more.iter().for_each(|value| post.send(me, *value));
    });
    processes.spawn_thread(keeper, &post, body);
    (post, keeper)
}

fn give_one_back(post: &Post, me: Process) {
    post.give_back(me, post.held());
}

fn give_both_back(post: &Post, me: Process) {
    give_one_back(post, me);
    give_one_back(post, me);
}

fn try_send(post: &Post, me: Process) {
    let _ = post.try_send(me, value_of(me));
}

fn try_receive(post: &Post, me: Process) {
    let _ = post.try_recv(me);
}

#[test]
fn it_keeps_its_place() {
    Proof::of("recall: keys, equals and stacks").explore(|processes| {
        let urgent = post(Order::Smallest, 2);
        processes.afterwards(&urgent, |post, me| {
            post.enter(me);
            for (value, key) in [(10, 9), (20, 9), (30, 8)] {
                post.send_with_key(me, value, key);
            }
            let [first, second] = [post.lease(me), post.lease(me)];
            assert_eq!([first.value, second.value], [30, 10]);
            [first, second].into_iter().for_each(|task| post.give_back(me, task));
            post.send_with_key(me, 40, 1);
            let order = [(); 4].map(|()| post.recv(me));
            assert_eq!(order, [40, 30, 10, 20]);
            post.settle(me);
        });
        let stack = post(Order::Latest, 2);
        processes.afterwards(&stack, |post, me| {
            post.enter(me);
            [1, 2].into_iter().for_each(|value| post.send(me, value));
            let task = post.lease(me);
            post.give_back(me, task);
            post.send(me, 3);
            assert_eq!([(); 3].map(|()| post.recv(me)), [3, 2, 1]);
        });
    });
}

/// Something smaller than 20 is there at every moment: 5 is given back before 3 is
/// taken.
pub(super) fn back_behind_the_look(processes: &Processes) {
    let give_back_and_take = |post: &Post, me: Process| {
        give_one_back(post, me);
        assert!(post.recv(me) < 20, "there is a smaller one");
    };
    let (post, _) = holding(processes, (&[5, 20], 1, &[3]), give_back_and_take);
    processes.spawn(&post, |post, me| assert!(post.recv(me) < 20, "there is a smaller one"));
    processes.run();
    processes.afterwards(&post, Post::settle);
}

#[test]
fn what_comes_back_behind_the_look_is_not_missed() {
    let proof = Proof::of("recall: behind the look").with_fresh_loads_only();
    proof.preemptions(2).explore(back_behind_the_look);
}

/// A cell in which 5 was seen has 20 in it meanwhile, given back as often; but 10 was
/// there before that.
#[test]
fn another_message_in_the_cell_is_not_taken_for_the_first() {
    fn put_another_there(post: &Post, me: Process) {
        if post.try_recv(me) != Ok(5) {
            return;
        }
        if let Ok(task) = post.try_lease(me) {
            post.send(me, 10);
            post.give_back(me, task);
        }
    }
    let proof = Proof::of("recall: another in the cell").with_fresh_loads_only();
    proof.preemptions(2).explore(|processes| {
        let (post, keeper) = holding(processes, (&[5], 1, &[20]), give_one_back);
        processes.run();
        processes.spawn_thread(keeper, &post, put_another_there);
        processes.spawn(&post, |post, me| {
            let task = post.lease(me);
            let is_first = task.value < 20 || task.attempts == 1;
            assert!(is_first, "there is a smaller one than what was given back");
            post.done(me, task);
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn what_comes_back_wakes_as_many() {
    Proof::of("recall: one comes back").preemptions(2).explore(|processes| {
        let (post, _) = holding(processes, (&[10], 1, &[]), give_one_back);
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
    let proof = Proof::of("recall: two come back").with_fresh_loads_only();
    proof.preemptions(1).explore(|processes| {
        let (post, _) = holding(processes, (&[10, 20], 2, &[]), give_both_back);
        processes.spawn(&post, Post::recv);
        processes.spawn(&post, Post::recv);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

/// All that came back is in the way of a lease of what is smaller.
#[test]
fn without_a_cell_what_came_back_comes_first() {
    Proof::of("recall: no cell").with_fresh_loads_only().preemptions(1).explore(|processes| {
        let (post, _) = holding(processes, (&[10, 20], 2, &[5]), give_both_back);
        processes.run();
        processes.spawn(&post, |post, me| {
            let [first, second] = [post.lease(me), post.lease(me)];
            [first, second].into_iter().for_each(|task| post.done(me, task));
        });
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

fn someone_dies(name: &'static str, victim: fn(&Post, Process), others: [fn(&Post, Process); 2]) {
    let proof = Proof::of(name).with_fresh_loads_only().preemptions(1);
    proof.for_each_death(move |processes| {
        // One for the keeper, one for each who leases: the dead one's may be in the hands
        // of who frees it.
        let post = post(Order::Smallest, 3);
        let (post, _) = holding_in(post, processes, (&[10, 20], 1, &[]), give_one_back);
        processes.victim(&post, victim, |_, _| ());
        for other in others {
            processes.spawn(&post, other);
        }
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}

#[test]
fn who_takes_what_came_back_dies() {
    someone_dies("recall: a receiver dies", try_receive, [try_receive, try_send]);
    someone_dies("recall: a leaser dies", try_work, [try_receive, try_send]);
    someone_dies("recall: who gives back again dies", try_give_up, [try_receive, try_work]);
}

/// One dies with a lease, and the next one over taking it back.
#[test]
fn who_recalls_dies() {
    let proof = Proof::of("recall: who recalls dies").with_fresh_loads_only().preemptions(1);
    proof.for_each_two_deaths(|processes| {
        let (post, _) = holding(processes, (&[10], 1, &[20]), give_one_back);
        processes.run();
        processes.victim(&post, try_give_up, |_, _| ());
        processes.run();
        processes.victim(&post, try_receive, |_, _| ());
        processes.spawn(&post, try_receive);
        processes.run();
        processes.afterwards(&post, Post::settle);
    });
}
