//! Answers other than success, from the table of error codes.

use crate::routes::data_sets::DataSetsStatus;
use backdrop_core::error::ErrorCode;
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// What a query can be refused with.
const OF_QUERIES: [ErrorCode; 6] = [
    ErrorCode::InvalidQuery,
    ErrorCode::DataSetNotFound,
    ErrorCode::UriTooLong,
    ErrorCode::Internal,
    ErrorCode::StoreUnavailable,
    ErrorCode::QueryTimeout,
];
/// What the question which data sets are out of date can be refused with.
const OF_THE_STORE: [ErrorCode; 4] =
    [ErrorCode::InvalidQuery, ErrorCode::Internal, ErrorCode::StoreUnavailable, ErrorCode::QueryTimeout];

/// The refusals of a query.
pub(crate) struct Refusals;

/// The refusals of the question which data sets are out of date.
pub(crate) struct StatusRefusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        by_status(&OF_QUERIES)
    }
}

impl IntoResponses for StatusRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = by_status(&OF_THE_STORE);
        if let Some(RefOr::T(unavailable)) = responses.get_mut("503") {
            unavailable.description.insert_str(0, "With `strict=true`: some are out of date.\n\n");
            let schemas = [DataSetsStatus::name(), Error::name()].map(Ref::from_schema_name);
            let any = schemas.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item).build();
            for content in unavailable.content.values_mut() {
                content.schema = Some(Schema::from(any.clone()).into());
            }
        }
        responses
    }
}

/// One answer for each status, with an example for each of its codes.
fn by_status(codes: &[ErrorCode]) -> BTreeMap<String, RefOr<Response>> {
    let mut statuses: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        statuses.entry(code.status()).or_default().push(*code);
    }
    statuses.into_iter().map(|(status, codes)| (status.to_string(), response(&codes).into())).collect()
}

fn response(codes: &[ErrorCode]) -> Response {
    let line = |code: &ErrorCode| format!("`{}`: {}.", code.as_str(), code.title());
    let description: Vec<String> = codes.iter().map(line).collect();
    let examples = codes.iter().map(|code| {
        let value = json!({"status": "error", "code": code.as_str(), "message": code.title()});
        (code.as_str(), ExampleBuilder::new().value(Some(value)).build())
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Error::name())))
        .examples_from_iter(examples)
        .build();
    ResponseBuilder::new().description(description.join("\n\n")).content("application/json", content).build()
}

/// The envelope of errors.
pub(super) struct Error;

impl ToSchema for Error {
    fn name() -> Cow<'static, str> {
        "Error".into()
    }
}

impl PartialSchema for Error {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
        ObjectBuilder::new()
            .description(Some(
                "Why there is no other answer. With `Accept: application/problem+json` it has the form of \
                 RFC 9457 instead.",
            ))
            .property("status", text().enum_values(Some(["error"])))
            .required("status")
            .property(
                "code",
                text().description(Some("What clients may branch on.")).enum_values(Some(codes)),
            )
            .required("code")
            .property("message", text().description(Some("What went wrong and what to do about it.")))
            .required("message")
            .into()
    }
}
