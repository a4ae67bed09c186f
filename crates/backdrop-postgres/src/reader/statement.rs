//! The statements of queries, put together from parts: the only dynamic SQL there is.
//!
//! **Invariant.** Names of fields, values and times are bound. Between the bound values stand only the
//! literals of this file and numbers that this file counts.

mod filter;
mod order;

use super::DataVersion;
use backdrop_core::data_set::DataSetId;
use backdrop_core::period::EndCounts;
use backdrop_core::query::{Collect, Direction, FieldName, Grouping, Listing, Method, Percent, Selection};
use backdrop_core::shape::{ROWS_MAX, cells_max};
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

/// The statement that groups records: the keys, the place of the period (counted from 1; NULL for all of
/// them together), the number of records, and the columns of each collected value (one for `count` and
/// `set`; else the value, the number of values and whether there are any that are not numbers).
pub(super) fn groups(
    data_set: DataSetId,
    version: DataVersion,
    selection: &Selection,
    grouping: &Grouping,
) -> QueryBuilder<Postgres> {
    let fields = fields(grouping);
    let keys: Vec<String> = (0..grouping.keys().len()).map(|index| format!("f{index}")).collect();
    let period = grouping.periods().map(|_| "period".to_owned());
    let grouped_by = keys.iter().cloned().chain(period).collect::<Vec<_>>().join(", ");

    let mut sql = QueryBuilder::new(format!("SELECT {grouped_by}, count(*) AS records"));
    for collect in grouping.collect() {
        let index = fields.iter().position(|field| *field == collect.field());
        push_collect(&mut sql, collect, index.expect("the fields that are collected are among all fields"));
    }
    sql.push(" FROM (SELECT ");
    let mut columns = sql.separated(", ");
    for (index, field) in fields.iter().enumerate() {
        columns.push("body -> ").push_bind_unseparated(field.to_string());
        columns.push_unseparated(format!(" AS f{index}"));
    }
    if let Some(periods) = grouping.periods() {
        // Where periods begin is decided in one place, which is not the database and its time zones.
        columns.push(r#"width_bucket("timestamp", "#).push_bind_unseparated(periods.starts().to_vec());
        columns.push_unseparated(") AS period");
    }
    sql.push(" FROM record");
    push_where(&mut sql, data_set, version, selection);
    sql.push(") AS selected");
    push_keys_exist(&mut sql, keys.len());
    if grouping.needs_totals() {
        sql.push(format!(" GROUP BY GROUPING SETS (({grouped_by}), ({}))", keys.join(", ")));
    } else {
        sql.push(format!(" GROUP BY {grouped_by}"));
    }
    sql.push(format!(" LIMIT {}", cells_max(grouping) + 1));
    sql
}

/// Leaves out records that lack one of the keys: a field that is not there is NULL, and so is this
/// condition then.
fn push_keys_exist(sql: &mut QueryBuilder<Postgres>, keys: usize) {
    for index in 0..keys {
        let word = if index == 0 { "WHERE" } else { "AND" };
        sql.push(format!(" {word} jsonb_typeof(f{index}) <> 'null'"));
    }
}

/// All fields that take part, each once: first the keys, then the others.
fn fields(grouping: &Grouping) -> Vec<&FieldName> {
    let mut fields: Vec<&FieldName> = grouping.keys().iter().collect();
    for collect in grouping.collect() {
        if !fields.contains(&collect.field()) {
            fields.push(collect.field());
        }
    }
    fields
}

fn push_collect(sql: &mut QueryBuilder<Postgres>, collect: &Collect, field: usize) {
    // CASE, because a cast beside a FILTER would still be tried on what is no number.
    let number =
        |kind: &str| format!("CASE WHEN jsonb_typeof(f{field}) = 'number' THEN f{field}::{kind} END");
    let percentile =
        |percent: u8| format!("percentile_cont(0.{percent:02}) WITHIN GROUP (ORDER BY {})", number("float8"));
    let aggregate = match collect.method() {
        Method::Count => {
            sql.push(format!(", count(*) FILTER (WHERE jsonb_typeof(f{field}) <> 'null')"));
            return;
        }
        Method::Set => {
            sql.push(format!(
                ", jsonb_agg(DISTINCT f{field}) FILTER (WHERE jsonb_typeof(f{field}) <> 'null')"
            ));
            return;
        }
        Method::Sum | Method::Mean => format!("sum({})", number("numeric")),
        Method::Min => format!("min({})", number("numeric")),
        Method::Max => format!("max({})", number("numeric")),
        Method::Median => percentile(Percent::HALF.get()),
        Method::Percentile(percent) => percentile(percent.get()),
    };
    sql.push(format!(
        ", {aggregate}::text, count(*) FILTER (WHERE jsonb_typeof(f{field}) = 'number')\
         , bool_or(jsonb_typeof(f{field}) NOT IN ('number', 'null'))"
    ));
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
