//! Rows of the event. Its word is the truth: whoever waits on it, without a
//! timeout, goes on once it was set.

use std::time::Duration;

use killproof::Shared;
use killproof::sync::{Event, Flag};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::common::case::Case;
use crate::common::fds;
use crate::queue::LONG;
use crate::row::{After, Begin, Peer, Row};

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("Event set", world, set, works).case(),
        Row::new("Event set, already set", is_set, set, works).case(),
        Row::new("Event set, two asleep", world, set, works)
            .holder(set_if_not_set)
            .peer(wait)
            .peer(wait)
            .case(),
        Row::new("Event set, two asleep, zombie", world, set, works)
            .holder(set_if_not_set)
            .peer(wait)
            .peer(wait)
            .zombie()
            .case(),
        Row::new("Event set and clear, two asleep", world, set_and_clear, works)
            .holder(set_if_not_finished)
            .peer(wait)
            .peer(wait)
            .case(),
        Row::new("Event clear", is_set, clear, works).case(),
        Row::new("Event wait", is_set, wait_once, works).case(),
        Row::new("Event wait, waiting", world, wait_once, works)
            .holder(set_if_not_set)
            .blocks()
            .every(41, 40)
            .case(),
        Row::new("Event wait_timeout, waiting", world, wait_in_time, works)
            .holder(set_if_not_set)
            .blocks()
            .every(41, 40)
            .case(),
        Row::new("Flag set, two asleep", flag, set_flag, flag_works)
            .holder(set_flag_if_not_set)
            .peer(wait_for_flag)
            .peer(wait_for_flag)
            .case(),
        Row::new("Flag clear", flag_that_is_set, clear_flag, flag_works).case(),
        Row::new("Flag wait, waiting", flag, wait_for_flag_once, flag_works)
            .holder(set_flag_if_not_set)
            .blocks()
            .every(41, 40)
            .case(),
        Row::new("Event wait, waiting beside others", world, wait_once, works)
            .holder(set_if_not_set)
            .peer(wait)
            .peer(wait)
            .blocks()
            .every(41, 40)
            .case(),
    ]
}

pub fn world() -> Event {
    Event::new().expect("memory")
}

fn is_set() -> Event {
    let event = world();
    event.set();
    event
}

pub fn set(event: &Event, begin: Begin) {
    begin.now();
    event.set();
}

fn set_and_clear(event: &Event, begin: Begin) {
    begin.now();
    event.set();
    event.clear();
}

fn clear(event: &Event, begin: Begin) {
    begin.now();
    event.clear();
}

fn wait_once(event: &Event, begin: Begin) {
    begin.now();
    event.wait();
}

fn wait_in_time(event: &Event, begin: Begin) {
    begin.now();
    assert!(event.wait_timeout(LONG));
}

fn wait(event: &Event, _: &Peer<'_>) -> Result<(), String> {
    event.wait();
    Ok(())
}

/// Where the victim died before it set the event, somebody else does; where it
/// died after, the sleepers are on their own.
pub fn set_if_not_set(event: &Event, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    if !event.is_set() {
        event.set();
    }
    Ok(())
}

/// A flag that was set and cleared looks like one that was not: here the
/// sleepers are on their own only where the victim came to its end.
fn set_if_not_finished(event: &Event, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    if !holder.victim_finished() {
        event.set();
    }
    Ok(())
}

/// It can be set, waited for and cleared, and its descriptor follows.
pub fn works(event: &Event, after: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    event.set();
    event.wait();
    after.recovered();
    let set = (event.is_set(), event.wait_timeout(Duration::ZERO), is_readable(event)?);
    event.clear();
    let clear = (event.is_set(), event.wait_timeout(Duration::ZERO), is_readable(event)?);
    if (set, clear) != ((true, true, true), (false, false, false)) {
        return Err(format!("flag, wait, descriptor: set {set:?}, clear {clear:?}"));
    }
    if fds::open() != open {
        return Err(format!("{} descriptors open, before {open}", fds::open()));
    }
    Ok(())
}

pub fn is_readable(event: &Event) -> Result<bool, String> {
    let mut asked = [PollFd::new(event, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&now)).map(|ready| ready == 1).map_err(|e| format!("poll: {e}"))
}

fn flag() -> Shared<Flag> {
    Shared::new(Flag::new()).expect("memory")
}

fn flag_that_is_set() -> Shared<Flag> {
    let flag = flag();
    flag.set();
    flag
}

fn set_flag(flag: &Shared<Flag>, begin: Begin) {
    begin.now();
    flag.set();
}

fn clear_flag(flag: &Shared<Flag>, begin: Begin) {
    begin.now();
    flag.clear();
}

fn wait_for_flag_once(flag: &Shared<Flag>, begin: Begin) {
    begin.now();
    flag.wait();
}

fn wait_for_flag(flag: &Shared<Flag>, _: &Peer<'_>) -> Result<(), String> {
    flag.wait();
    Ok(())
}

/// As [`set_if_not_set`].
fn set_flag_if_not_set(flag: &Shared<Flag>, holder: &Peer<'_>) -> Result<(), String> {
    holder.until_killed();
    if !flag.is_set() {
        flag.set();
    }
    Ok(())
}

fn flag_works(flag: &Shared<Flag>, after: &After<'_>) -> Result<(), String> {
    flag.set();
    flag.wait();
    after.recovered();
    let set = (flag.is_set(), flag.wait_timeout(Duration::ZERO));
    flag.clear();
    let clear = (flag.is_set(), flag.wait_timeout(Duration::ZERO));
    let is_right = (set, clear) == ((true, true), (false, false));
    is_right.then_some(()).ok_or_else(|| format!("flag, wait: set {set:?}, clear {clear:?}"))
}
