//! A task's body and its answer, as bytes.
//!
//! A body begins with a byte that says whether it is for the pool's own function or brings
//! [one](Callee), which then follows, and whether behind that is one argument, or many,
//! each behind its length. The answer to many is as many: a [`kind`], a number unless that
//! is a value, and the bytes behind their length. A length is one byte, or [`LONG`] and
//! eight: most are short, and of many small values the lengths are what there is to copy.
//!
//! Whatever there are many of lies one behind the other in one piece of memory: they are
//! small, or they would not travel together.

use super::call::{Callee, LEN};
use super::error::TaskError;
use super::report::{Piece, kind, of_piece, piece};
use crate::shared::message::{Message, encode_into, from_bytes};

/// The first byte.
const MANY: u8 = 1;
const CALLS: u8 = 2;

/// The bytes of a body that are not the user's, of one argument alone, at most.
pub(super) const COVER: usize = 1 + LEN + 1 + size_of::<u64>();

/// The body without its arguments, and room for so many bytes of them.
fn begin(kind: u8, callee: Option<Callee>, room: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 + callee.map_or(0, |_| LEN) + room);
    body.push(kind);
    if let Some(callee) = callee {
        body[0] |= CALLS;
        append(&callee, &mut body);
    }
    body
}

/// A task with one argument.
pub(super) fn one<T: Message>(callee: Option<Callee>, argument: &T) -> Vec<u8> {
    let mut body = begin(0, callee, argument.encoded_len());
    append(argument, &mut body);
    body
}

/// The most room that is made before there is anything to put there.
const BELIEVED: usize = 1 << 20;

/// A task with many, and how many they are.
pub(super) fn many<T: Message>(
    callee: Option<Callee>,
    arguments: impl Iterator<Item = T>,
) -> (usize, Vec<u8>) {
    let each = 1 + T::FIXED.unwrap_or(0);
    // How many there are is an allegation.
    let room = arguments.size_hint().0.saturating_mul(each).min(BELIEVED);
    let mut body = begin(MANY, callee, room);
    let count = arguments.map(|argument| put(&argument, &mut body)).count();
    (count, body)
}

/// Writes `value` behind what is there.
#[inline]
pub(super) fn append<T: Message>(value: &T, bytes: &mut Vec<u8>) {
    append_so_many(value, value.encoded_len(), bytes);
}

/// The same; it is told how many bytes there will be, since what is asked twice may say two
/// things.
#[inline]
fn append_so_many<T: Message>(value: &T, len: usize, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.resize(start + len, 0);
    encode_into(value, &mut bytes[start..]);
}

/// In the place of a length: it follows.
const LONG: u8 = u8::MAX;

/// Writes `value` behind its length.
#[inline]
fn put<T: Message>(value: &T, bytes: &mut Vec<u8>) {
    let len = value.encoded_len();
    put_len(len, bytes);
    append_so_many(value, len, bytes);
}

/// The length as one byte, if it has room there.
#[inline]
fn short(len: usize) -> Option<u8> {
    u8::try_from(len).ok().filter(|len| *len < LONG)
}

#[inline]
fn put_len(len: usize, bytes: &mut Vec<u8>) {
    match short(len) {
        Some(len) => bytes.push(len),
        None => {
            bytes.push(LONG);
            bytes.extend((len as u64).to_ne_bytes());
        }
    }
}

/// Takes what lies behind its length at the front of `bytes`.
#[inline]
fn get<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (short, mut rest) = bytes.split_first()?;
    let mut len = usize::from(*short);
    if *short == LONG {
        let (long, behind) = rest.split_first_chunk()?;
        (len, rest) = (u64::from_ne_bytes(*long) as usize, behind);
    }
    let (here, rest) = rest.split_at_checked(len)?;
    *bytes = rest;
    Some(here)
}

/// What a body asks for.
pub(super) struct Opened<'a> {
    pub(super) callee: Option<Callee>,
    pub(super) is_many: bool,
    /// The argument, or all of them.
    pub(super) rest: &'a [u8],
}

/// What `body` asks for; `None`: it is no body.
pub(super) fn open(body: &[u8]) -> Option<Opened<'_>> {
    let (kind, rest) = body.split_first()?;
    let is_many = kind & MANY != 0;
    if kind & CALLS == 0 {
        return Some(Opened { callee: None, is_many, rest });
    }
    let (callee, rest) = rest.split_at_checked(LEN)?;
    Some(Opened { callee: from_bytes(callee).ok(), is_many, rest })
}

/// Those of [`many`], one after the other.
pub(super) fn arguments(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || get(&mut rest))
}

/// The room for so many answers to arguments of so many bytes, as far as that is known.
pub(super) fn room_for_answers<In: Message, Out: Message>(arguments: &[u8]) -> usize {
    let room = match (In::FIXED, Out::FIXED) {
        (Some(each), Some(answer)) => (arguments.len() / (1 + each)).saturating_mul(2 + answer),
        // They are small, and so, probably, are their results.
        _ => arguments.len() * 2,
    };
    room.min(BELIEVED)
}

