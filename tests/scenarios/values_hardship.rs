//! Two hundred who change a value behind one that is stopped in the middle of its change
//! for seconds, or killed there: in processes of several threads, one of which is
//! interrupted every 100 us.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

use killproof::sync::{Array, Value};
use killproof::{Error, Shared};

use crate::common::case::Case;
use crate::common::interruptions;
use crate::common::trace::{Traced, mark};
use crate::frozen::{freeze, steps_until, thaw};
use crate::hardship::{THREADS, all_asleep, group, until_interrupted};
use crate::locks_hardship::{CROWD, SECONDS};
use crate::{expect, finish, kill, scenario};

const LEN: usize = 6;

pub fn cases() -> Vec<Case> {
    vec![
        scenario("values, 200 behind a stopped writer", || each(thaw_it)),
        scenario("values, 200 behind a killed writer", || each(kill_it)),
    ]
}

/// Ends the writer, and says how many changes it has made at least and at most.
type End = fn(&Traced) -> Result<[u64; 2], String>;

fn thaw_it(writer: &Traced) -> Result<[u64; 2], String> {
    thaw(writer)?;
    Ok([1, 1])
}

fn kill_it(writer: &Traced) -> Result<[u64; 2], String> {
    kill(writer.child());
    Ok([0, 1])
}

fn each(end: End) -> Result<String, String> {
    behind(
        || Shared::new(Value::new([0; LEN])),
        |value| value.update(|all| all.map(|each| each + 1)).map(drop),
        |value| value.get(),
        end,
    )?;
    behind(
        || Shared::new(Array::new([0; LEN])),
        |array| array.update_all(|all| all.iter_mut().for_each(|each| *each += 1)),
        |array| array.get_all(),
        end,
    )?;
    Ok(format!("ok, for {SECONDS:?}"))
}

fn behind<W: Debug + Sync>(
    new: fn() -> Result<W, Error>,
    change: fn(&W) -> Result<(), Error>,
    read: fn(&W) -> [u64; LEN],
    end: End,
) -> Result<(), String> {
    let world = || new().map_err(|e| e.to_string());
    let writes = |world: &W| {
        // The first use makes this process's stamp, which is long.
        let own = new().map(|own| change(&own));
        mark();
        assert_eq!((change(world), own), (Ok(()), Ok(Ok(()))));
    };
    let is_in_turn = |world: &W| !format!("{world:?}").contains("writer: nobody");
    let in_the_middle = steps_until(world, writes, is_in_turn)?;
    let world = world()?;
    let writer = freeze(|| writes(&world), in_the_middle)?;

    // From here on they count together.
    interruptions::count();
    let changes = || change(&world).map_err(|e| e.to_string());
    let undisturbed: Vec<_> = (0..CROWD / THREADS - 1).map(|_| group(changes)).collect();
    let interrupted = group(|| {
        interruptions::start(Duration::from_micros(100));
        changes()
    });
    all_asleep(&undisturbed)?;
    until_interrupted()?;
    thread::sleep(SECONDS);
    let mut all = undisturbed.iter().chain([&interrupted]);
    expect("robbed of its turn", all.clone().any(|group| group.ended(Instant::now())), false)?;
    expect("the value", read(&world), [0; LEN])?;
    let [least, most] = end(&writer)?.map(|own| own + CROWD as u64);
    all.try_for_each(|group| finish("one of many", group))?;
    let value = read(&world);
    let is_right = value == [value[0]; LEN] && (least..=most).contains(&value[0]);
    expect(&format!("{value:?} is from {least} to {most}"), is_right, true)
}
