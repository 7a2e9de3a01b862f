//! Values that are read while their writer stands still, or is one of many that
//! are killed.

use std::mem::ManuallyDrop;
use std::time::Instant;

use killproof::Shared;
use killproof::sync::{Array, Value};

use crate::common::case::Case;
use crate::common::child::fork;
use crate::common::trace::mark;
use crate::frozen::{freeze, thaw};
use crate::{expect, finish, kill, scenario};

const LEN: usize = 6;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("readers pass a writer stopped at any instruction", stopped_writers),
        scenario("accounts add up while their writers are killed", killed_writers),
    ]
}

/// Reads at each instruction of the writer: the old value, and from some
/// instruction on the new one.
fn stopped_writers() -> Result<String, String> {
    let value = read_at_each(
        || Shared::new(Value::new([0_u64; LEN])),
        |value| value.set([1; LEN]),
        |value| value.get(),
    )?;
    let array = read_at_each(
        || Shared::new(Array::new([0_u64; LEN])),
        |array| array.set_all(&[1; LEN]),
        |array| array.get_all(),
    )?;
    Ok(format!("ok, {value} instructions of a value, {array} of an array"))
}

fn read_at_each<W>(
    world: impl Fn() -> Result<W, killproof::Error>,
    write: impl Fn(&W) -> Result<(), killproof::Error>,
    read: impl Fn(&W) -> [u64; LEN],
) -> Result<usize, String> {
    let mut is_new = false;
    for steps in 0.. {
        let world = ManuallyDrop::new(world().map_err(|e| e.to_string())?);
        let writer = freeze(
            || {
                // The first use makes this process's stamp, which is long.
                let own = Shared::new(Value::new([0; LEN])).map(|own| own.set([1; LEN]));
                mark();
                assert_eq!((write(&world), own), (Ok(()), Ok(Ok(()))));
            },
            steps,
        )?;
        let is_through = writer.child().ended(Instant::now());
        let seen = read(&world);
        let may_be_old = !is_new && !is_through;
        let is_whole = seen == [1; LEN] || may_be_old && seen == [0; LEN];
        if !is_whole {
            return Err(format!("{seen:?} at instruction {steps}"));
        }
        is_new = seen == [1; LEN];
        if is_through {
            return Ok(steps);
        }
        thaw(&writer)?;
        expect("the value in the end", read(&world), [1; LEN])?;
        drop(ManuallyDrop::into_inner(world));
    }
    unreachable!("the writer has an end");
}

/// Processes move money between two accounts, one of them in a value, one in an
/// array, and are killed and replaced while they do. Whoever looks sees the sum.
fn killed_writers() -> Result<String, String> {
    const SUM: i64 = 1_000;
    const KILLS: usize = 200;
    let value = Shared::new(Value::new([SUM, 0])).map_err(|e| e.to_string())?;
    let array = Shared::new(Array::new([0, SUM])).map_err(|e| e.to_string())?;
    let moves = Shared::new(Value::new(0_u64)).map_err(|e| e.to_string())?;
    let writer = || {
        fork(|| {
            loop {
                value.update(|[a, b]| [a - 1, b + 1]).map_err(|e| e.to_string())?;
                array
                    .update_all(|[a, b]| (*a, *b) = (*a + 1, *b - 1))
                    .map_err(|e| e.to_string())?;
                moves.fetch_add(1).map_err(|e| e.to_string())?;
            }
        })
    };
    let mut writers = [writer(), writer(), writer()];
    for turn in 0..KILLS {
        let before = moves.get();
        let stuck = Instant::now() + crate::STUCK;
        // As many moves as it takes to come to another place each time.
        while moves.get() < before + (turn % 7) as u64 + 1 {
            let [a, b] = value.get();
            let [c, d] = array.get_all();
            expect("the sums", (a + b, c + d), (SUM, SUM))?;
            if Instant::now() > stuck {
                return Err(format!("no move after kill {turn}"));
            }
        }
        let victim = &mut writers[turn % 3];
        kill(victim);
        *victim = writer();
    }
    writers.iter().for_each(kill);
    // The last ones' turns are taken over as well.
    let last = fork(|| {
        value.update(|[a, b]| [a + b, 0]).map_err(|e| e.to_string())?;
        array.update_all(|[a, b]| (*a, *b) = (0, *a + *b)).map_err(|e| e.to_string())
    });
    finish("the last writer", &last)?;
    expect("in the end", (value.get(), array.get_all()), ([SUM, 0], [0, SUM]))?;
    Ok(format!("ok, {} moves, {KILLS} kills", moves.get()))
}
