//! Every error a client can meet: one table of stable codes, their HTTP status and their title.
//!
//! Codes are part of the contract: clients branch on them, so a code is never renamed or reused.

use serde::Serialize;

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident => $code:literal, $status:literal, $title:literal;)+) => {
        /// A stable code for something that went wrong, as it stands in `code` of an error body.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[doc = $doc])+ $variant,)+ }

        impl ErrorCode {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code in `snake_case`, as clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status that goes with the code.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// What the code means in a few words, the same for every occurrence (RFC 9457 `title`).
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

error_codes! {
    /// The body is empty.
    EmptyBody => "empty_body", 400, "The request body is empty";
    /// The body is not JSON, or JSON that cannot be stored without changing it.
    InvalidJson => "invalid_json", 400, "The request body is not acceptable JSON";
    /// The body is JSON, but neither a record nor a list of records.
    NotRecords => "not_records", 400, "The request body is neither a record nor a list of records";
    /// A line of a CSV body cannot be read as a record.
    InvalidCsv => "invalid_csv", 400, "The request body is not acceptable CSV";
    /// The body is not a sheet that can be read, or has no such sheet.
    InvalidSheet => "invalid_sheet", 400, "The spreadsheet cannot be read";
    /// The body is not multipart with exactly one file.
    InvalidUpload => "invalid_upload", 400, "The upload is not one file";
    /// The `Content-Type` is missing or is not one this route takes.
    UnsupportedContentType => "unsupported_content_type", 400, "The content type is not supported";
    /// The `Content-Encoding` is not one this route takes.
    UnsupportedEncoding => "unsupported_encoding", 415, "The content encoding is not supported";
    /// The body says that it is compressed and cannot be inflated.
    InvalidEncoding => "invalid_encoding", 400, "The compressed body cannot be inflated";
    /// The body, inflated, is larger than the bound, or holds too many records.
    TooLarge => "too_large", 413, "The request body is too large";
    /// The body did not arrive within its deadline.
    SlowBody => "slow_body", 408, "The request body arrived too slowly";
    /// A header has a value that cannot be understood.
    InvalidHeader => "invalid_header", 400, "A request header is not understood";
    /// At least one record breaks the schema or a record rule; nothing of the batch was stored.
    InvalidRecords => "invalid_records", 400, "Records were rejected";
    /// The record breaks the JSON Schema of its data set.
    SchemaViolation => "schema_violation", 400, "The record breaks the schema of its data set";
    /// A key of the record is not one that records may have.
    InvalidKey => "invalid_key", 400, "A key of the record is not allowed";
    /// A value of the record is a list or an object.
    NestedValue => "nested_value", 400, "A value of the record is not a scalar";
    /// `_id` is not a string without white space of 1 to 512 bytes.
    InvalidId => "invalid_id", 400, "The _id of the record is not allowed";
    /// A time of the record cannot be read.
    InvalidTime => "invalid_time", 400, "A time of the record cannot be read";
    /// A field from which `auto_ids` make the `_id` is missing.
    MissingIdField => "missing_id_field", 400, "A field of the _id is missing";
    /// The values of `auto_ids` differ from those of another record and yet join to the same `_id`.
    IdCollision => "id_collision", 400, "Different values make the same _id";
    /// A cell of a sheet holds an error.
    CellError => "cell_error", 400, "A cell holds an error";
    /// There is no record with that id.
    RecordNotFound => "record_not_found", 400, "The record does not exist";
    /// The validation of the batch took too long, or brought the worker down, time and again.
    DeadLetter => "dead_letter", 400, "The batch could not be processed and was set aside";
    /// The parameters of a query contradict the contract.
    InvalidQuery => "invalid_query", 400, "The query is not valid";
    /// The definition of a data set, or of its schema, is not valid.
    InvalidDefinition => "invalid_definition", 400, "The definition is not valid";
    /// The schema cannot be compiled.
    InvalidSchema => "invalid_schema", 422, "The schema is not a valid JSON Schema";
    /// The `Idempotency-Key` was used with another body.
    IdempotencyMismatch => "idempotency_mismatch", 422, "The Idempotency-Key belongs to another body";
    /// No token, or not in the form of a bearer token.
    MissingToken => "missing_token", 401, "A bearer token is needed";
    /// The token is unknown, revoked or expired.
    InvalidToken => "invalid_token", 401, "The bearer token is not valid";
    /// The token is good, but not for this.
    Forbidden => "forbidden", 403, "The bearer token is not valid for this";
    /// The token is one of the data set's, but lacks the scope.
    InsufficientScope => "insufficient_scope", 403, "The bearer token lacks the scope for this";
    /// No such data set, or it is not queryable.
    DataSetNotFound => "data_set_not_found", 404, "The data set does not exist";
    /// No such token.
    TokenNotFound => "token_not_found", 404, "The token does not exist";
    /// No such receipt: the write was never accepted.
    ReceiptNotFound => "receipt_not_found", 404, "The receipt does not exist";
    /// The receipt is older than receipts are kept.
    ReceiptExpired => "receipt_expired", 410, "The receipt is no longer kept";
    /// No such rejected batch, or it is no longer kept.
    RejectedNotFound => "rejected_not_found", 404, "The rejected batch does not exist";
    /// The rejected batch was replayed with success before.
    AlreadyReplayed => "already_replayed", 409, "The rejected batch was replayed already";
    /// The rejected batch holds no records that could be stored.
    NotReplayable => "not_replayable", 409, "The rejected batch cannot be replayed";
    /// The data set was emptied while it was exported page by page.
    ExportEnded => "export_ended", 410, "The data set was emptied during the export";
    /// No such version of the schema.
    SchemaNotFound => "schema_not_found", 404, "The schema does not exist";
    /// No such transform, transform type, dashboard, data group or the like.
    ResourceNotFound => "resource_not_found", 404, "The resource does not exist";
    /// Another resource is called the same.
    ResourceExists => "resource_exists", 409, "The name is taken";
    /// Other resources need it.
    ResourceInUse => "resource_in_use", 409, "The resource is in use";
    /// No such path.
    NotFound => "not_found", 404, "The path does not exist";
    /// The path is known, but not with this method.
    MethodNotAllowed => "method_not_allowed", 405, "The method is not allowed here";
    /// A data set of that name, or of that group and type, exists.
    DataSetExists => "data_set_exists", 409, "The data set exists already";
    /// The URL is longer than the bound.
    UriTooLong => "uri_too_long", 414, "The URL is too long";
    /// The token has used up its requests for now.
    QuotaExceeded => "quota_exceeded", 429, "The token has used up its quota";
    /// The queue holds as much as it may; nothing was accepted.
    QueueFull => "queue_full", 503, "The queue is full";
    /// The queue cannot be reached or refuses; nothing was accepted.
    QueueUnavailable => "queue_unavailable", 503, "The queue is not available";
    /// The service holds as many bodies as it may; nothing was accepted.
    Overloaded => "overloaded", 503, "The service has too much to do";
    /// Other spreadsheets are being read; nothing was accepted.
    SheetsBusy => "sheets_busy", 503, "Other spreadsheets are being read";
    /// The store cannot be reached; nothing was done.
    StoreUnavailable => "store_unavailable", 503, "The store is not available";
    /// The query was given up after its time limit.
    QueryTimeout => "query_timeout", 503, "The query took too long";
    /// The queue's answer was lost: the write may or may not have been accepted.
    OutcomeUnknown => "outcome_unknown", 504, "It is not known whether the write was accepted";
    /// A fault of ours.
    Internal => "internal", 500, "Something went wrong on our side";
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or_else(|| serde::de::Error::custom(format!("unknown error code {text:?}")))
    }
}

/// An answer other than success: what went wrong, in words for the person who has to act on it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The stable code; it decides the HTTP status.
    pub code: ErrorCode,
    /// What went wrong and what to do about it. Never holds a token or internal detail.
    pub message: String,
    /// Which records were at fault, where that is known. Boxed, so that results stay small.
    pub violations: Option<Box<crate::record::Violations>>,
}

impl ApiError {
    /// An error without records to blame.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), violations: None }
    }
}

/// An error and its causes in one line, for logs: `what failed: because of this: because of that`.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Some libraries repeat the cause in their own text.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        source = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_snake_case() {
        let mut seen = HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{} stands twice", code.as_str());
            assert!(code.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert!((400..600).contains(&code.status()));
        }
    }

    #[test]
    fn the_documentation_lists_every_code() {
        let documented = include_str!("../../../docs/errors.md");
        for code in ErrorCode::ALL {
            let row = format!("| `{}` | {} | {} |", code.as_str(), code.status(), code.title());
            assert!(documented.contains(&row), "docs/errors.md lacks {row}");
        }
        assert_eq!(documented.matches("\n| `").count(), ErrorCode::ALL.len());
    }
}
