//! The parameters of a query. A test holds their names equal to those that core knows.

use serde_json::json;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

/// All of them, for `#[utoipa::path]`.
pub(super) struct QueryParameters;

/// What values a parameter takes.
enum Takes {
    /// A time.
    Time,
    /// A text.
    Text,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number, at least this one.
    Count(u32),
    /// Texts, each as a parameter of its own.
    Texts,
}

/// What stands in the document about one parameter.
struct Entry {
    name: &'static str,
    takes: Takes,
    /// What somebody might write there, as it stands in a query; lists are separated by spaces.
    example: &'static str,
    description: &'static str,
}

/// In the order of the contract, `docs/http-api.md`, which says more.
const ENTRIES: [Entry; 20] = [
    Entry {
        name: "start_at",
        takes: Takes::Time,
        example: "2016-07-01T00:00:00Z",
        description: "Records from this time on: `YYYY-MM-DDTHH:MM:SS` with `Z`, `±HH:MM` or `±HHMM` (write `+` as \
            `%2B`). Both ends or none, unless there is a `duration`.",
    },
    Entry {
        name: "end_at",
        takes: Takes::Time,
        example: "2017-07-01T00:00:00Z",
        description: "Records before this time, in the same form.",
    },
    Entry {
        name: "inclusive",
        takes: Takes::Flag,
        example: "true",
        description: "`true`: records at `end_at` are included.",
    },
    Entry {
        name: "filter_by",
        takes: Takes::Texts,
        example: "channel:digital service_id:dft-tax-a-vehicle",
        description: "`field:value`: records that have this value. All must hold. Split at the first colon. `true`, \
            `false` and numbers also match booleans and numbers; in the times any way to write the moment \
            matches.",
    },
    Entry {
        name: "filter_by_prefix",
        takes: Takes::Texts,
        example: "service_id:dft-",
        description: "`field:prefix`: records whose text begins like this. All must hold. Literal, and not together \
            with `filter_by`.",
    },
    Entry {
        name: "filter_by_any",
        takes: Takes::Texts,
        example: "channel:digital channel:other",
        description: "`field:value`: values given for the same field are alternatives, each as in `filter_by`.",
    },
    Entry {
        name: "filter_by_comparison",
        takes: Takes::Texts,
        example: "count:gte:1000 channel:ne:digital",
        description: "`field:operator:value`, operators `gt`, `gte`, `lt`, `lte`, `ne`: records whose value compares \
            like this. All must hold. Numbers compare with a value that is a number, texts by code point with \
            any other, times as moments. `ne`: the field has a value, and `filter_by` would not match it.",
    },
    Entry {
        name: "latest_by",
        takes: Takes::Texts,
        example: "service_id channel",
        description: "Raw queries only: of the selected records only the newest for each combination of values of \
            these fields. Records without a value there are left out.",
    },
    Entry {
        name: "sort_by",
        takes: Takes::Text,
        example: "_timestamp:descending",
        description: "`field:ascending` or `field:descending`: a field of the records, or a column of the groups. \
            Numbers come before texts, these before booleans; what has no value comes last. Without it records \
            come by time, groups by their keys.",
    },
    Entry {
        name: "limit",
        takes: Takes::Count(0),
        example: "10",
        description: "So many rows, or groups, at most.",
    },
    Entry {
        name: "cursor",
        takes: Takes::Text,
        example: "CURSOR",
        description: "Raw queries with `limit` only: go on after the page that gave this cursor, in the header `Link` \
            with `rel=\"next\"`. Opaque, and belongs to its `sort_by`.",
    },
    Entry {
        name: "fields",
        takes: Takes::Texts,
        example: "_timestamp channel count",
        description: "Raw queries only: only these fields of each record. One value may hold several names, \
            separated by commas.",
    },
    Entry {
        name: "group_by",
        takes: Takes::Texts,
        example: "channel",
        description: "Groups records by the values of this field; at most 10. Records without a value there are left \
            out. Not a field that begins with `_`.",
    },
    Entry {
        name: "period",
        takes: Takes::OneOf(&["hour", "day", "week", "month", "quarter", "year"]),
        example: "quarter",
        description: "Groups records by time. Weeks begin on Monday. Needs `start_at` and `end_at`, or `duration`.",
    },
    Entry {
        name: "timezone",
        takes: Takes::Text,
        example: "Europe/London",
        description: "With `period`: the name of a zone (IANA; default UTC). Periods begin at midnight there.",
    },
    Entry {
        name: "duration",
        takes: Takes::Count(1),
        example: "4",
        description: "With `period`: so many periods, forward from `start_at`, or back from `end_at` (default: now). \
            Not with both ends.",
    },
    Entry {
        name: "collect",
        takes: Takes::Texts,
        example: "count:sum service_id:count",
        description: "With `group_by` or `period`, `field:method`: what to make of the values of this field; at most \
            100. Methods: `sum`, `mean`, `min`, `max`, `median`, `p1` to `p99` (of numbers), `count` and `set` \
            (the distinct values, also if the method is left out). Not a field that begins with `_`, or that is \
            grouped by.",
    },
    Entry {
        name: "flatten",
        takes: Takes::Flag,
        example: "true",
        description: "`true`: one flat row per group and period.",
    },
    Entry {
        name: "compare",
        takes: Takes::OneOf(&["previous", "year"]),
        example: "year",
        description: "With `period`: every row of a period also carries the figures of the one before it, or a year \
            before, in columns such as `_count:previous`.",
    },
    Entry {
        name: "format",
        takes: Takes::OneOf(&["json", "csv", "ndjson", "xlsx"]),
        example: "csv",
        description: "The form of the answer; wins over the header `Accept`. Unpublished data sets answer JSON.",
    },
];

impl IntoParams for QueryParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        ENTRIES.iter().map(Entry::parameter).collect()
    }
}

impl Entry {
    fn parameter(&self) -> Parameter {
        // Not as the example of the parameter: Swagger UI would send those of all parameters at once.
        let description = format!("{}\n\nExample: `{}`", self.description, self.query());
        let builder = ParameterBuilder::new()
            .name(self.name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(description));
        match self.takes {
            Takes::Texts => {
                // Swagger UI puts the example of an item into a new line, or else the word "string".
                let item = text().examples(self.texts().first().map(|first| json!(first)));
                let list = ArrayBuilder::new().items(item).examples([json!(self.texts())]);
                builder.style(Some(ParameterStyle::Form)).explode(Some(true)).schema(Some(list))
            }
            _ => builder.schema(Some(self.single())),
        }
        .build()
    }

    /// The schema of one value, with the example.
    fn single(&self) -> ObjectBuilder {
        let integer = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
        match self.takes {
            Takes::Time | Takes::Text | Takes::Texts => text().examples([json!(self.example)]),
            Takes::OneOf(values) => text().enum_values(Some(values.to_vec())).examples([json!(self.example)]),
            Takes::Flag => ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::Boolean))
                .examples([json!(self.example == "true")]),
            Takes::Count(least) => integer()
                .minimum(Some(least))
                .maximum(Some(u32::MAX))
                .examples([json!(self.example.parse::<u32>().unwrap_or(least))]),
        }
    }

    /// The texts of an example that is a list.
    fn texts(&self) -> Vec<&str> {
        self.example.split(' ').collect()
    }

    /// The example as it stands in a query.
    fn query(&self) -> String {
        let values = if matches!(self.takes, Takes::Texts) { self.texts() } else { vec![self.example] };
        let pairs: Vec<String> = values.iter().map(|value| format!("{}={value}", self.name)).collect();
        pairs.join("&")
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}
