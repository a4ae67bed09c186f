//! Which format a body has: by its content type, or else by the name of a file.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use backdrop_core::error::{ApiError, ErrorCode};

/// A format of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON document.
    Json,
    /// A JSON object per line.
    Lines,
    /// Comma-separated values.
    Csv,
    /// XLSX, XLS or ODS: which one, the bytes themselves tell better than any name.
    Sheet,
}

/// What the content types and endings of each format are.
const KNOWN: [(&str, &str, Format); 9] = [
    ("application/json", "json", Format::Json),
    ("application/x-ndjson", "ndjson", Format::Lines),
    ("application/ndjson", "jsonl", Format::Lines),
    ("application/jsonl", "jsonl", Format::Lines),
    ("text/csv", "csv", Format::Csv),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", Format::Sheet),
    (AMBIGUOUS, "xls", Format::Sheet),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods", Format::Sheet),
    ("application/x-vnd.oasis.opendocument.spreadsheet", "ods", Format::Sheet),
];

/// What Windows calls also CSV and XLSX where Excel is installed.
const AMBIGUOUS: &str = "application/vnd.ms-excel";

impl Format {
    /// The format of a request's body.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self::of_content_type(value).ok_or_else(unsupported)
    }

    /// The format of an uploaded file: by its content type, unless that says nothing, or by its name.
    pub(crate) fn of_file(content_type: Option<&str>, name: &str) -> Result<Self, ApiError> {
        let by_type = content_type.filter(|value| !essence(value).eq_ignore_ascii_case(AMBIGUOUS));
        let by_name = || {
            let (_, ending) = name.rsplit_once('.')?;
            let known = KNOWN.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(ending));
            known.map(|(.., format)| *format)
        };
        by_type
            .and_then(Self::of_content_type)
            .or_else(by_name)
            .or_else(|| content_type.and_then(Self::of_content_type))
            .ok_or_else(|| {
                let message = "The file's format is not known. Expected a file whose name ends with .json, .ndjson, \
                               .jsonl, .csv, .xlsx, .xls or .ods.";
                ApiError::new(ErrorCode::UnsupportedContentType, message)
            })
    }

    fn of_content_type(value: &str) -> Option<Self> {
        let known = KNOWN.iter().find(|(known, ..)| known.eq_ignore_ascii_case(essence(value)));
        known.map(|(.., format)| *format)
    }
}

/// The content type without its parameters.
fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// The answer to any other content type; older clients look for the first sentence.
pub(crate) fn unsupported() -> ApiError {
    let message = "Expected header: Content-type: application/json (or application/x-ndjson, text/csv, or that of \
                   an XLSX, XLS or ODS file)";
    ApiError::new(ErrorCode::UnsupportedContentType, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_format_of_its_type_or_else_of_its_name() {
        for (content_type, name, format) in [
            (Some("text/csv; charset=utf-8"), "figures", Some(Format::Csv)),
            (Some("Application/JSON"), "figures.csv", Some(Format::Json)),
            (Some("application/octet-stream"), "figures.XLSX", Some(Format::Sheet)),
            (Some("application/vnd.ms-excel"), "figures.csv", Some(Format::Csv)),
            (Some("application/vnd.ms-excel"), "figures", Some(Format::Sheet)),
            (None, "figures.jsonl", Some(Format::Lines)),
            (None, "figures.ods", Some(Format::Sheet)),
            (Some("text/plain"), "figures.txt", None),
            (None, "csv", None),
        ] {
            assert_eq!(Format::of_file(content_type, name).ok(), format, "{content_type:?} {name}");
        }
    }
}
