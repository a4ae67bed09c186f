//! Cells of a table: what stands in a row under a column, for the forms that have columns.

use serde_json::Value;
use std::borrow::Cow;

/// The first characters of a text that a spreadsheet may take for a formula, or skip to find one.
const FORMULA_BEGINS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What stands in a row under a column.
#[derive(Clone, Debug, PartialEq)]
pub enum TableCell<'r> {
    /// Null, or nothing.
    Empty,
    /// A boolean.
    Boolean(bool),
    /// A number, as it is written in JSON.
    Number(Cow<'r, str>),
    /// A text.
    Text(Cow<'r, str>),
    /// A list or an object, as JSON.
    Nested(Cow<'r, str>),
}

impl<'r> TableCell<'r> {
    /// The cell of a value that is still JSON: its first character tells of which type it is.
    ///
    /// # Panics
    /// If a text is none of Unicode; the store keeps only JSON whose texts are.
    pub fn of_json(json: &'r str) -> Self {
        match json.as_bytes().first() {
            Some(b'n') => Self::Empty,
            Some(b't') => Self::Boolean(true),
            Some(b'f') => Self::Boolean(false),
            Some(b'"') => Self::Text(
                serde_json::from_str(json).expect("the store keeps only JSON whose texts are Unicode"),
            ),
            Some(b'[' | b'{') => Self::Nested(json.into()),
            _ => Self::Number(json.into()),
        }
    }

    /// The cell of a value.
    pub fn of_value(value: &'r Value) -> Self {
        match value {
            Value::Null => Self::Empty,
            Value::Bool(boolean) => Self::Boolean(*boolean),
            Value::Number(number) => Self::Number(number.to_string().into()),
            Value::String(text) => Self::Text(text.into()),
            Value::Array(_) | Value::Object(_) => Self::Nested(value.to_string().into()),
        }
    }

    /// What stands for it in CSV. No text begins with a character by which a spreadsheet tells a formula.
    pub fn csv_field(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
            Self::Text(text) if text.starts_with(FORMULA_BEGINS) => Cow::Owned(["'", text].concat()),
            Self::Number(text) | Self::Text(text) | Self::Nested(text) => Cow::Borrowed(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_that_look_like_formulas_are_neutralised() {
        for (text, field) in [
            ("=1+1", "'=1+1"),
            ("+44 20", "'+44 20"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("a=1", "a=1"),
            ("'=1", "'=1"),
            (" =1", " =1"),
        ] {
            assert_eq!(TableCell::of_value(&json!(text)).csv_field(), field, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_they_are_and_nothing_is_empty() {
        for (value, field) in
            [("-1.50", "-1.50"), ("null", ""), ("true", "true"), ("[-1]", "[-1]"), ("\"a\\n\"", "a\n")]
        {
            assert_eq!(TableCell::of_json(value).csv_field(), field, "{value}");
        }
    }
}
