//! With whom a piece of memory is shared.

/// What may be expected of those who share it. Of nobody that it stays alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trust {
    /// They are of one family, and write what this crate writes: a message is read and
    /// written where it lies.
    #[default]
    Family,
    /// They may write anything at any time: nobody has a reference to where a message lies;
    /// its parts are copied out, each once, before anybody looks at them.
    Strangers,
}
