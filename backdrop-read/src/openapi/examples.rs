//! Queries with their answers: what the service says about the figures in `examples/`. A test asks for
//! each of them, by the query in its description.

use serde_json::{Value, json};
use utoipa::openapi::example::{Example, ExampleBuilder};

/// The answer to the example `grouped` with `format=csv`.
pub(super) const CSV: &str = "_count,channel,count:sum\r\n2,digital,20449603\r\n2,other,4463468\r\n";
/// The answer to the example `grouped` with `format=ndjson`.
pub(super) const NDJSON: &str = "{\"_count\":2,\"channel\":\"digital\",\"count:sum\":20449603}\n\
                                 {\"_count\":2,\"channel\":\"other\",\"count:sum\":4463468}\n";

const SERVICE: &str = "filter_by=service_id:dft-tax-a-vehicle";
const HALF_A_YEAR: &str = "start_at=2017-01-01T00:00:00Z&end_at=2017-07-01T00:00:00Z";

/// One of each kind of query.
pub(super) fn json() -> [(&'static str, Example); 5] {
    let asked = |parameters: &str| format!("{parameters}&{SERVICE}&{HALF_A_YEAR}");
    [
        ("raw", example("Records", &format!("sort_by=_timestamp:descending&limit=1&{SERVICE}"), &records())),
        ("grouped", example("By field", &asked("group_by=channel&collect=count:sum"), &groups())),
        ("period", example("By time", &asked("period=quarter&collect=count:sum"), &periods())),
        (
            "nested",
            example("By both", &asked("period=quarter&group_by=channel&collect=count:sum"), &nested()),
        ),
        (
            "flattened",
            example(
                "By both, flat",
                &asked("period=quarter&group_by=channel&collect=count:sum&flatten=true"),
                &flattened(),
            ),
        ),
    ]
}

fn example(summary: &str, query: &str, rows: &Value) -> Example {
    ExampleBuilder::new()
        .summary(summary)
        .description(format!("`{query}`"))
        .value(Some(json!({"data": rows})))
        .build()
}

fn records() -> Value {
    json!([{
        "_id": "dft-tax-a-vehicle.2017-07-01.other",
        "_timestamp": "2017-07-01T00:00:00+00:00",
        "_updated_at": "2026-01-31T09:30:00.123456+00:00",
        "channel": "other", "count": 2_118_358, "period": "quarter", "service_id": "dft-tax-a-vehicle",
    }])
}

fn groups() -> Value {
    json!([
        {"channel": "digital", "_count": 2, "count:sum": 20_449_603},
        {"channel": "other", "_count": 2, "count:sum": 4_463_468},
    ])
}

/// The two quarters with these counts and sums.
fn quarters(count: u32, sums: [u32; 2]) -> Value {
    let starts = ["2017-01-01T00:00:00+00:00", "2017-04-01T00:00:00+00:00", "2017-07-01T00:00:00+00:00"];
    let rows = starts.windows(2).zip(sums).map(
        |(ends, sum)| json!({"_start_at": ends[0], "_end_at": ends[1], "_count": count, "count:sum": sum}),
    );
    rows.collect()
}

fn periods() -> Value {
    quarters(2, [12_889_286, 12_023_785])
}

fn nested() -> Value {
    json!([
        {"channel": "digital", "_count": 2, "_group_count": 2, "count:sum": 20_449_603,
         "values": quarters(1, [10_593_384, 9_856_219])},
        {"channel": "other", "_count": 2, "_group_count": 2, "count:sum": 4_463_468,
         "values": quarters(1, [2_295_902, 2_167_566])},
    ])
}

fn flattened() -> Value {
    let of_channel = |channel: &str, sums: [u32; 2]| {
        let mut rows = quarters(1, sums);
        for row in rows.as_array_mut().into_iter().flatten() {
            row["channel"] = json!(channel);
        }
        rows.as_array().cloned().unwrap_or_default()
    };
    [of_channel("digital", [10_593_384, 9_856_219]), of_channel("other", [2_295_902, 2_167_566])]
        .concat()
        .into()
}
