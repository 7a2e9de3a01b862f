//! Any serde type as a message, through postcard.

use postcard::ser_flavors::{Flavor, Size};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::message::{Decoder, Encoder, InvalidMessage, Message};

/// A message of any type that serde can write and read. With the feature `serde`.
///
/// It travels as [postcard](https://docs.rs/postcard) writes it, which does not say what
/// it is: both sides must mean the same type. Attributes that need to be told, such as
/// `flatten` and `untagged`, do not work with it.
///
/// Bytes that are no such value fail the one receive that took them, with
/// [`RecvError::Invalid`](crate::channel::RecvError::Invalid). A list of elements
/// without bytes, such as `Vec<()>`, is as long as its bytes say, whoever wrote them, and
/// is read one after the other: among processes that may lie, use none.
///
/// # Panics
///
/// Sending panics where the type's `Serialize` fails, or does not write the same twice.
/// Then nothing is sent, and nobody is held up.
///
/// # Examples
///
/// ```
/// use killproof::{Serde, channel, process};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// enum Job {
///     Fetch { url: String, depth: u8 },
///     Stop,
/// }
///
/// let (jobs, todo) = channel::queue::<Serde<Job>>(4)?;
/// let worker = process::spawn(move || match todo.recv() {
///     Ok(Serde(Job::Fetch { url, .. })) => url,
///     other => panic!("{other:?}"),
/// })?;
/// jobs.send(Serde(Job::Fetch { url: "/".into(), depth: 3 }))?;
/// assert_eq!(worker.join()?, "/");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serde<T>(pub T);

impl<T: Serialize + DeserializeOwned> Message for Serde<T> {
    fn encoded_len(&self) -> usize {
        match postcard::serialize_with_flavor(&self.0, Size::default()) {
            Ok(len) => len,
            Err(error) => panic!("a message that does not serialize: {error}"),
        }
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        if let Err(error) = postcard::serialize_with_flavor(&self.0, Sink(out)) {
            panic!("a message that does not serialize: {error}");
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, InvalidMessage> {
        let all = input.rest();
        let (value, rest) = postcard::take_from_bytes(all).map_err(|_| InvalidMessage)?;
        input.take(all.len() - rest.len())?;
        Ok(Serde(value))
    }
}

/// Where postcard writes to.
struct Sink<'a, 'b>(&'a mut Encoder<'b>);

impl Flavor for Sink<'_, '_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.put(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
