//! A region of bytes, read and written by several at once.

use killproof::named::Region;

use crate::common::case::{Case, case};
use crate::common::child::fork;
use crate::common::mapped::{Gate, Mapped};
use crate::common::name::Name;
use crate::finish;

pub fn cases() -> Vec<Case> {
    vec![
        case("bytes::eight_are_from_one_moment", eight_are_from_one_moment),
        case("bytes::neighbours_are_not_written", neighbours_are_not_written),
        case("bytes::past_the_end_it_panics", past_the_end_it_panics),
    ]
}

fn eight_are_from_one_moment() {
    let name = Name::new("words");
    let region: Region = name.named().capacity(16).create().unwrap();
    let stop = Mapped::new(Gate::default());
    let writer = fork(|| {
        let region: Region = name.named().open().unwrap();
        for number in (0..=u8::MAX).cycle() {
            region.write_at(0, &[number; 16]);
            if stop.is_open() {
                return Ok(());
            }
        }
        Ok(())
    });
    for _ in 0..200_000 {
        let mut bytes = [0; 16];
        region.read_at(0, &mut bytes);
        let (first, second) = bytes.split_at(8);
        assert!(first.iter().all(|byte| *byte == first[0]), "{bytes:?}");
        assert!(second.iter().all(|byte| *byte == second[0]), "{bytes:?}");
    }
    stop.open();
    finish(&writer);
}

fn neighbours_are_not_written() {
    const ROUNDS: u8 = 200;
    let name = Name::new("neighbours");
    let region: Region = name.named().capacity(7).create().unwrap();
    let writers: Vec<_> = (0..7)
        .map(|index| {
            let name = &name;
            fork(move || {
                let region: Region = name.named().open().unwrap();
                for round in 1..=ROUNDS {
                    region.write_at(index, &[round]);
                    let mut own = [0];
                    region.read_at(index, &mut own);
                    assert_eq!(own, [round], "byte {index}");
                }
                Ok(())
            })
        })
        .collect();
    writers.iter().for_each(finish);
    let mut bytes = [0; 7];
    region.read_at(0, &mut bytes);
    assert_eq!(bytes, [ROUNDS; 7]);
}

fn past_the_end_it_panics() {
    let name = Name::new("end");
    let region: Region = name.named().capacity(10).create().unwrap();
    let tries: [&dyn Fn(); 4] = [
        &|| region.read_at(10, &mut [0]),
        &|| region.write_at(5, &[0; 6]),
        &|| region.read_at(usize::MAX, &mut [0; 2]),
        &|| region.write_at(11, &[]),
    ];
    std::panic::set_hook(Box::new(|_| {}));
    for (index, attempt) in tries.iter().enumerate() {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt));
        assert!(caught.is_err(), "{index}");
    }
    region.read_at(10, &mut []);
}
