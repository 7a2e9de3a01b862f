//! Values, and what happens once.

use std::hint::black_box;
use std::time::Duration;

use killproof::sync::{Array, Event, Once, OnceLock, Value};
use killproof::{Shared, shareable};

use super::script::Script;
use super::subject::Company;

/// Where the word lies that writers take turns by.
const TURN: u64 = 0;
/// The same of what happens once.
const ONCE_TURN: u64 = 8;

shareable! {
    struct Pair {
        large: Value<[u64; 3]>,
        small: Value<u32>,
    }
}

pub fn value(script: &mut Script<'_>, company: &mut Company) {
    let pair = || Pair { large: Value::new([1; 3]), small: Value::new(1) };
    let make = || Shared::new(pair()).expect("memory");
    company.meet(make, |pair, memory| {
        while let Some(step) = script.step() {
            if step >= 100 {
                memory.free(TURN);
            }
            match step {
                0..=99 => memory.lie(script),
                100..=129 => _ = black_box(pair.large.get()),
                130..=159 => drop(pair.large.set([script.word(); 3])),
                160..=189 => drop(pair.large.update(|value| value.map(|part| part ^ 1))),
                190..=209 => drop(pair.small.set(script.short().into())),
                210..=229 => drop(pair.small.fetch_add(pair.small.get())),
                _ => _ = black_box(format!("{:?} {:?}", pair.large, pair.small)),
            }
        }
    });
}

pub fn array(script: &mut Script<'_>, company: &mut Company) {
    let make = || Shared::new(Array::new([1_u16; 5])).expect("memory");
    company.meet(make, |array, memory| {
        while let Some(step) = script.step() {
            if step >= 100 {
                memory.free(TURN);
            }
            match step {
                0..=99 => memory.lie(script),
                100..=124 => _ = black_box(array.get(script.below(5))),
                125..=149 => _ = black_box(array.get_all()),
                150..=174 => drop(array.set(script.below(5), script.short())),
                175..=199 => drop(array.set_slice(script.below(4), &[script.short(); 2])),
                200..=219 => drop(array.update(script.below(5), |value| value ^ 1)),
                220..=239 => drop(array.update_all(|values| values.reverse())),
                _ => _ = black_box(format!("{array:?}")),
            }
        }
    });
}

shareable! {
    struct Setup {
        once: Once,
        limit: OnceLock<u64>,
    }
}

pub fn once(script: &mut Script<'_>, company: &mut Company) {
    let make = || Shared::new(Setup { once: Once::new(), limit: OnceLock::new() }).expect("memory");
    company.meet(make, |setup, memory| {
        let limit = size_of::<Once>() as u64 + ONCE_TURN;
        while let Some(step) = script.step() {
            if step >= 100 {
                memory.free(ONCE_TURN);
                memory.free(limit);
            }
            match step {
                0..=99 => memory.lie(script),
                100..=129 => drop(setup.once.call_once(|| memory.lie(script))),
                130..=149 => drop(setup.limit.set(script.word())),
                150..=189 => {
                    let init = || {
                        memory.lie(script);
                        memory.free(limit);
                        7
                    };
                    drop(black_box(setup.limit.get_or_init(init).copied()));
                }
                190..=219 => _ = black_box(setup.limit.get().copied()),
                _ => _ = black_box(format!("{:?} {:?}", setup.once, setup.limit)),
            }
        }
    });
}

pub fn event(script: &mut Script<'_>, company: &mut Company) {
    let make = || Event::new().expect("memory");
    company.meet(make, |event, memory| {
        while let Some(step) = script.step() {
            match step {
                0..=99 => memory.lie(script),
                100..=149 => event.set(),
                150..=199 => event.clear(),
                200..=239 => _ = black_box(event.wait_timeout(Duration::ZERO)),
                _ => _ = black_box(format!("{event:?}")),
            }
        }
    });
}
