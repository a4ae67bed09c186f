//! The `Idempotency-Key` header: the name under which a client may send a request again.

use crate::error::WriteError;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use backdrop_core::batch::{BatchKind, Idempotency};
use backdrop_core::error::ErrorCode;

/// Says that an answer is that of an earlier request with the same key.
pub(crate) const IDEMPOTENT_REPLAYED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;
/// Bodies of this size and more are hashed off the thread that serves requests: a millisecond or so.
const HASHED_APART_BYTES: usize = 256 * 1024;

/// A client's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the header, if it is there.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, WriteError> {
        let mut values = headers.get_all("idempotency-key");
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Self::read(value.as_bytes()).map(Some).ok_or_else(refused),
            (Some(_), Some(_)) => Err(refused()),
        }
    }

    fn read(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?.trim();
        let key = if text.starts_with('"') { unquoted(text)? } else { text.to_owned() };
        let is_key =
            (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        is_key.then_some(Self(key))
    }

    /// The key with what it stands for: what the request is to do, and its inflated body.
    pub(crate) async fn standing_for(self, kind: &BatchKind, body: Bytes) -> Result<Idempotency, WriteError> {
        if body.len() < HASHED_APART_BYTES {
            return Ok(Idempotency::of(self.0, kind, &body));
        }
        let kind = kind.clone();
        let hashing = tokio::task::spawn_blocking(move || Idempotency::of(self.0, &kind, &body)).await;
        hashing.map_err(|_| WriteError::new(ErrorCode::Internal, "Hashing the body failed."))
    }
}

/// The text between quotes (RFC 8941), in which `\"` stands for `"` and `\\` for `\`.
fn unquoted(text: &str) -> Option<String> {
    let mut inner = text.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut key = String::new();
    while let Some(char) = inner.next() {
        match char {
            '"' => return None,
            '\\' => key.push(inner.next().filter(|escaped| ['"', '\\'].contains(escaped))?),
            _ => key.push(char),
        }
    }
    Some(key)
}

fn refused() -> WriteError {
    let message =
        format!("Idempotency-Key takes one key of 1 to {KEY_BYTES_MAX} printable ASCII characters.");
    WriteError::new(ErrorCode::InvalidHeader, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &str) -> Option<String> {
        IdempotencyKey::read(value.as_bytes()).map(|key| key.0)
    }

    #[test]
    fn keys_are_read_quoted_or_not() {
        assert_eq!(key("8e03978e-40d5").as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key(" a key ").as_deref(), Some("a key"));
        assert_eq!(key(r#""a \"key\" \\""#).as_deref(), Some(r#"a "key" \"#));
        assert_eq!(key(&"k".repeat(255)).map(|key| key.len()), Some(255));
        for bad in ["", "  ", r#""""#, r#"""#, r#""a"#, r#""a"b""#, r#""\a""#, "ä", "a\tb", &"k".repeat(256)]
        {
            assert_eq!(key(bad), None, "{bad}");
        }
    }
}
