//! Where a name leads.

use crate::error::{Error, Kind};
use crate::sys::shm::FOLDER;

/// What every file of ours begins with. Behind it stand the user's number, so that users
/// are not in each other's way, and the name.
const PREFIX: &str = "killproof.";

/// A file's name has at most 255 bytes, of which the prefix takes up to 21.
pub(super) const LONGEST: usize = 200;

/// The file of `user`'s that has the name.
pub(super) fn of(user: u32, name: &str) -> Result<String, Error> {
    if !(1..=LONGEST).contains(&name.len()) {
        return Err(Error::new("the length of a name, 1 to 200 bytes", Kind::Limit));
    }
    if name.contains(['/', '\0']) {
        return Err(Error::new("a `/` or a zero in a name", Kind::Limit));
    }
    Ok(format!("{FOLDER}/{PREFIX}{user}.{name}"))
}

/// The name that a file of `user`'s in the folder has, if it is one.
pub(super) fn name_of(user: u32, file: &str) -> Option<&str> {
    file.strip_prefix(PREFIX)?.strip_prefix(&user.to_string())?.strip_prefix('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn a_file_has_the_name_that_it_was_made_by(user in any::<u32>(), name in "\\PC{1,50}") {
            let Ok(path) = of(user, &name) else {
                prop_assert!(name.contains('/') || name.len() > LONGEST);
                return Ok(());
            };
            let file = path.strip_prefix("/dev/shm/").unwrap();
            prop_assert!(!file.contains('/') && file.len() <= 255);
            prop_assert_eq!(name_of(user, file), Some(&*name));
            prop_assert_eq!(name_of(user ^ 1, file), None);
        }
    }

    #[test]
    fn what_can_be_no_name_is_refused() {
        for name in ["", "a/b", "/", "..\0", &"x".repeat(201)] {
            assert!(of(0, name).unwrap_err().is_limit(), "{name:?}");
        }
        for name in [".", "..", "x", &"x".repeat(200)] {
            assert!(of(u32::MAX, name).is_ok(), "{name:?}");
        }
    }
}
