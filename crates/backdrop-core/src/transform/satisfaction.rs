//! The mean of ratings from 1 (very dissatisfied) to 5 (very satisfied) as a number from 0 to 1, per period.

use super::output::id_of;
use super::{number, text};
use crate::shape::Row;
use serde_json::Value;

/// The ratings there are.
const RATINGS: [&str; 5] = ["rating_1", "rating_2", "rating_3", "rating_4", "rating_5"];
/// The columns a query must have.
pub(super) const COLUMNS: [&str; 6] =
    ["rating_1:sum", "rating_2:sum", "rating_3:sum", "rating_4:sum", "rating_5:sum", "total:sum"];

/// One record per row.
pub(super) fn records(rows: &[Row]) -> Vec<Row> {
    rows.iter().filter_map(record).collect()
}

fn record(row: &Row) -> Option<Row> {
    let (start, end) = (text(row, "_start_at")?, text(row, "_end_at")?);
    let column = |name: &str| row.get(&format!("{name}:sum")).cloned().unwrap_or(Value::Null);
    let mut record = Row::new();
    record.insert("_id".into(), id_of(&[start, end]).into());
    record.insert("_timestamp".into(), start.into());
    record.insert("_start_at".into(), start.into());
    record.insert("_end_at".into(), end.into());
    for rating in RATINGS {
        record.insert(rating.into(), column(rating));
    }
    record.insert("num_responses".into(), column("total"));
    record.insert("score".into(), score(row).into());
    Some(record)
}

/// Null if nobody has rated.
fn score(row: &Row) -> Option<f64> {
    let total = number(row, "total:sum").filter(|total| *total != 0.0)?;
    let weights = [1.0, 2.0, 3.0, 4.0, 5.0];
    let ratings = COLUMNS[..RATINGS.len()].iter().map(|column| number(row, column).unwrap_or(0.0));
    let sum: f64 = ratings.zip(weights).map(|(rating, weight)| rating * weight).sum();
    Some((sum / total - 1.0) / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(ratings: [Value; 5], total: Value) -> Row {
        let mut row = Row::new();
        row.insert("_start_at".into(), json!("2013-03-11T00:00:00+00:00"));
        row.insert("_end_at".into(), json!("2013-03-18T00:00:00+00:00"));
        for (column, value) in COLUMNS.iter().zip(ratings.into_iter().chain([total])) {
            row.insert((*column).into(), value);
        }
        row
    }

    #[test]
    fn the_mean_rating_becomes_a_score_from_0_to_1() {
        // (1·1 + 2·0 + 3·0 + 4·2 + 5·1) / 4 = 3.5; (3.5 − 1) / 4 = 0.625
        let found = records(&[row([json!(1), json!(0), json!(0), json!(2), json!(1)], json!(4))]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["score"], json!(0.625));
        assert_eq!(found[0]["num_responses"], json!(4));
        assert_eq!(found[0]["rating_4"], json!(2));
        assert_eq!(found[0]["_timestamp"], json!("2013-03-11T00:00:00+00:00"));
        assert_eq!(
            found[0]["_id"],
            json!("MjAxMy0wMy0xMVQwMDowMDowMCswMDowMF8yMDEzLTAzLTE4VDAwOjAwOjAwKzAwOjAw")
        );
        let best = records(&[row([json!(0), json!(0), json!(0), json!(0), json!(3)], json!(3))]);
        assert_eq!(best[0]["score"], json!(1.0));
    }

    #[test]
    fn where_nobody_has_rated_there_is_no_score() {
        let null = || json!(null);
        for total in [json!(0), null()] {
            let found = records(&[row([null(), null(), null(), null(), null()], total.clone())]);
            assert_eq!(found[0]["score"], null(), "{total}");
        }
    }
}
