//! Rows of `Value` and `Array`. Whoever dies leaves what was there before or what
//! was to be there after, whole, and the next change works.

use killproof::Shared;
use killproof::sync::{Array, Value};

use crate::common::case::Case;
use crate::common::fds;
use crate::first::Turn;
use crate::row::{After, Begin, Row};

/// More than one atomic, and enough that half of it can be written.
const LEN: usize = 6;

/// Elements are equal in everything that is ever put there: 0 at first, then 1,
/// 2 for a second victim, 9 by the survivor.
type Elements = [u64; LEN];

struct World {
    value: Shared<Value<Elements>>,
    number: Shared<Value<u64>>,
    array: Shared<Array<u64, LEN>>,
}

pub fn cases() -> Vec<Case> {
    vec![
        Row::new("Value set", world, value_set::<1>, value_is::<1>).case(),
        Row::new("Value update", world, value_update, value_is::<1>).case(),
        Row::new("Value set, zombie", world, value_set::<1>, value_is::<1>).zombie().case(),
        Row::new(
            "Value set, after a killed set",
            after(value_set::<1>),
            value_set::<2>,
            value_is::<2>,
        )
        .case(),
        Row::new(
            "Value update, after a killed set",
            after(value_set::<1>),
            value_update,
            value_is::<2>,
        )
        .case(),
        Row::new("Value fetch_add, 8 bytes", world, number_add, number_is).case(),
        Row::new("Array set", world, element_set, element_is).case(),
        Row::new("Array update", world, element_update, element_is).case(),
        Row::new("Array set_slice", world, array_set::<1>, array_is::<1>).case(),
        Row::new("Array update_all", world, array_update, array_is::<1>).case(),
        Row::new(
            "Array set_slice, after a killed one",
            after(array_set::<1>),
            array_set::<2>,
            array_is::<2>,
        )
        .case(),
        Row::new(
            "Array update_all, after a killed set",
            after(array_set::<1>),
            array_update,
            array_is::<2>,
        )
        .case(),
    ]
}

fn world() -> World {
    let failed = "memory";
    World {
        value: Shared::new(Value::new([0; LEN])).expect(failed),
        number: Shared::new(Value::new(0)).expect(failed),
        array: Shared::new(Array::new([0; LEN])).expect(failed),
    }
}

/// A world in which somebody died in the middle of `first`, or after it.
fn after(first: fn(&World, Begin)) -> impl Fn() -> World {
    let turn = Turn::default();
    move || {
        let world = world();
        turn.kill(&world, first);
        world
    }
}

fn warm_up() {
    let other = world();
    assert!(other.value.set([7; LEN]).is_ok() && other.array.set_all(&[7; LEN]).is_ok());
}

fn value_set<const NEW: u64>(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    assert!(world.value.set([NEW; LEN]).is_ok());
}

fn value_update(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    assert!(world.value.update(|value| value.map(|element| element + 1)).is_ok());
}

fn number_add(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    assert!(world.number.fetch_add(1).is_ok());
}

fn element_set(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    assert!(world.array.set(LEN - 1, 1).is_ok());
}

fn element_update(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    assert!(world.array.update(LEN - 1, |element| element + 1).is_ok());
}

fn array_set<const NEW: u64>(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    // All but the last: an odd number of elements, from the log or the data.
    assert!(world.array.set_slice(0, &[NEW; LEN - 1]).is_ok());
}

fn array_update(world: &World, begin: Begin) {
    warm_up();
    begin.now();
    let add = |elements: &mut Elements| elements[..LEN - 1].iter_mut().for_each(|e| *e += 1);
    assert!(world.array.update_all(add).is_ok());
}

/// All of `seen` are equal and at most `MOST`; and if the victim was through, its
/// change is there.
fn check<const MOST: u64>(seen: &[u64], after: &After<'_>) -> Result<(), String> {
    let whole = seen.iter().all(|element| *element == seen[0]) && seen[0] <= MOST;
    let lost = after.finished() && seen[0] == 0;
    if whole && !lost { Ok(()) } else { Err(format!("{seen:?}, at most {MOST}")) }
}

fn value_is<const MOST: u64>(world: &World, after: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    check::<MOST>(&world.value.get(), after)?;
    let before = world.value.get();
    let replaced = world.value.replace([9; LEN]).map_err(|e| e.to_string())?;
    after.recovered();
    if (replaced, world.value.get(), fds::open()) != (before, [9; LEN], open) {
        return Err(format!("{replaced:?} for {before:?}, now {:?}", world.value.get()));
    }
    Ok(())
}

fn number_is(world: &World, after: &After<'_>) -> Result<(), String> {
    let number = world.number.get();
    check::<1>(&[number], after)?;
    let before = world.number.fetch_sub(1).map_err(|e| e.to_string())?;
    let now = world.number.get();
    (before == number && now == number.wrapping_sub(1))
        .then_some(())
        .ok_or_else(|| format!("{number}, then {before} and {now}"))
}

fn element_is(world: &World, after: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    let mut expected = world.array.get_all();
    check::<1>(&expected[LEN - 1..], after)?;
    world.array.set(0, 9).map_err(|e| e.to_string())?;
    after.recovered();
    expected[0] = 9;
    if (world.array.get_all(), fds::open()) != (expected, open)
        || expected[1..LEN - 1] != [0; LEN - 2]
    {
        return Err(format!("{:?}, and {expected:?} wanted", world.array.get_all()));
    }
    Ok(())
}

fn array_is<const MOST: u64>(world: &World, after: &After<'_>) -> Result<(), String> {
    let open = fds::open();
    let seen = world.array.get_all();
    check::<MOST>(&seen[..LEN - 1], after)?;
    // Of an element each, from the log or the data as well.
    let single: Vec<u64> = (0..LEN).map(|index| world.array.get(index)).collect();
    if single != seen || seen[LEN - 1] != 0 {
        return Err(format!("{seen:?} together, {single:?} one by one"));
    }
    world.array.set(LEN - 1, 9).map_err(|e| e.to_string())?;
    after.recovered();
    let mut expected = seen;
    expected[LEN - 1] = 9;
    if (world.array.get_all(), fds::open()) != (expected, open) {
        return Err(format!("{:?} after {seen:?}", world.array.get_all()));
    }
    Ok(())
}
