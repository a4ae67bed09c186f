//! The order of records, and the place in it at which a page begins.
//!
//! Numbers as numbers, then texts by code point, then booleans; what has no value last, either way. What
//! is equal is in the order of ids. Both statements must agree on that, or pages overlap or leave gaps.

use super::way;
use backdrop_core::query::{Cursor, Direction, RowOrder};
use backdrop_core::time;
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};

/// The kinds of values in their order, with how a value of that kind is read from the body.
const KINDS: [(&str, &str, &str); 3] = [
    ("number", "(body -> ", ")::numeric"),
    ("string", "(body ->> ", r#") COLLATE "C""#),
    ("boolean", "(body -> ", ")::boolean"),
];

pub(super) fn push_order(sql: &mut QueryBuilder<Postgres>, order: &RowOrder) {
    let way = way(order.direction);
    sql.push(" ORDER BY ");
    match column(order) {
        Some(column) => {
            sql.push(format!("{column} {way}, "));
        }
        None => {
            push_rank(sql, order);
            sql.push(format!(" {way} NULLS LAST, "));
            for (kind, ..) in KINDS {
                push_value(sql, order, kind);
                sql.push(format!(" {way} NULLS LAST, "));
            }
        }
    }
    sql.push(format!(r#"id COLLATE "C" {way}"#));
}

/// The condition that a record comes after the place of the cursor.
pub(super) fn push_after(sql: &mut QueryBuilder<Postgres>, order: &RowOrder, after: &Cursor) {
    let beyond = match order.direction {
        Direction::Ascending => ">",
        Direction::Descending => "<",
    };
    let id = after.id().to_owned();
    if let Some(column) = column(order) {
        let at = after.value().as_str().and_then(|text| time::parse(text).ok());
        if order.field.is_id() {
            sql.push(format!("{column} {beyond} ")).push_bind(id);
        } else {
            sql.push(format!(r#"({column}, id COLLATE "C") {beyond} ("#)).push_bind(at);
            sql.push(", ").push_bind(id).push(")");
        }
        return;
    }
    let (rank, kind) = match after.value() {
        Value::Number(_) => (1, "number"),
        Value::String(_) => (2, "string"),
        Value::Bool(_) => (3, "boolean"),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            sql.push("(");
            push_rank(sql, order);
            sql.push(format!(r#" IS NULL AND id COLLATE "C" {beyond} "#)).push_bind(id).push(")");
            return;
        }
    };
    // Beyond its kind or without a value; of its kind and beyond its value; of its value and beyond its id.
    sql.push("(");
    push_rank(sql, order);
    sql.push(" IS NULL OR ");
    push_rank(sql, order);
    sql.push(format!(r#" {beyond} {rank} OR ("#));
    push_value(sql, order, kind);
    sql.push(r#", id COLLATE "C") "#).push(beyond).push(" (");
    match after.value() {
        Value::Number(number) => sql.push_bind(Value::Number(number.clone())).push("::numeric"),
        Value::String(text) => sql.push_bind(text.clone()),
        value => sql.push_bind(value.as_bool()),
    };
    sql.push(", ").push_bind(id).push("))");
}

/// The column that holds what is sorted by. That of the time, so that the index can serve: it has the value
/// of the field, and the time of acceptance for records without one.
fn column(order: &RowOrder) -> Option<&'static str> {
    match order.field.as_str() {
        "_timestamp" => Some(r#""timestamp""#),
        "_updated_at" => Some("updated_at"),
        "_id" => Some(r#"id COLLATE "C""#),
        _ => None,
    }
}

/// The place of the kind of the value among all kinds; NULL without a value.
fn push_rank(sql: &mut QueryBuilder<Postgres>, order: &RowOrder) {
    sql.push("CASE jsonb_typeof(body -> ").push_bind(order.field.to_string());
    sql.push(") WHEN 'number' THEN 1 WHEN 'string' THEN 2 WHEN 'boolean' THEN 3 END");
}

/// The value, if it is of the kind; else NULL.
fn push_value(sql: &mut QueryBuilder<Postgres>, order: &RowOrder, kind: &str) {
    for (name, begin, end) in KINDS {
        if name == kind {
            sql.push("CASE WHEN jsonb_typeof(body -> ").push_bind(order.field.to_string());
            sql.push(format!(") = '{name}' THEN {begin}")).push_bind(order.field.to_string());
            sql.push(format!("{end} END"));
        }
    }
}
