//! Entity tags: names for the bytes of an answer, known without making them.

use actix_web::HttpRequest;
use actix_web::http::header::{EntityTag, Header, IF_NONE_MATCH, IfNoneMatch};
use backdrop_core::data_set::DataSet;
use backdrop_core::query::{Format, Query};
use backdrop_postgres::DataVersion;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// How many bytes of the hash a tag has: enough that no two answers ever share one by chance.
const TAG_BYTES: usize = 16;

/// All that decides the bytes of an answer but for the state of the data set.
#[derive(Clone)]
pub(super) struct Identity(Sha256);

impl Identity {
    /// The identity of the answer to a query in the given form.
    pub(super) fn of(data_set: &DataSet, query: &Query, format: Format) -> Self {
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
    pub(super) fn tag(&self, state: DataVersion) -> EntityTag {
        let mut whole = self.clone();
        whole.add(&state.generation.to_be_bytes());
        whole.add(&state.version.to_be_bytes());
        whole.add(state.version_tag.as_bytes());
        let mut text = String::with_capacity(2 * TAG_BYTES);
        for byte in &whole.0.finalize()[..TAG_BYTES] {
            write!(text, "{byte:02x}").expect("a String takes any text");
        }
        EntityTag::new_strong(text)
    }

    /// With its length in front, so that no two lists of parts run into the same bytes.
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }
}

/// Which answers the client has already.
pub(super) struct Known(IfNoneMatch);

impl Known {
    /// What `If-None-Match` says; `None` if it says nothing that can be understood.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        // Parsed without being there, it would be an empty list, which costs a question to the store.
        request.headers().contains_key(IF_NONE_MATCH).then(|| IfNoneMatch::parse(request).ok().map(Self))?
    }

    /// Whether the answer of that tag is among them. Weak tags count: caches that compress make them.
    pub(super) fn includes(&self, tag: &EntityTag) -> bool {
        match &self.0 {
            IfNoneMatch::Any => true,
            IfNoneMatch::Items(tags) => tags.iter().any(|known| known.weak_eq(tag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn knows(lines: &[&str]) -> Option<bool> {
        let request = lines
            .iter()
            .fold(TestRequest::default(), |request, line| request.append_header((IF_NONE_MATCH, *line)));
        let tag = EntityTag::new_strong("1a".into());
        Known::of(&request.to_http_request()).map(|known| known.includes(&tag))
    }

    #[test]
    fn a_tag_is_known_alone_in_lists_and_weakly() {
        assert_eq!(knows(&[]), None);
        assert_eq!(knows(&["*"]), Some(true));
        assert_eq!(knows(&["\"1a\""]), Some(true));
        assert_eq!(knows(&["W/\"1a\""]), Some(true));
        assert_eq!(knows(&["\"2b\" , \"1a\""]), Some(true));
        assert_eq!(knows(&["\"2b\"", "W/\"1a\""]), Some(true));
        assert_eq!(knows(&["\"2b\", W/\"3c\""]), Some(false));
        assert_eq!(knows(&["nonsense, \"1a\""]), Some(true));
        for nonsense in ["", "1a", "\"1a"] {
            assert_ne!(knows(&[nonsense]), Some(true), "{nonsense}");
        }
    }
}
