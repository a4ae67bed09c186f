//! The statements of queries, put together from parts: the only dynamic SQL there is.
//!
//! **Invariant.** Names of fields, values and times are bound. Between the bound values stand only the
//! literals of this file and numbers that this file counts.

use super::DataVersion;
use backdrop_core::data_set::DataSetId;
use backdrop_core::period::EndCounts;
use backdrop_core::query::{
    Collect, Direction, FieldName, Filter, Grouping, Listing, Method, RowOrder, Selection,
};
use backdrop_core::shape::ROWS_MAX;
use backdrop_core::time::{self, Timestamp};
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};

/// One row more than an answer may have: if that one comes, there are too many.
const ROWS_FETCHED: i64 = ROWS_MAX as i64 + 1;

/// `_updated_at` as answers print it, see `backdrop_core::time::format`.
const UPDATED_AT_PRINTED: &str = "rtrim(rtrim(to_char(updated_at AT TIME ZONE 'UTC', \
                                  'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '0'), '.') || '+00:00'";

/// The statement that lists records: `id`, `updated_at` and the text of `body`.
pub(super) fn rows(
    data_set: DataSetId,
    version: DataVersion,
    selection: &Selection,
    listing: &Listing,
) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("SELECT id, updated_at, body::text AS body");
    push_from(&mut sql, data_set, version, selection);
    push_order(&mut sql, listing.order());
    let limit = listing.limit().map_or(ROWS_FETCHED, |limit| i64::from(limit).min(ROWS_FETCHED));
    sql.push(" LIMIT ").push_bind(limit);
    sql
}

/// The statement that groups records: the keys, the start of the period, the number of records, and the
/// columns of each collected value (one for `count` and `set`; else the value, the number of values and
/// whether there are any that are not numbers).
pub(super) fn groups(
    data_set: DataSetId,
    version: DataVersion,
    selection: &Selection,
    grouping: &Grouping,
) -> QueryBuilder<Postgres> {
    let fields = fields(grouping);
    let keys = || (0..grouping.keys().len()).map(|index| format!("f{index}"));
    let period = grouping.periods().map(|_| "period_start".to_owned());
    let grouped_by = keys().chain(period).collect::<Vec<_>>().join(", ");

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
        columns.push("date_trunc(").push_bind_unseparated(periods.period().as_str());
        columns.push_unseparated(r#", "timestamp", 'UTC') AS period_start"#);
    }
    push_from(&mut sql, data_set, version, selection);
    sql.push(") AS selected");
    for (index, key) in keys().enumerate() {
        // A field that a record lacks is NULL here, and so is this condition: the record is left out.
        let word = if index == 0 { "WHERE" } else { "AND" };
        sql.push(format!(" {word} jsonb_typeof({key}) <> 'null'"));
    }
    sql.push(format!(" GROUP BY {grouped_by} LIMIT {ROWS_FETCHED}"));
    sql
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
        Method::Sum | Method::Mean => "sum",
        Method::Min => "min",
        Method::Max => "max",
    };
    // CASE, because a cast beside a FILTER would still be tried on what is no number.
    sql.push(format!(
        ", {aggregate}(CASE WHEN jsonb_typeof(f{field}) = 'number' THEN f{field}::numeric END)::text\
         , count(*) FILTER (WHERE jsonb_typeof(f{field}) = 'number')\
         , bool_or(jsonb_typeof(f{field}) NOT IN ('number', 'null'))"
    ));
}

fn push_from(
    sql: &mut QueryBuilder<Postgres>,
    data_set: DataSetId,
    version: DataVersion,
    selection: &Selection,
) {
    sql.push(" FROM record WHERE data_set_id = ").push_bind(data_set.0);
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
        push_filter(sql, filter);
    }
}

fn push_filter(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    match filter {
        Filter::Equals { field, values } => match field.as_str() {
            "_id" => {
                let text = values.iter().find_map(Value::as_str).map(str::to_owned);
                sql.push("id = ").push_bind(text);
            }
            "_updated_at" => {
                let at: Option<Timestamp> =
                    values.iter().filter_map(Value::as_str).find_map(|text| time::parse(text).ok());
                sql.push("updated_at = ").push_bind(at);
            }
            name => {
                sql.push("body -> ").push_bind(name.to_owned()).push(" IN (");
                let mut list = sql.separated(", ");
                for value in values {
                    list.push_bind(value.clone());
                }
                sql.push(")");
            }
        },
        Filter::StartsWith { field, prefix } => {
            match field.as_str() {
                "_id" => sql.push("starts_with(id, "),
                "_updated_at" => sql.push(format!("starts_with({UPDATED_AT_PRINTED}, ")),
                name => {
                    sql.push("jsonb_typeof(body -> ").push_bind(name.to_owned());
                    sql.push(") = 'string' AND starts_with(body ->> ").push_bind(name.to_owned()).push(", ")
                }
            };
            sql.push_bind(prefix.clone()).push(")");
        }
    }
}

fn push_order(sql: &mut QueryBuilder<Postgres>, order: &RowOrder) {
    let (field, direction) = match order {
        RowOrder::ByTime => ("_timestamp", Direction::Ascending),
        RowOrder::ByField(field, direction) => (field.as_str(), *direction),
    };
    let way = match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    sql.push(" ORDER BY ");
    match field {
        // The column, so that the index can serve it: it has the value of the field, and the time of
        // acceptance for records without one.
        "_timestamp" => push_column_order(sql, r#""timestamp""#, way),
        "_updated_at" => push_column_order(sql, "updated_at", way),
        "_id" => push_column_order(sql, r#"id COLLATE "C""#, way),
        name => push_typed_order(sql, name, way),
    }
    sql.push(format!(", seq {way}"));
}

fn push_column_order(sql: &mut QueryBuilder<Postgres>, column: &'static str, way: &'static str) {
    sql.push(column).push(" ").push(way);
}

/// Numbers as numbers, then texts by code point, then booleans; what has no value last, either way.
fn push_typed_order(sql: &mut QueryBuilder<Postgres>, field: &str, way: &str) {
    let bind = |sql: &mut QueryBuilder<Postgres>, head: &str| {
        sql.push(head).push_bind(field.to_owned());
    };
    bind(sql, "CASE jsonb_typeof(body -> ");
    sql.push(") WHEN 'number' THEN 1 WHEN 'string' THEN 2 WHEN 'boolean' THEN 3 END ");
    sql.push(way).push(" NULLS LAST");
    for (kind, get, end) in [
        ("number", "(body -> ", ")::numeric END"),
        ("string", "(body ->> ", r#") END COLLATE "C""#),
        ("boolean", "(body -> ", ")::boolean END"),
    ] {
        bind(sql, ", CASE WHEN jsonb_typeof(body -> ");
        bind(sql, &format!(") = '{kind}' THEN {get}"));
        sql.push(format!("{end} {way} NULLS LAST"));
    }
}

#[cfg(test)]
mod tests;
