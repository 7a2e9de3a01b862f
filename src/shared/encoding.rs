//! How the standard types travel.

use core::mem::size_of;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::message::{Decoder, Encoder, InPlace, InvalidMessage, Message};
use super::place::View;
use super::plain::{self, Plain};

// Who has no `Message` is to be told of that, not of an unsafe trait.
#[diagnostic::do_not_recommend]
impl<T: Plain> Message for T {
    const FIXED: Option<usize> = Some(size_of::<T>());
    const IN_PLACE: InPlace = InPlace(true);

    #[inline]
    fn encoded_len(&self) -> usize {
        size_of::<T>()
    }

    #[inline]
    fn encode(&self, out: &mut Encoder<'_>) {
        out.put(plain::bytes_of(core::slice::from_ref(self)));
    }

    #[inline]
    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        match input.view(size_of::<T>())? {
            View::Own(bytes) => plain::from_bytes(bytes).ok_or(InvalidMessage),
            View::Open(span) => plain::from_span(span).ok_or(InvalidMessage),
        }
    }

    fn encode_all(list: &[Self], out: &mut Encoder<'_>) {
        out.put(plain::bytes_of(list));
    }

    fn decode_all(count: usize, input: &mut Decoder<'_>) -> Result<Vec<Self>, InvalidMessage> {
        if size_of::<T>() == 0 {
            // Not one after the other: there are as many as somebody says.
            let one = plain::from_bytes::<T>(&[]).ok_or(InvalidMessage)?;
            return Ok([one].repeat(count));
        }
        match input.view(count.checked_mul(size_of::<T>()).ok_or(InvalidMessage)?)? {
            View::Own(bytes) => plain::list_from_bytes(bytes).ok_or(InvalidMessage),
            View::Open(span) => plain::list_from_span(span).ok_or(InvalidMessage),
        }
    }
}

impl Message for () {
    const FIXED: Option<usize> = Some(0);
    const IN_PLACE: InPlace = InPlace(true);

    fn encoded_len(&self) -> usize {
        0
    }

    fn encode(&self, _: &mut Encoder<'_>) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        Ok(())
    }

    // As for plain values without bytes.
    fn decode_all(count: usize, _: &mut Decoder<'_>) -> Result<Vec<Self>, InvalidMessage> {
        Ok(vec![(); count])
    }
}

impl Message for bool {
    const FIXED: Option<usize> = Some(1);
    const IN_PLACE: InPlace = InPlace(true);

    fn encoded_len(&self) -> usize {
        1
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        u8::from(*self).encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        match u8::decode(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(InvalidMessage),
        }
    }
}

impl Message for char {
    const FIXED: Option<usize> = Some(4);
    const IN_PLACE: InPlace = InPlace(true);

    fn encoded_len(&self) -> usize {
        4
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        u32::from(*self).encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        char::from_u32(u32::decode(input)?).ok_or(InvalidMessage)
    }
}

impl<T: Message> Message for Vec<T> {
    fn encoded_len(&self) -> usize {
        let elements = match T::FIXED {
            Some(each) => each * self.len(),
            None => self.iter().map(T::encoded_len).sum(),
        };
        size_of::<u64>() + elements
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        (self.len() as u64).encode(out);
        T::encode_all(self, out);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        let count = input.take_count(T::FIXED.unwrap_or(1))?;
        T::decode_all(count, input)
    }
}

impl Message for String {
    fn encoded_len(&self) -> usize {
        size_of::<u64>() + self.len()
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        (self.len() as u64).encode(out);
        out.put(self.as_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        String::from_utf8(Vec::decode(input)?).map_err(|_| InvalidMessage)
    }
}

impl Message for OsString {
    fn encoded_len(&self) -> usize {
        size_of::<u64>() + self.len()
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        (self.len() as u64).encode(out);
        out.put(self.as_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        Vec::decode(input).map(OsString::from_vec)
    }
}

impl Message for PathBuf {
    fn encoded_len(&self) -> usize {
        size_of::<u64>() + self.as_os_str().len()
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        (self.as_os_str().len() as u64).encode(out);
        out.put(self.as_os_str().as_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        OsString::decode(input).map(PathBuf::from)
    }
}

impl<T: Message> Message for Option<T> {
    fn encoded_len(&self) -> usize {
        1 + self.as_ref().map_or(0, T::encoded_len)
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        if bool::decode(input)? { T::decode(input).map(Some) } else { Ok(None) }
    }
}

impl<T: Message, E: Message> Message for Result<T, E> {
    fn encoded_len(&self) -> usize {
        1 + self.as_ref().map_or_else(E::encoded_len, T::encoded_len)
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        self.is_ok().encode(out);
        match self {
            Ok(value) => value.encode(out),
            Err(error) => error.encode(out),
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        if bool::decode(input)? { T::decode(input).map(Ok) } else { E::decode(input).map(Err) }
    }
}

/// The sum of fixed lengths, if all are fixed.
const fn sum(lengths: &[Option<usize>]) -> Option<usize> {
    let mut total = 0;
    let mut index = 0;
    while index < lengths.len() {
        match lengths[index] {
            Some(len) => total += len,
            None => return None,
        }
        index += 1;
    }
    Some(total)
}

macro_rules! tuple_messages {
    ($($name:ident)+) => {
        impl<$($name: Message),+> Message for ($($name,)+) {
            const FIXED: Option<usize> = sum(&[$($name::FIXED),+]);
            const IN_PLACE: InPlace = InPlace($($name::IN_PLACE.0)&&+);

            #[inline]
            fn encoded_len(&self) -> usize {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                0 $(+ $name.encoded_len())+
            }

            #[inline]
            fn encode(&self, out: &mut Encoder<'_>) {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                $($name.encode(out);)+
            }

            #[inline]
            fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
                Ok(($($name::decode(input)?,)+))
            }
        }
    };
}

tuple_messages! { A }
tuple_messages! { A B }
tuple_messages! { A B C }
tuple_messages! { A B C D }
tuple_messages! { A B C D E }
tuple_messages! { A B C D E F }
tuple_messages! { A B C D E F G }
tuple_messages! { A B C D E F G H }

#[cfg(test)]
mod tests {
    use crate::primitive::AtomicU64;
    use crate::shared::message::{encode_to, from_bytes, from_view, to_bytes};
    use crate::shared::place::{Place, View};
    use crate::shared::words::Span;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use std::path::PathBuf;

