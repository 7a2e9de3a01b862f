//! What crosses between processes: bytes, and how a value becomes them.
//!
//! Numbers are native-endian and lengths are eight bytes: both sides run on one
//! machine, and usually are one program.

use core::fmt;
use std::sync::OnceLock;

use super::place::{Place, View};
use super::words::Span;

/// A value that can travel between processes as bytes.
///
/// Every [`Plain`](crate::Plain) value, `bool`, `char`, `String`, `Vec`, `Option`,
/// `Result`, `PathBuf`, `OsString` and tuples of them are messages; with the feature
/// `serde`, so is every type that serde knows, in a `Serde`. A type of one's own writes
/// its parts one after the other and reads them back in the same order. Errors travel as
/// their text.
///
/// # Examples
///
/// ```
/// use killproof::{Decoder, Encoder, InvalidMessage, Message};
///
/// #[derive(Debug, PartialEq)]
/// struct Page {
///     url: String,
///     links: Vec<String>,
/// }
///
/// impl Message for Page {
///     fn encoded_len(&self) -> usize {
///         self.url.encoded_len() + self.links.encoded_len()
///     }
///     fn encode(&self, out: &mut Encoder<'_>) {
///         self.url.encode(out);
///         self.links.encode(out);
///     }
///     fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
///         Ok(Page { url: Message::decode(input)?, links: Message::decode(input)? })
///     }
/// }
///
/// let (pages, inbox) = killproof::channel::queue(4)?;
/// pages.send(Page { url: "/".into(), links: vec!["/a".into()] })?;
/// assert_eq!(inbox.recv()?.links, ["/a"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel between processes as bytes",
    note = "an error travels as its text: `Result<(), String>`, with `map_err(|error| \
            error.to_string())`",
    note = "a struct of numbers is written with `plain!`; any other type implements `Message`, \
            three methods, see its example; or with the feature `serde` it is put into a `Serde`",
    note = "a closure that never returns says so by `|| -> () {{ .. }}`"
)]
pub trait Message: Sized {
    /// The length of every value's encoding, if they are all equally long.
    ///
    /// Decides how a queue lays out its slots.
    const FIXED: Option<usize> = None;

    /// Whether coding may read and write a slot in place.
    #[doc(hidden)]
    const IN_PLACE: InPlace = InPlace(false);

    /// How many bytes [`encode`](Message::encode) will write.
    fn encoded_len(&self) -> usize;

    /// Writes exactly [`encoded_len`](Message::encoded_len) bytes.
    fn encode(&self, out: &mut Encoder<'_>);

    /// Reads what [`encode`](Message::encode) wrote.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a value. Bytes are to be trusted as little
    /// as a file: their length may be wrong, and any of them may have changed.
    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage>;

    /// Writes the elements of a list; plain ones all at once.
    #[doc(hidden)]
    fn encode_all(list: &[Self], out: &mut Encoder<'_>) {
        list.iter().for_each(|element| element.encode(out));
    }

    /// Reads `count` elements; plain ones all at once.
    #[doc(hidden)]
    fn decode_all(count: usize, input: &mut Decoder<'_>) -> Result<Vec<Self>, InvalidMessage> {
        // Reserves no more than could be there: `count` is an allegation.
        let mut list = Vec::with_capacity(count.min(input.left()));
        for _ in 0..count {
            list.push(Self::decode(input)?);
        }
        Ok(list)
    }
}

/// Whether coding runs no code but this crate's, so that it may happen in a slot
/// for which others wait. No other crate can name this type, and so none can say
/// it of a message of its own.
#[derive(Clone, Copy, Debug)]
pub struct InPlace(pub(super) bool);

impl InPlace {
    pub(crate) const fn is_allowed(self) -> bool {
        self.0
    }
}

/// The bytes were not the message that was expected.
///
/// # Examples
///
/// See [`Message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMessage;

impl fmt::Display for InvalidMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are not a message of the expected type")
    }
}

impl std::error::Error for InvalidMessage {}

/// Where a message writes itself.
///
/// # Examples
///
/// A type that is some bytes:
///
/// ```
/// use killproof::{Decoder, Encoder, InvalidMessage, Message};
/// use std::net::Ipv4Addr;
///
/// #[derive(Debug, PartialEq)]
/// struct Host(Ipv4Addr);
///
/// impl Message for Host {
///     const FIXED: Option<usize> = Some(4); // all equally long: no length travels along
///     fn encoded_len(&self) -> usize {
///         4
///     }
///     fn encode(&self, out: &mut Encoder<'_>) {
///         out.put(&self.0.octets());
///     }
///     fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
///         let octets: [u8; 4] = input.take(4)?.try_into().map_err(|_| InvalidMessage)?;
///         Ok(Host(octets.into()))
///     }
/// }
///
/// let (hosts, inbox) = killproof::channel::queue(4)?;
/// hosts.send(Host(Ipv4Addr::LOCALHOST))?;
/// assert_eq!(inbox.recv()?, Host(Ipv4Addr::LOCALHOST));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Encoder<'a> {
    rest: Place<'a>,
}

impl Encoder<'_> {
    /// Appends `bytes`.
    ///
    /// # Panics
    ///
    /// When more is written than the message's `encoded_len` announced.
    #[inline(always)]
    pub fn put(&mut self, bytes: &[u8]) {
        const TOO_MUCH: &str = "a message wrote more than its encoded_len()";
        match &mut self.rest {
            Place::Own(rest) => {
                let all = core::mem::take(rest);
                let here;
                (here, *rest) = all.split_at_mut_checked(bytes.len()).expect(TOO_MUCH);
                here.copy_from_slice(bytes);
            }
            Place::Open(rest) => *rest = put_open(*rest, bytes).expect(TOO_MUCH),
        }
    }
}

