//! Decoding URLs, strictly: what cannot be decoded is refused, not guessed.

use backdrop_core::error::{ApiError, ErrorCode};

/// What a `+` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plus {
    /// A space, as in queries.
    Space,
    /// Itself, as in paths.
    Itself,
}

/// The parameters of a query, decoded, in the order in which they stand.
///
/// # Errors
/// [`ErrorCode::InvalidQuery`], naming the parameter that cannot be decoded.
pub fn read(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = decode(name, Plus::Space).zip(decode(value, Plus::Space));
            decoded.ok_or_else(|| {
                let message = format!(
                    "{name:?} is not percent-encoded UTF-8: after each % there must be two hexadecimal digits, \
                     a % itself is written %25, and é is %C3%A9, not %E9"
                );
                ApiError::new(ErrorCode::InvalidQuery, message)
            })
        })
        .collect()
}

/// Decodes a text; `None` if it holds a `%` without two hexadecimal digits, or is not UTF-8.
pub fn decode(text: &str, plus: Plus) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            b'+' if plus == Plus::Space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_in_order() {
        let pairs = read("filter_by=name:a%20b+c&&group_by=kind&filter_by=x%3Dy=z&flatten").expect("valid");
        let expected =
            [("filter_by", "name:a b c"), ("group_by", "kind"), ("filter_by", "x=y=z"), ("flatten", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(read(""), Ok(vec![]));
    }

    #[test]
    fn what_cannot_be_decoded_is_refused_by_name() {
        for query in ["limit=%", "limit=%2", "limit=%zz", "limit=%ff", "limit=%c3%28", "limit=%+1"] {
            let error = read(query).expect_err(query);
            assert!(error.message.contains("limit"), "{}", error.message);
        }
        assert_eq!(decode("a+b%2B", Plus::Itself).as_deref(), Some("a+b+"));
    }
}
