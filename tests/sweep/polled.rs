//! An event that two set or clear at once: one is stopped in the middle, the other
//! does all that it wants to do, and then the first goes on and is killed somewhere
//! behind. Whoever polls is told nothing more: what the descriptor says then stands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use killproof::sync::Event;

use crate::common::case::Case;
use crate::common::mapped::Mapped;
use crate::common::pin;
use crate::common::trace::{Stop, Traced, mark};
use crate::event::is_readable;

const LIMIT: Duration = Duration::from_secs(600);

/// A sleep as long as this would be a block, and nothing here blocks.
const ASLEEP: Duration = Duration::from_millis(200);

/// Where the first is stopped, as its share of all instructions, unless `KILLPROOF_SWEEP`
/// asks for each.
const STOPS: usize = 24;

type Operation = fn(&Event);

pub fn cases() -> Vec<Case> {
    let case = |name: &str, world: fn() -> Event, victim: Operation| {
        let name = format!("Event {name}, polled, while another sets or clears");
        let said = name.clone();
        Case::new(name, LIMIT, move || sweep(&said, world, victim))
    };
    vec![
        case("set", clear, Event::set),
        case("clear", set, Event::clear),
        case("clear of what a killed setter left", left, Event::clear),
    ]
}

fn clear() -> Event {
    Event::new().expect("memory")
}

fn set() -> Event {
    let event = clear();
    event.set();
    event
}

/// Its setter was killed before it set the flag.
fn left() -> Event {
    let event = clear();
    rustix::io::write(&event, &1_u64.to_ne_bytes()).expect("there is room");
    event
}

fn sweep(name: &str, world: fn() -> Event, victim: Operation) -> Result<String, String> {
    let others: [(&str, Operation); 4] = [
        ("set", Event::set),
        ("clear", Event::clear),
        ("set and clear", |event| {
            event.set();
            event.clear();
        }),
        ("clear and set", |event| {
            event.clear();
            event.set();
        }),
    ];
    let all = kill_at(&world(), victim, usize::MAX, usize::MAX, |_| ())?;
    let is_full = std::env::var("KILLPROOF_SWEEP").is_ok_and(|wanted| wanted == "full");
    let stride = if is_full { 1 } else { all.div_ceil(STOPS) };
    let mut points = 0;
    for (other, operation) in others {
        for stop in (0..=all).step_by(stride) {
            // What the other did may make its way longer.
            for kill in (stop..=2 * all).step_by(stride) {
                let event = world();
                let steps = kill_at(&event, victim, stop, kill, operation)?;
                check(&event).map_err(|wrong| {
                    format!("{name}: {other} at {stop}, killed at {kill} of {all}: {wrong}")
                })?;
                points += 1;
                if steps < kill {
                    break;
                }
            }
        }
    }
    Ok(format!("sweep {name}: {points} pairs of a stop and a kill, of {all} instructions"))
}

/// Kills who does `victim` after `kill` instructions or at its end, having let the
/// other in after `stop`. Returns how many there were.
fn kill_at(
    event: &Event,
    victim: Operation,
    stop: usize,
    kill: usize,
    other: Operation,
) -> Result<usize, String> {
    let through = Mapped::new(AtomicBool::new(false));
    let traced = Traced::start(|| {
        mark();
        victim(event);
        through.store(true, Ordering::Release);
        Ok(())
    })?;
    traced.run_to_mark()?;
    let together = pin::beside(traced.child().pid());
    let mut steps = 0;
    while steps < kill && !through.load(Ordering::Acquire) {
        if steps == stop {
            other(event);
        }
        match traced.step(ASLEEP)? {
            Stop::Trap => steps += 1,
            stopped => return Err(format!("at step {steps}: {stopped:?}")),
        }
    }
    if steps <= stop {
        other(event);
    }
    drop(together);
    traced.child().kill();
    if !traced.child().ended(Instant::now() + LIMIT) {
        return Err("the victim outlived SIGKILL".into());
    }
    traced.child().reap();
    Ok(steps)
}

/// Readable if it is set; and what is readable although it is clear can be cleared.
fn check(event: &Event) -> Result<(), String> {
    if event.is_set() && !is_readable(event)? {
        return Err("set, and who polls sleeps".into());
    }
    event.clear();
    let first = (event.is_set(), is_readable(event)?);
    event.set();
    let second = (event.is_set(), is_readable(event)?);
    event.clear();
    let third = (event.is_set(), is_readable(event)?);
    let expected = ((false, false), (true, true), (false, false));
    if (first, second, third) != expected {
        return Err(format!("flag and descriptor: {:?}", (first, second, third)));
    }
    Ok(())
}
