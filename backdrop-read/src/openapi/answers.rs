//! What a query is answered with.

use super::examples;
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The answers of a query that are no refusals.
pub(super) struct Rows;

impl IntoResponses for Rows {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let rows = ResponseBuilder::new()
            .description("The rows.")
            .content("application/json", json_rows())
            .content(
                "text/csv",
                text_rows("One line for each row, below a header of all columns.", examples::CSV),
            )
            .content("application/x-ndjson", text_rows("One row a line, as JSON.", examples::NDJSON))
            .content(XLSX, ContentBuilder::new().build());
        let rows = headers().into_iter().fold(rows, |rows, (name, header)| rows.header(name, header));
        let unchanged = ResponseBuilder::new().description("What `If-None-Match` names is still the answer.");
        let unchanged = headers()
            .into_iter()
            .take(3)
            .fold(unchanged, |answer, (name, header)| answer.header(name, header));
        BTreeMap::from([("200".into(), rows.build().into()), ("304".into(), unchanged.build().into())])
    }
}

fn json_rows() -> Content {
    let schema = Ref::from_schema_name(Answer::name());
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples::json()).build()
}

fn text_rows(description: &str, example: &str) -> Content {
    let schema = text().description(Some(description));
    ContentBuilder::new().schema(Some(schema)).example(Some(json!(example))).build()
}

/// The headers of an answer; the first three stand in a 304, too.
fn headers() -> [(&'static str, Header); 6] {
    let header = |description: &str, example: &str| {
        HeaderBuilder::new().description(Some(description)).schema(text().examples([json!(example)])).build()
    };
    let cached = "`max-age=120, must-revalidate` for realtime data sets, `no-cache` for unpublished ones.";
    let linked = "With `rel=\"next\"` the address of the next page, if there is one; on the path by name, with \
                  `rel=\"successor-version\"`, the path to use.";
    let next = "</data/transactional-services/summaries?limit=10&cursor=CURSOR>; rel=\"next\"";
    let file = "attachment; filename=\"transactional_services_summaries.csv\"";
    [
        ("ETag", header("Changes with the data set; for `If-None-Match`.", "\"17-csv\"")),
        ("Cache-Control", header(cached, "max-age=1800, must-revalidate")),
        ("Vary", header("What the answer depends on besides the URL.", "Accept, Accept-Encoding")),
        ("Link", header(linked, next)),
        ("Content-Disposition", header("CSV and XLSX come as files.", file)),
        (
            "Deprecation",
            header("On the path by name: since when it is deprecated (RFC 9745).", "@1388534400"),
        ),
    ]
}

/// Schemas by name, which other parts of the document refer to.
macro_rules! named_schemas {
    ($($(#[doc = $doc:literal])+ $name:ident => $schema:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub(super) struct $name;

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let description = concat!($($doc),+).trim();
                    RefOr::T(Schema::from($schema.description(Some(description)).build()))
                }
            }
        )+
    };
}

named_schemas! {
    /// The rows that answer a query.
    Answer => ObjectBuilder::new()
        .property("data", ArrayBuilder::new().items(any_row()))
        .required("data")
        .property("warning", text().description(Some("On unpublished data sets: that they may change.")));
    /// A row of a raw query: a record as it was stored.
    Record => row()
        .property("_id", text())
        .required("_id")
        .property("_timestamp", text().description(Some("If it was sent.")))
        .property("_updated_at", text().description(Some("When it was stored.")))
        .required("_updated_at");
    /// A row of a query with `group_by`: the fields that are grouped by, and what is collected.
    Group => row().property("_count", count()).required("_count");
    /// A row of a query with `period`: a period, and what is collected; with `flatten` of one group.
    Period => row()
        .property("_start_at", text())
        .required("_start_at")
        .property("_end_at", text())
        .required("_end_at")
        .property("_count", count())
        .required("_count");
    /// A row of a query with both: a group, what is collected over all of it, and its periods.
    PeriodsOfGroup => row()
        .property("_count", count())
        .required("_count")
        .property("_group_count", count().description(Some("How many periods have records.")))
        .required("_group_count")
        .property("values", ArrayBuilder::new().items(Ref::from_schema_name(Period::name())))
        .required("values");
}

fn any_row() -> AnyOfBuilder {
    let rows = [Record::name(), Group::name(), Period::name(), PeriodsOfGroup::name()];
    rows.into_iter().fold(AnyOfBuilder::new(), |any, name| any.item(Ref::from_schema_name(name)))
}

/// Rows have further columns: the fields of the records, and what is collected.
fn row() -> ObjectBuilder {
    ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

fn count() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(0))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}
