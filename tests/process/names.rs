//! Who is who.

use killproof::process::{Builder, current, spawn};

use crate::case;
use crate::common::case::Case;

pub fn cases() -> Vec<Case> {
    vec![case("names::given_and_by_number", given_and_by_number), case("names::current", whoami)]
}

fn name() -> String {
    current().name().to_owned()
}

fn given_and_by_number() {
    let children =
        [spawn(name), Builder::new().name("crawler").spawn(name), spawn(name), spawn(name)];
    let expected = ["Process-1", "crawler", "Process-2", "Process-3"];
    for (child, expected) in children.into_iter().zip(expected) {
        let child = child.unwrap();
        assert_eq!(child.name(), expected);
        assert_eq!(child.join().unwrap(), expected);
    }
    let nested = spawn(|| (name(), spawn(name).unwrap().join().unwrap_or_default()));
    let expected = ("Process-4".to_owned(), "Process-1".to_owned());
    assert_eq!(nested.unwrap().join(), Ok(expected), "each process counts its own");
}

fn whoami() {
    let me = current();
    assert_eq!((me.name(), me.pid()), ("main", std::process::id()));
    assert_eq!(me.parent(), std::os::unix::process::parent_id());
    let child = spawn(|| (current().pid(), current().parent())).unwrap();
    let pid = child.pid();
    assert_eq!(child.join(), Ok((pid, me.pid())));
}