/// Appends one answer of many.
#[inline]
pub(super) fn put_value<T: Message>(value: &T, answer: &mut Vec<u8>) {
    answer.push(kind::RETURNED);
    put(value, answer);
}

/// Appends one answer of many that `write` writes; `None`: what it wrote is none.
pub(super) fn put_written(
    answer: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    answer.extend([kind::RETURNED, LONG]);
    let start = answer.len();
    write(answer)?;
    let len = answer.len() - start;
    match short(len) {
        Some(len) => answer[start - 1] = len,
        None => drop(answer.splice(start..start, (len as u64).to_ne_bytes())),
    }
    Some(())
}

/// Appends why there is no answer to one of many.
pub(super) fn put_error(error: TaskError, answer: &mut Vec<u8>) {
    let (kind, number, bytes) = piece(Err(error));
    answer.push(kind);
    answer.extend(number.to_ne_bytes());
    put_len(bytes.len(), answer);
    answer.extend(bytes);
}

/// The answers of many, one after the other.
pub(super) struct Answers {
    bytes: Vec<u8>,
    at: usize,
}

impl Answers {
    pub(super) fn new(bytes: Vec<u8>) -> Answers {
        Answers { bytes, at: 0 }
    }

    #[inline]
    pub(super) fn next<Out: Message>(&mut self) -> Option<Result<Out, TaskError>> {
        let (kind, mut rest) = self.bytes[self.at..].split_first()?;
        if *kind != kind::RETURNED {
            return self.next_error().map(Err);
        }
        let bytes = get(&mut rest)?;
        self.at = self.bytes.len() - rest.len();
        Some(value(bytes))
    }

    #[cold]
    fn next_error(&mut self) -> Option<TaskError> {
        let (kind, rest) = self.bytes[self.at..].split_first()?;
        let (number, mut rest) = rest.split_first_chunk()?;
        let bytes = get(&mut rest)?;
        self.at = self.bytes.len() - rest.len();
        let piece: Piece = (*kind, i32::from_ne_bytes(*number), bytes.to_vec());
        of_piece(piece).err()
    }
}

/// The value that these bytes are.
#[inline]
pub(super) fn value<Out: Message>(bytes: &[u8]) -> Result<Out, TaskError> {
    from_bytes(bytes).map_err(|_| invalid(bytes))
}

#[cold]
fn invalid(bytes: &[u8]) -> TaskError {
    TaskError::Invalid(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    /// Of values with lengths of either kind, and with those where one becomes the other.
    fn lists() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let len = prop_oneof![0..10_usize, 240..260_usize, 1000..1100_usize];
        vec(len.prop_flat_map(|len| vec(any::<u8>(), len)), 0..20)
    }

    proptest! {
        #[test]
        fn many_arguments_come_as_they_went(list in lists(), calls in any::<bool>()) {
            let callee = calls.then(|| Callee::new(|n: u8| n));
            let (count, body) = many(callee, list.iter().cloned());
            let opened = open(&body).unwrap();
            prop_assert!(opened.is_many);
            prop_assert_eq!(opened.callee.map(Callee::addresses), callee.map(Callee::addresses));
            let back: Result<Vec<Vec<u8>>, _> = arguments(opened.rest).map(from_bytes).collect();
            prop_assert_eq!((count, back), (list.len(), Ok(list)));
        }

        #[test]
        fn answers_come_as_they_were_given(
            values in lists(),
            errors in any::<Vec<String>>(),
            writes in any::<bool>(),
        ) {
            let mut list: Vec<Result<Vec<u8>, String>> = values.into_iter().map(Ok).collect();
            list.extend(errors.into_iter().map(Err));
            let mut answer = Vec::new();
            for outcome in list.clone() {
                match outcome {
                    Ok(bytes) if writes => {
                        let write = |answer: &mut Vec<u8>| {
                            append(&bytes, answer);
                            Some(())
                        };
                        prop_assert_eq!(put_written(&mut answer, write), Some(()));
                    }
                    Ok(bytes) => put_value(&bytes, &mut answer),
                    Err(message) => put_error(TaskError::Panicked(message), &mut answer),
                }
            }
            let mut answers = Answers::new(answer);
            let back = core::iter::from_fn(|| answers.next::<Vec<u8>>());
            let wanted = list.into_iter().map(|outcome| outcome.map_err(TaskError::Panicked));
            prop_assert!(back.eq(wanted));
        }

        #[test]
        fn no_bytes_are_more_than_they_are(bytes in any::<Vec<u8>>()) {
            if let Some(opened) = open(&bytes) {
                prop_assert!(arguments(opened.rest).count() <= bytes.len());
            }
            let mut answers = Answers::new(bytes.clone());
            let count = core::iter::from_fn(|| answers.next::<u8>()).count();
            prop_assert!(count <= bytes.len());
        }
    }
}
