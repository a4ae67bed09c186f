//! Conditions on fields.
//!
//! `_id` and `_updated_at` are columns; every other field is looked for in `body`, where one that is not
//! there is NULL, which no condition holds for.

use backdrop_core::query::{FieldName, Filter, Inequality};
use backdrop_core::time::{self, Timestamp};
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};

/// `_updated_at` as answers print it, see `backdrop_core::time::format`.
const UPDATED_AT_PRINTED: &str = "rtrim(rtrim(to_char(updated_at AT TIME ZONE 'UTC', \
                                  'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '0'), '.') || '+00:00'";

pub(super) fn push_filter(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    match filter {
        Filter::OneOf { field, values } => push_one_of(sql, field, values),
        Filter::NoneOf { field, values } => push_none_of(sql, field, values),
        Filter::Compares { field, inequality, bound } => push_inequality(sql, field, *inequality, bound),
        Filter::StartsWith { field, prefix } => push_prefix(sql, field, prefix),
    }
}

fn push_one_of(sql: &mut QueryBuilder<Postgres>, field: &FieldName, values: &[Value]) {
    match field.as_str() {
        "_id" => sql.push("id = ANY(").push_bind(texts(values)),
        "_updated_at" => sql.push("updated_at = ANY(").push_bind(times(values)),
        name => sql.push("body -> ").push_bind(name.to_owned()).push(" = ANY(").push_bind(values.to_vec()),
    };
    sql.push(")");
}

fn push_none_of(sql: &mut QueryBuilder<Postgres>, field: &FieldName, values: &[Value]) {
    match field.as_str() {
        "_id" => sql.push("id <> ALL(").push_bind(texts(values)),
        "_updated_at" => sql.push("updated_at <> ALL(").push_bind(times(values)),
        name => {
            sql.push("jsonb_typeof(body -> ").push_bind(name.to_owned()).push(") <> 'null'");
            sql.push(" AND body -> ").push_bind(name.to_owned());
            sql.push(" <> ALL(").push_bind(values.to_vec())
        }
    };
    sql.push(")");
}

fn push_inequality(
    sql: &mut QueryBuilder<Postgres>,
    field: &FieldName,
    inequality: Inequality,
    bound: &Value,
) {
    let operator = match inequality {
        Inequality::Greater => " > ",
        Inequality::GreaterOrEqual => " >= ",
        Inequality::Less => " < ",
        Inequality::LessOrEqual => " <= ",
    };
    match (field.as_str(), bound) {
        ("_id", bound) => {
            sql.push(r#"id COLLATE "C""#).push(operator).push_bind(text(bound));
        }
        ("_updated_at", bound) => {
            sql.push("updated_at").push(operator).push_bind(time(bound));
        }
        (name, Value::String(bound)) => {
            sql.push("jsonb_typeof(body -> ").push_bind(name.to_owned()).push(") = 'string'");
            // Times are kept in a form in which their order is that of the texts.
            sql.push(" AND body ->> ").push_bind(name.to_owned()).push(r#" COLLATE "C""#);
            sql.push(operator).push_bind(bound.clone());
        }
        (name, number) => {
            sql.push("jsonb_typeof(body -> ").push_bind(name.to_owned()).push(") = 'number'");
            sql.push(" AND body -> ").push_bind(name.to_owned());
            sql.push(operator).push_bind(number.clone());
        }
    }
}

fn push_prefix(sql: &mut QueryBuilder<Postgres>, field: &FieldName, prefix: &str) {
    match field.as_str() {
        "_id" => sql.push("starts_with(id, "),
        "_updated_at" => sql.push(format!("starts_with({UPDATED_AT_PRINTED}, ")),
        name => {
            sql.push("jsonb_typeof(body -> ").push_bind(name.to_owned());
            sql.push(") = 'string' AND starts_with(body ->> ").push_bind(name.to_owned()).push(", ")
        }
    };
    sql.push_bind(prefix.to_owned()).push(")");
}

/// An id can only be a string.
fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn texts(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(text).collect()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| time::parse(text).ok())
}

fn times(values: &[Value]) -> Vec<Timestamp> {
    values.iter().filter_map(time).collect()
}
