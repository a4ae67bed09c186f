//! The statements that read columns: some fields of all records of a data set, or of those that changed.
//!
//! Both list `id`, `timestamp` and the fields, in this order, from the first column on that belongs to records.

use super::super::DataVersion;
use backdrop_core::data_set::DataSetId;
use backdrop_core::query::FieldName;
use sqlx::{Postgres, QueryBuilder};

/// The statement that lists the fields of all records, in whatever order they lie.
pub(crate) fn all(data_set: DataSetId, version: DataVersion, fields: &[FieldName]) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(r#"SELECT id, "timestamp""#);
    push_fields(&mut sql, fields);
    sql.push(" FROM record WHERE data_set_id = ").push_bind(data_set.0);
    sql.push(" AND generation = ").push_bind(version.generation);
    sql
}

/// The statement that gives, from one state of the store, the state of the data set, the records that were stored
/// since a version, in the order in which they were, and the ids of those that were deleted since; of each so many at
/// most. The columns are `is_stored` (NULL in the row of the state), the five of the state, and those of a record.
/// There are no rows at all if the server is a standby.
pub(crate) fn changes(
    data_set: DataSetId,
    since: DataVersion,
    fields: &[FieldName],
    rows_max: usize,
) -> QueryBuilder<Postgres> {
    let no_fields = ", NULL".repeat(fields.len());
    let no_state = "NULL::integer, NULL::bigint, NULL::uuid, NULL::bigint, NULL::bigint";
    let mut sql =
        QueryBuilder::new("SELECT NULL::boolean, generation, version, version_tag, deletions_since, records");
    sql.push(format!(", NULL::text, NULL::timestamptz{no_fields} FROM data_set_state WHERE data_set_id = "));
    sql.push_bind(data_set.0).push(" AND NOT pg_is_in_recovery()");
    sql.push(format!(r#" UNION ALL (SELECT true, {no_state}, id, "timestamp""#));
    push_fields(&mut sql, fields);
    sql.push(" FROM record");
    push_since(&mut sql, data_set, since, rows_max);
    sql.push(format!(") UNION ALL (SELECT false, {no_state}, id, NULL{no_fields} FROM record_deletion"));
    push_since(&mut sql, data_set, since, rows_max);
    sql.push(")");
    sql
}

fn push_since(sql: &mut QueryBuilder<Postgres>, data_set: DataSetId, since: DataVersion, rows_max: usize) {
    sql.push(" WHERE data_set_id = ").push_bind(data_set.0);
    sql.push(" AND generation = ").push_bind(since.generation);
    sql.push(" AND seq > ").push_bind(since.version);
    // The index has this order and is taken for it, however many rows the planner expects.
    sql.push(" ORDER BY seq LIMIT ").push_bind(i64::try_from(rows_max).unwrap_or(i64::MAX));
}

fn push_fields(sql: &mut QueryBuilder<Postgres>, fields: &[FieldName]) {
    for field in fields {
        sql.push(", body -> ").push_bind(field.to_string());
    }
}