/// Out of line, as all that is for strangers: what the family does stays short.
#[inline(never)]
fn put_open<'a>(rest: Span<'a>, bytes: &[u8]) -> Option<Span<'a>> {
    let (here, rest) = rest.split_at_checked(bytes.len())?;
    here.write(bytes);
    Some(rest)
}

/// Where a message reads itself from.
///
/// # Examples
///
/// See [`Encoder`].
#[derive(Debug)]
pub struct Decoder<'a>(Rest<'a>);

#[derive(Debug)]
enum Rest<'a> {
    Own(&'a [u8]),
    /// Numbers and lists of them are copied from there; for whatever asks for a
    /// reference, all of the rest is, once.
    Open(Span<'a>, &'a OnceLock<Vec<u8>>),
}

impl<'a> Decoder<'a> {
    /// The next `len` bytes.
    ///
    /// # Errors
    ///
    /// When there are fewer.
    #[inline(always)]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], InvalidMessage> {
        let (here, rest) = self.rest().split_at_checked(len).ok_or(InvalidMessage)?;
        self.0 = Rest::Own(rest);
        Ok(here)
    }

    /// How many bytes are left.
    ///
    /// # Examples
    ///
    /// ```
    /// use killproof::{Decoder, Encoder, InvalidMessage, Message};
    ///
    /// struct Line(Vec<u8>); // all of a message: no length travels along
    ///
    /// impl Message for Line {
    ///     fn encoded_len(&self) -> usize {
    ///         self.0.len()
    ///     }
    ///     fn encode(&self, out: &mut Encoder<'_>) {
    ///         out.put(&self.0);
    ///     }
    ///     fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
    ///         Ok(Line(input.take(input.left())?.to_vec()))
    ///     }
    /// }
    ///
    /// let (lines, inbox) = killproof::channel::queue(4)?;
    /// lines.send(Line(b"some".to_vec()))?;
    /// assert_eq!(inbox.recv()?.0, b"some");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn left(&self) -> usize {
        match &self.0 {
            Rest::Own(rest) => rest.len(),
            Rest::Open(rest, _) => rest.len(),
        }
    }

    /// Everything that is left.
    #[inline]
    pub(super) fn rest(&mut self) -> &'a [u8] {
        match self.0 {
            Rest::Own(rest) => rest,
            Rest::Open(rest, copy) => {
                let copy = copy.get_or_init(|| rest.to_vec());
                self.0 = Rest::Own(copy);
                copy
            }
        }
    }

    /// The next `len` bytes, where they are.
    #[inline(always)]
    pub(super) fn view(&mut self, len: usize) -> Result<View<'a>, InvalidMessage> {
        match &mut self.0 {
            Rest::Own(_) => self.take(len).map(View::Own),
            Rest::Open(rest, _) => {
                let here;
                (here, *rest) = rest.split_at_checked(len).ok_or(InvalidMessage)?;
                Ok(View::Open(here))
            }
        }
    }

    /// Reads a length and checks that as many elements could be there.
    pub(super) fn take_count(&mut self, smallest: usize) -> Result<usize, InvalidMessage> {
        let count = usize::try_from(u64::decode(self)?).map_err(|_| InvalidMessage)?;
        let most = self.left().checked_div(smallest).unwrap_or(u32::MAX as usize);
        (count <= most).then_some(count).ok_or(InvalidMessage)
    }
}

/// Writes `value` into `out`, which is as long as its encoding.
///
/// # Panics
///
/// When its `encode` writes more or less than its `encoded_len`.
#[inline]
pub(crate) fn encode_into<T: Message>(value: &T, out: &mut [u8]) {
    encode_to(value, Place::Own(out));
}

/// The same, wherever that is.
#[inline(always)]
pub(crate) fn encode_to<T: Message>(value: &T, out: Place<'_>) {
    let mut encoder = Encoder { rest: out };
    value.encode(&mut encoder);
    assert!(encoder.rest.len() == 0, "a message wrote less than its encoded_len()");
}

/// The encoding of `value`.
pub(crate) fn to_bytes<T: Message>(value: &T) -> Vec<u8> {
    let mut bytes = vec![0; value.encoded_len()];
    encode_into(value, &mut bytes);
    bytes
}

/// The value whose whole encoding `bytes` are.
#[inline(always)]
pub(crate) fn from_bytes<T: Message>(bytes: &[u8]) -> Result<T, InvalidMessage> {
    decode_all_of(Decoder(Rest::Own(bytes)))
}

/// The same, wherever they are.
#[inline(always)]
pub(crate) fn from_view<T: Message>(view: View<'_>) -> Result<T, InvalidMessage> {
    match view {
        View::Own(bytes) => from_bytes(bytes),
        View::Open(span) => from_span(span),
    }
}

#[inline(never)]
fn from_span<T: Message>(span: Span<'_>) -> Result<T, InvalidMessage> {
    decode_all_of(Decoder(Rest::Open(span, &OnceLock::new())))
}

// Always: in a function of its own the value would be copied once more.
#[inline(always)]
fn decode_all_of<T: Message>(mut input: Decoder<'_>) -> Result<T, InvalidMessage> {
    let value = T::decode(&mut input)?;
    if input.left() == 0 { Ok(value) } else { Err(InvalidMessage) }
}
