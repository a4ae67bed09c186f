//! The newest figures of each service, for each published dashboard that shows them.

use super::latest::moment;
use super::output::id_of;
use super::{number, text};
use crate::shape::Row;
use serde_json::Value;
use std::collections::HashMap;

/// The figures, and whether the rows of single quarters have them, too. Those cover a quarter and not a year, so
/// sums of them would look four times too small.
const FIGURES: [(&str, Quarters); 6] = [
    ("cost_per_transaction", Quarters::Ignored),
    ("digital_cost_per_transaction", Quarters::Taken),
    ("digital_takeup", Quarters::Taken),
    ("number_of_digital_transactions", Quarters::Ignored),
    ("number_of_transactions", Quarters::Ignored),
    ("total_cost", Quarters::Ignored),
];

/// What is said of a figure besides.
const FIELDS: [&str; 4] = ["end_at", "period", "service_id", "type"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quarters {
    Ignored,
    Taken,
}

/// One record for each dashboard and figure. `dashboards` are the slugs of those that show a service.
pub(super) fn records(rows: &[Row], dashboards: &HashMap<String, Vec<String>>) -> Vec<Row> {
    let mut services: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows {
        if let Some(service) = text(row, "service_id") {
            services.entry(service).or_default().push(row);
        }
    }
    let mut shown: Vec<(&str, &String)> =
        dashboards.iter().flat_map(|(id, slugs)| slugs.iter().map(|slug| (id.as_str(), slug))).collect();
    shown.sort_unstable();
    let mut records = Vec::new();
    for (service, slug) in shown {
        let rows = services.get(service).map(Vec::as_slice).unwrap_or_default();
        let found = FIGURES.iter().filter_map(|(figure, quarters)| record(rows, slug, figure, *quarters));
        records.extend(found);
    }
    records
}

/// The newest row that has the figure, or else the newest row, of which it is null.
fn record(rows: &[&Row], slug: &str, figure: &str, quarters: Quarters) -> Option<Row> {
    let is_taken =
        |row: &&&Row| quarters == Quarters::Taken || text(row, "type").is_none_or(|kind| kind != "quarterly");
    let has_figure = |row: &Row| number(row, figure).is_some();
    let newest = rows.iter().filter(is_taken).max_by_key(|row| (has_figure(row), moment(row)))?;
    let mut record = Row::new();
    record.insert("_id".into(), id_of(&[slug, figure]).into());
    record.insert("_timestamp".into(), moment(newest)?.into());
    record.insert("dashboard_slug".into(), slug.into());
    record.insert(figure.into(), newest.get(figure).cloned().unwrap_or(Value::Null));
    for field in FIELDS {
        if let Some(value) = newest.get(field) {
            record.insert(field.into(), value.clone());
        }
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::rate::into_row;
    use serde_json::json;

    #[test]
    fn each_dashboard_of_a_service_gets_its_newest_figures() {
        let rows = [
            into_row(json!({
                "_timestamp": "2013-01-01T00:00:00+00:00", "type": "seasonally-adjusted", "service_id": "cats",
                "number_of_transactions": 400, "digital_takeup": 0.5, "period": "year",
                "end_at": "2014-01-01T00:00:00+00:00", "total_cost": null,
            })),
            into_row(json!({
                "_timestamp": "2013-10-01T00:00:00+00:00", "type": "quarterly", "service_id": "cats",
                "number_of_transactions": 100, "digital_takeup": 0.75, "period": "quarter",
            })),
            into_row(json!({
                "_timestamp": "2013-10-01T00:00:00+00:00", "type": "quarterly", "service_id": "dogs",
            })),
        ];
        let found = records(&rows, &HashMap::from([("cats".into(), vec!["cat-licences".into()])]));
        assert_eq!(found.len(), 6);
        let of = |name: &str| found.iter().find(|record| record.contains_key(name)).expect(name);
        let transactions = json!({
            "_id": id_of(&["cat-licences", "number_of_transactions"]),
            "_timestamp": "2013-01-01T00:00:00+00:00", "dashboard_slug": "cat-licences",
            "number_of_transactions": 400, "period": "year", "end_at": "2014-01-01T00:00:00+00:00",
            "service_id": "cats", "type": "seasonally-adjusted",
        });
        assert_eq!(of("number_of_transactions"), &into_row(transactions));
        assert_eq!(of("digital_takeup")["digital_takeup"], 0.75, "those of quarters count here");
        assert_eq!(of("total_cost")["total_cost"], json!(null));
    }
}
