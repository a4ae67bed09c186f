//! The table of metrics, the dashboard and the alerts speak of what the services tell, and of all of it.

use super::exposition::{self, Exposition};
use super::{SOON, blocking, decided};
use backdrop_testing::{Stack, eventually};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("../../../../docs/metrics.md");
const OPERATIONS: &str = include_str!("../../../../docs/operations.md");
const DASHBOARD: &str = include_str!("../../../../deploy/grafana/backdrop.json");
const ALERTS: &str = include_str!("../../../../deploy/prometheus/alerts.yml");

/// A metric, as a row of the table or a process has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

/// The metrics that the table says a service tells.
fn documented(service: &str) -> BTreeMap<String, Metric> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `backdrop_"));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let told = cells.filter(|cells| cells[4] == "all" || cells[4] == service);
    told.map(|cells| {
        let labels = cells[2].split(", ").map(|label| label.trim_matches('`').to_owned());
        let labels = labels.filter(|label| !label.is_empty()).collect();
        (cells[0].trim_matches('`').to_owned(), Metric { kind: cells[1].to_owned(), labels })
    })
    .collect()
}

fn told(process: &Exposition) -> BTreeMap<String, Metric> {
    let metrics = process.types.iter().map(|(name, kind)| {
        let labels = process.labels(name).cloned().unwrap_or_default();
        (name.clone(), Metric { kind: kind.clone(), labels })
    });
    metrics.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_holds_what_each_service_tells_and_no_more() {
    let stack = Stack::start().await.expect("a stack");
    blocking(|| {
        stack.create_data_set("told", "figures");
        let writer = stack.writer().with_token("token-for-figures");
        writer.post("/data/told/figures", &json!([{"_id": "a"}])).expect(200);
        writer.post("/data/told/figures", &json!([{"_timestamp": "never"}])).expect(400);
        decided(&stack, 2.0);
        let write = stack.write.address();
        eventually("the backlog is seen", SOON, || {
            let told = exposition::of(write);
            told.types.contains_key("backdrop_backlog_entries")
                && told.types.contains_key("backdrop_workers_alive")
        });
        let read = stack.read.address();
        for (service, address) in [("write", write), ("read", read), ("worker", stack.workers[0].address())] {
            // Requests are counted when they are answered, so there is none before the first answer.
            exposition::of(address);
            assert_eq!(told(&exposition::of(address)), documented(service), "{service}");
        }
    });
}

/// The names of metrics in an expression.
fn named(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with("backdrop_"))
}

/// The metrics that an expression names and the table does not have.
fn unknown(expression: &str) -> Vec<&str> {
    let known: BTreeMap<_, _> = ["read", "write", "worker"].into_iter().flat_map(documented).collect();
    let is_known = |name: &str| {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().filter_map(|end| name.strip_suffix(end));
        let mut family =
            of_histogram.filter(|family| known.get(*family).is_some_and(|one| one.kind == "histogram"));
        known.get(name).is_some_and(|metric| metric.kind != "histogram") || family.next().is_some()
    };
    named(expression).filter(|name| !is_known(name)).collect()
}

/// All texts of that name, wherever they stand.
fn texts<'v>(value: &'v Value, name: &str) -> Vec<&'v str> {
    match value {
        Value::Object(fields) => {
            let own = fields.get(name).and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(|value| texts(value, name))).collect()
        }
        Value::Array(items) => items.iter().flat_map(|item| texts(item, name)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_dashboard_and_the_alerts_name_only_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let expressions = texts(&dashboard, "expr");
    assert!(expressions.len() > 30, "they are found");
    for expression in expressions.into_iter().chain(texts(&dashboard, "query")) {
        assert_eq!(unknown(expression), Vec::<&str>::new(), "{expression}");
    }
    assert_eq!(unknown(ALERTS), Vec::<&str>::new());
    assert!(named(ALERTS).count() > 16, "they are found");
    assert_eq!(
        unknown("rate(backdrop_bad_total[5m]) / backdrop_run_batches"),
        ["backdrop_bad_total", "backdrop_run_batches"]
    );
}

#[test]
fn every_metric_is_on_the_dashboard() {
    for (name, metric) in ["read", "write", "worker"].into_iter().flat_map(documented) {
        let name = if metric.kind == "histogram" { format!("{name}_bucket") } else { name };
        assert!(named(DASHBOARD).any(|shown| shown == name), "{name} is not shown");
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let blocks: Vec<&str> = ALERTS.split("      - alert: ").skip(1).collect();
    assert_eq!(blocks.len(), 18);
    for block in blocks {
        let name = block.lines().next().expect("a name");
        for key in ["expr:", "severity:", "summary:", "description:"] {
            assert!(block.contains(key), "{name} lacks {key}");
        }
        let section = format!("runbook_url: docs/operations.md#{}\n", name.to_lowercase());
        assert!(block.contains(&section), "{name} lacks {section}");
        assert!(OPERATIONS.contains(&format!("\n### {name}\n")), "docs/operations.md has no section {name}");
    }
}
