//! Permits.

use std::hint::black_box;
use std::time::Duration;

use killproof::Shared;
use killproof::sync::{PermitId, Semaphore};

use super::script::Script;
use super::subject::Company;

const CAPACITY: usize = 4;

pub fn semaphore(script: &mut Script<'_>, company: &mut Company) {
    let semaphore = Semaphore::<CAPACITY>::with_capacity(script.below(CAPACITY + 1));
    let semaphore = if script.below(2) == 0 { semaphore } else { semaphore.bounded() };
    let make = || Shared::new(semaphore).expect("memory");
    company.meet(make, |semaphore, memory| {
        let mut permits = Vec::new();
        let mut names = vec![PermitId::default()];
        while let Some(step) = script.step() {
            match step {
                0..=99 => memory.lie(script),
                100..=129 => permits.extend(semaphore.try_acquire()),
                130..=139 => permits.extend(semaphore.acquire_timeout(Duration::ZERO)),
                140..=154 => {
                    permits
                        .extend(semaphore.try_acquire_many(script.below(6)).into_iter().flatten());
                }
                155..=164 => {
                    let many = semaphore.acquire_many_timeout(script.below(6), Duration::ZERO);
                    permits.extend(many.into_iter().flatten());
                }
                165..=184 => drop(script.take(&mut permits)),
                185..=194 => names.extend(script.take(&mut permits).map(|permit| permit.forget())),
                195..=209 => {
                    let name = names[script.below(names.len().min(256))];
                    permits.extend(semaphore.adopt(name));
                }
                210..=229 => drop(semaphore.add_permits(script.below(6))),
                _ => {
                    assert!(semaphore.available() <= CAPACITY);
                    black_box(format!("{semaphore:?}"));
                }
            }
        }
    });
}
