//! What an answer is: names for its bytes, known without making them.

use backdrop_core::data_set::DataSet;
use backdrop_core::query::{Format, Query};
use backdrop_postgres::DataVersion;
use sha2::{Digest, Sha256};

/// How many bytes of the hash a tag has: enough that no two answers ever share one by chance.
const TAG_BYTES: usize = 16;

/// The name of the bytes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub(crate) [u8; TAG_BYTES]);

/// A tag as HTTP has it: in hexadecimal, between quotes.
#[derive(Clone, Copy, Debug)]
pub struct QuotedTag([u8; 2 * TAG_BYTES + 2]);

impl Tag {
    /// As HTTP has it.
    pub fn quoted(self) -> QuotedTag {
        let mut text = [b'"'; 2 * TAG_BYTES + 2];
        for (byte, digits) in self.0.iter().zip(text[1..].chunks_exact_mut(2)) {
            digits.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xF)]);
        }
        QuotedTag(text)
    }
}

impl QuotedTag {
    /// The whole of it.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What stands between the quotes.
    pub fn unquoted(&self) -> &str {
        std::str::from_utf8(&self.0[1..=2 * TAG_BYTES]).expect("digits are ASCII")
    }
}

/// The digit for a number below 16.
const fn digit(number: u8) -> u8 {
    b"0123456789abcdef"[number as usize]
}

/// All that decides the bytes of an answer but for the state of the data set.
#[derive(Clone, Debug)]
pub struct Identity(Sha256);

impl Identity {
    /// The identity of the answer to a query in the given form.
    pub fn of(data_set: &DataSet, query: &Query, format: Format) -> Self {
        let mut identity = Self(Sha256::new());
        // Another version of this program may answer the same question with other bytes.
        identity.add(env!("CARGO_PKG_VERSION").as_bytes());
        identity.add(&data_set.id.0.to_be_bytes());
        // The settings that show: the name of the file, and the warning.
        identity.add(data_set.name.as_str().as_bytes());
        identity.add(&[u8::from(data_set.settings.published)]);
        identity.add(query.fingerprint().as_bytes());
        identity.add(format.as_str().as_bytes());
        identity
    }

    /// The tag of the answer from that state of the data set.
    pub fn tag(&self, state: DataVersion) -> Tag {
        let mut whole = self.clone();
        whole.add(&state.generation.to_be_bytes());
        whole.add(&state.version.to_be_bytes());
        whole.add(state.version_tag.as_bytes());
        let hash = whole.0.finalize();
        Tag(*hash.first_chunk().expect("the hash is longer than a tag"))
    }

    /// With its length in front, so that no two lists of parts run into the same bytes.
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }
}
