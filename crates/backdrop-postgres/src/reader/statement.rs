//! The statements of queries, put together from parts: the only dynamic SQL there is.
//!
//! **Invariant.** Names of fields, values and times are bound. Between the bound values stand only the
//! literals of this file and numbers that this file counts.

pub(crate) mod columns;
mod filter;
mod groups;
mod order;

pub(super) use groups::groups;

use super::DataVersion;
use backdrop_core::data_set::DataSetId;
use backdrop_core::period::EndCounts;
use backdrop_core::query::{Direction, FieldName, Listing, Selection};
use backdrop_core::shape::ROWS_MAX;
use sqlx::{Postgres, QueryBuilder};

/// One row more than an answer may have: if that one comes, there are too many.
const ROWS_FETCHED: i64 = ROWS_MAX as i64 + 1;

/// The statement that lists records: `id`, `timestamp`, `updated_at` and the text of `body`. It finds one
/// record more than the listing asks for, so that it shows whether there are more.
pub(super) fn rows(
    data_set: DataSetId,
    version: DataVersion,
    selection: &Selection,
    listing: &Listing,
) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(r#"SELECT id, "timestamp", updated_at, body::text AS body FROM "#);
    if listing.latest_by().is_empty() {
        sql.push("record");
        push_where(&mut sql, data_set, version, selection);
    } else {
        push_latest(&mut sql, data_set, version, selection, listing.latest_by());
        sql.push(" WHERE true");
    }
    if let Some(after) = listing.after() {
        sql.push(" AND ");
        order::push_after(&mut sql, listing.order(), after);
    }
    order::push_order(&mut sql, listing.order());
    let limit = listing.limit().map_or(ROWS_FETCHED, |limit| (i64::from(limit) + 1).min(ROWS_FETCHED));
    sql.push(" LIMIT ").push_bind(limit);
    sql
}

/// The newest of the selected records for each combination of values of the fields.
fn push_latest(
    sql: &mut QueryBuilder<Postgres>,
    data_set: DataSetId,
    version: DataVersion,
    selection: &Selection,
    latest_by: &[FieldName],
) {
    let keys: Vec<String> = (0..latest_by.len()).map(|index| format!("f{index}")).collect();
    let keys = keys.join(", ");
    sql.push(format!("(SELECT DISTINCT ON ({keys}) * FROM (SELECT *"));
    for (index, field) in latest_by.iter().enumerate() {
        sql.push(", body -> ").push_bind(field.to_string()).push(format!(" AS f{index}"));
    }
    sql.push(" FROM record");
    push_where(sql, data_set, version, selection);
    sql.push(") AS selected");
    push_keys_exist(sql, latest_by.len());
    sql.push(format!(r#" ORDER BY {keys}, "timestamp" DESC, id COLLATE "C" DESC) AS latest"#));
}

/// Leaves out records that lack one of the keys: a field that is not there is NULL, and so is this
/// condition then.
fn push_keys_exist(sql: &mut QueryBuilder<Postgres>, keys: usize) {
    for index in 0..keys {
        let word = if index == 0 { "WHERE" } else { "AND" };
        sql.push(format!(" {word} jsonb_typeof(f{index}) <> 'null'"));
    }
}

fn push_where(
    sql: &mut QueryBuilder<Postgres>,
    data_set: DataSetId,
    version: DataVersion,
    selection: &Selection,
) {
    sql.push(" WHERE data_set_id = ").push_bind(data_set.0);
    sql.push(" AND generation = ").push_bind(version.generation);
    if let Some(range) = selection.range() {
        sql.push(r#" AND "timestamp" >= "#).push_bind(range.start());
        sql.push(match range.end_counts() {
            EndCounts::Yes => r#" AND "timestamp" <= "#,
            EndCounts::No => r#" AND "timestamp" < "#,
        });
        sql.push_bind(range.end());
    }
    for filter in selection.filters() {
        sql.push(" AND ");
        filter::push_filter(sql, filter);
    }
}

/// `ASC` or `DESC`.
const fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    }
}

#[cfg(test)]
mod tests;