    type Nested =
        (Option<Vec<String>>, Result<u64, String>, (bool, char, ()), Vec<(u8, Option<i16>)>);

    proptest! {
        #[test]
        fn a_value_survives_its_encoding(value in any::<Nested>(), path in any::<PathBuf>()) {
            prop_assert_eq!(&from_bytes::<Nested>(&to_bytes(&value)).unwrap(), &value);
            prop_assert_eq!(from_bytes::<PathBuf>(&to_bytes(&path)).unwrap(), path);
        }

        #[test]
        fn any_bytes_are_a_value_or_an_error(bytes in any::<Vec<u8>>()) {
            if let Ok(value) = from_bytes::<Nested>(&bytes) {
                prop_assert_eq!(to_bytes(&value), bytes);
            }
        }

        #[test]
        fn where_others_may_write_it_is_the_same(
            value in any::<Nested>(),
            numbers in any::<Vec<u32>>(),
            start in 0_usize..20,
        ) {
            let value = (value, numbers);
            let bytes = to_bytes(&value);
            let words: Vec<_> = (0..8 + bytes.len()).map(|_| AtomicU64::new(7)).collect();
            let span = Span::new(&words, start, bytes.len());
            encode_to(&value, Place::Open(span));
            prop_assert_eq!(span.to_vec(), bytes);
            prop_assert_eq!(from_view::<(Nested, Vec<u32>)>(View::Open(span)).unwrap(), value);
        }

        #[test]
        fn any_bytes_are_the_same_where_others_may_write(bytes in any::<Vec<u8>>()) {
            let words: Vec<_> = (0..1 + bytes.len()).map(|_| AtomicU64::new(7)).collect();
            let span = Span::new(&words, 3, bytes.len());
            span.write(&bytes);
            prop_assert_eq!(from_view::<Nested>(View::Open(span)), from_bytes(&bytes));
            prop_assert_eq!(from_view::<Vec<u16>>(View::Open(span)), from_bytes(&bytes));
            prop_assert_eq!(from_view::<[u8; 5]>(View::Open(span)), from_bytes(&bytes));
        }

        #[test]
        fn a_cut_off_encoding_is_an_error(value in any::<Nested>(), cut in any::<proptest::sample::Index>()) {
            let bytes = to_bytes(&value);
            let short = &bytes[..cut.index(bytes.len())];
            prop_assert_eq!(from_bytes::<Nested>(short).is_err(), true);
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_refused_before_anything_is_reserved() {
        assert!(from_bytes::<Vec<u64>>(&u64::MAX.to_ne_bytes()).is_err());
        assert!(from_bytes::<Vec<String>>(&(1_u64 << 40).to_ne_bytes()).is_err());
    }

    #[test]
    fn what_has_no_bytes_takes_no_time() {
        let most = u64::from(u32::MAX);
        let many = [100_u64].into_iter().chain([most; 100]).flat_map(u64::to_ne_bytes);
        let many: Vec<u8> = many.collect();
        let lists = from_bytes::<Vec<Vec<()>>>(&many).unwrap();
        assert!(lists.iter().all(|list| list.len() as u64 == most));
        let lists = from_bytes::<Vec<Vec<[u8; 0]>>>(&many).unwrap();
        assert!(lists.iter().all(|list| list.len() as u64 == most));
        assert!(from_bytes::<Vec<()>>(&(most + 1).to_ne_bytes()).is_err());
    }
}
