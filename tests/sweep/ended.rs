//! Rows of a child that comes to its end while its parent waits for that, in each form.
//! Wherever it is killed, the parent is told, and how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use killproof::process::{Child, JoinError, spawn};
use nix::unistd::{Pid, getpid};

use crate::common::case::Case;
use crate::common::child::is_asleep;
use crate::common::forms::{FORMS, Form};
use crate::common::mapped::{Gate, Mapped, gate};
use crate::row::{After, Peer, Row};

struct World {
    child: Mapped<AtomicI32>,
    parent: Mapped<AtomicI32>,
    may_end: Arc<Mapped<Gate>>,
}

pub fn cases() -> Vec<Case> {
    FORMS.iter().map(|form| ended(*form)).collect()
}

fn ended(form: Form) -> Case {
    let name = format!("process end of a child, its parent {}", form.word());
    let pid = |word: &AtomicI32| Pid::from_raw(word.load(Ordering::Acquire));
    let may_end = move |world: &World| {
        // Whoever waits is seen asleep before there is anything to wait for.
        while !is_asleep(pid(&world.parent)) {
            thread::yield_now();
        }
        world.may_end.open();
    };
    Row::of_other(name, world, move |world: &World| pid(&world.child), may_end, told)
        .ends()
        .holder(move |world, holder| wait_for_child(world, holder, form))
        .every(61, 40)
        .case()
}

fn world() -> World {
    World {
        child: Mapped::new(AtomicI32::new(0)),
        parent: Mapped::new(AtomicI32::new(0)),
        may_end: gate(),
    }
}

fn wait_for_child(world: &World, holder: &Peer<'_>, form: Form) -> Result<(), String> {
    let may_end = Arc::clone(&world.may_end);
    let child: Child<u32> = spawn(move || {
        may_end.pass();
        7
    })
    .map_err(|e| e.to_string())?;
    let pid = Pid::from_raw(child.pid().cast_signed());
    while !is_asleep(pid) {
        thread::yield_now();
    }
    world.child.store(pid.as_raw(), Ordering::Release);
    world.parent.store(getpid().as_raw(), Ordering::Release);
    holder.is_ready();
    let joined = form.join(child);
    // What was said of it is known once the sweep has seen it end.
    holder.until_killed();
    match joined {
        Ok(7) => Ok(()),
        Err(JoinError::Signalled(9)) if !holder.victim_finished() => Ok(()),
        other => Err(format!("joined: {other:?}")),
    }
}

/// The next child is started and joined as ever.
fn told(_: &World, after: &After<'_>) -> Result<(), String> {
    let child = spawn(|| 6 * 7).map_err(|e| e.to_string())?;
    after.recovered();
    if child.join() == Ok(42) { Ok(()) } else { Err("the next child's value is lost".into()) }
}
