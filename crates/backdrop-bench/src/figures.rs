//! The figures of an answer, without the form they came in: so that answers of different engines can be held
//! against each other. To be fast at giving wrong figures is worth nothing.

use anyhow::{Context, ensure};
use chrono::DateTime;
use serde_json::Value;

/// How far two means may be apart, as a part of them: one engine adds up decimals, the other binary fractions.
const MEANS_APART: f64 = 1e-9;

/// All figures of an answer, in its order.
pub type Figures = Vec<Group>;

/// The figures of one group, period or record. What a question does not ask for is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Of which group, or the id of the record.
    pub key: String,
    /// When its period begins, in seconds since 1970.
    pub at: Option<i64>,
    /// A sum or a count.
    pub total: Option<i64>,
    /// A mean.
    pub mean: Option<f64>,
    /// The values that occur.
    pub set: Vec<String>,
}

/// Reads the body of an answer to one of the questions.
///
/// # Errors
/// If it has another form.
pub fn read(body: &[u8]) -> anyhow::Result<Figures> {
    let body: Value = serde_json::from_slice(body).context("no JSON")?;
    let rows = body["data"].as_array().context("no data")?;
    // Periods without records are not in what SQL answers.
    let has_records = |row: &&Value| row["_count"] != 0;
    let mut figures = Vec::new();
    for row in rows.iter().filter(has_records) {
        match row["values"].as_array() {
            Some(periods) => {
                let key = row["channel"].as_str().unwrap_or_default();
                figures.extend(periods.iter().filter(has_records).map(|period| group(key, period)));
            }
            None => {
                let key = row["_id"].as_str().or(row["service"].as_str()).unwrap_or_default();
                figures.push(group(key, row));
            }
        }
    }
    Ok(figures)
}

fn group(key: &str, row: &Value) -> Group {
    let is_record = row["_id"].is_string();
    let at = if is_record { &row["_timestamp"] } else { &row["_start_at"] };
    let at = at.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let set = row["service:set"].as_array();
    let total = row.get("count:sum").or_else(|| set.is_none().then(|| &row["_count"]));
    let values = set.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned));
    Group {
        key: key.to_owned(),
        at: at.map(|at| at.timestamp()),
        total: total.and_then(Value::as_i64),
        mean: row["duration_ms:mean"].as_f64(),
        set: values.collect(),
    }
}

/// Holds two answers to the same question against each other.
///
/// # Errors
/// Where they differ.
pub fn compare(what: &str, left: &Figures, right: &Figures) -> anyhow::Result<()> {
    ensure!(!left.is_empty(), "{what}: there is no figure");
    ensure!(left.len() == right.len(), "{what}: {} figures, not {}", left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        let (exact_left, exact_right) =
            (Group { mean: None, ..left.clone() }, Group { mean: None, ..right.clone() });
        let are_close = match (left.mean, right.mean) {
            (Some(left), Some(right)) => (left - right).abs() <= MEANS_APART * left.abs(),
            (left, right) => left.is_none() && right.is_none(),
        };
        ensure!(exact_left == exact_right && are_close, "{what}: {left:?} is not {right:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMS: &[u8] = br#"{"data":[
        {"_start_at":"2024-01-01T00:00:00+00:00","_count":2,"count:sum":5},
        {"_start_at":"2024-02-01T00:00:00+00:00","_count":0,"count:sum":null}]}"#;

    #[test]
    fn equal_figures_pass_and_others_do_not() {
        let mut figures = read(SUMS).expect("an answer");
        assert_eq!(figures[0].total, Some(5));
        assert!(compare("Q", &figures, &figures).is_ok());
        let same = figures.clone();
        assert_eq!(figures.len(), 1);
        figures[0].total = Some(6);
        assert!(compare("Q", &figures, &same).is_err());
        assert!(compare("Q", &Vec::new(), &Vec::new()).is_err());
    }

    #[test]
    fn means_may_differ_by_rounding_only() {
        let group = |mean| Group { key: "k".into(), at: None, total: None, mean: Some(mean), set: vec![] };
        assert!(compare("Q", &vec![group(1.0)], &vec![group(1.0 + 1e-12)]).is_ok());
        assert!(compare("Q", &vec![group(1.0)], &vec![group(1.000_001)]).is_err());
    }
}
