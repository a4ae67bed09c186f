//! The form in which an answer is asked for.

use super::invalid;
use crate::error::ApiError;

/// A form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// An envelope of JSON around the rows.
    Json,
    /// A table of texts, RFC 4180.
    Csv,
    /// A row of JSON on each line.
    Ndjson,
    /// A sheet of typed cells, as Excel keeps it.
    Xlsx,
}

impl Format {
    /// All of them; the first is what is answered unless another is asked for.
    pub const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::Ndjson, Self::Xlsx];

    /// The name, as queries have it. It also ends the names of files of this form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Xlsx => "xlsx",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            invalid(format!("format must be one of {names}, not {text:?}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_others_refused_with_the_list() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Ok(format));
        }
        for text in ["", "JSON", "yaml", "csv "] {
            let error = Format::parse(text).expect_err(text);
            assert!(error.message.starts_with("format must be one of json, csv, ndjson, xlsx"));
        }
    }
}
