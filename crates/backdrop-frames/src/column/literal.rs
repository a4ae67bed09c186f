//! Values as they arrive: JSON text that the store prints.

use super::decimal::Decimal;
use std::borrow::Cow;

/// A value that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Literal<'t> {
    /// No such field, or null: for queries, these are the same.
    Absent,
    Boolean(bool),
    Number(Decimal),
    Text(Cow<'t, str>),
    /// A list, an object, or a number that a mantissa cannot hold.
    Other,
}

impl<'t> Literal<'t> {
    /// Reads a value. Only strings with escapes allocate: there is one call for each value of a data set.
    pub(crate) fn read(text: Option<&'t str>) -> Self {
        match text {
            None | Some("null") => Self::Absent,
            Some("true") => Self::Boolean(true),
            Some("false") => Self::Boolean(false),
            Some(text) => match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                Some(inner) if !inner.contains('\\') => Self::Text(Cow::Borrowed(inner)),
                Some(_) => {
                    serde_json::from_str(text).map_or(Self::Other, |text| Self::Text(Cow::Owned(text)))
                }
                None => Decimal::parse(text).map_or(Self::Other, Self::Number),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_type() {
        assert_eq!(Literal::read(None), Literal::Absent);
        assert_eq!(Literal::read(Some("null")), Literal::Absent);
        assert_eq!(Literal::read(Some("true")), Literal::Boolean(true));
        assert_eq!(Literal::read(Some("false")), Literal::Boolean(false));
        assert_eq!(Literal::read(Some("-1.0")), Literal::Number(Decimal { mantissa: -10, places: 1 }));
        for other in ["[1, 2]", "{\"a\": 1}", "[]", "1e9", "12345678901234567890", "\"", "\"\\q\"", ""] {
            assert_eq!(Literal::read(Some(other)), Literal::Other, "{other}");
        }
    }

    #[test]
    fn strings_are_read_as_json() {
        for text in
            ["", "null", "1", "é, 日本語 and 🦀", "a \"quote\"", "back\\slash", "tab\t and \u{1}", "/"]
        {
            let json = serde_json::to_string(text).unwrap();
            assert_eq!(Literal::read(Some(&json)), Literal::Text(Cow::Borrowed(text)), "{json}");
        }
    }
}
