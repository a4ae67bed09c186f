//! The statement that groups records.
//!
//! Two things make it several times as fast as the plain form. Nobody tells the planner how many different values a
//! field or a period has, and where it sees them as expressions over a table it expects as many as there are records,
//! and sorts all of these; seen through [`push_selected`] they have no statistics at all, it expects few, and
//! aggregates by hash, in parallel where that pays. And values that are counted once each would be sorted, too; so
//! they are grouped by first ([`push_parts`]).

use super::{push_keys_exist, push_where};
use crate::DataVersion;
use backdrop_core::data_set::DataSetId;
use backdrop_core::query::{Collect, FieldName, Grouping, Method, Percent, Selection};
use backdrop_core::shape::cells_max;
use sqlx::{Postgres, QueryBuilder};

/// The statement that groups records: the keys, the place of the period (counted from 1; NULL for all of
/// them together), the number of records, and the columns of each collected value (one for `count` and
/// `set`; else the value, the number of values and whether there are any that are not numbers).
pub(in crate::reader) fn groups(
    data_set: DataSetId,
    version: DataVersion,
    selection: &Selection,
    grouping: &Grouping,
) -> QueryBuilder<Postgres> {
    let fields = fields(grouping);
    let keys: Vec<String> = (0..grouping.keys().len()).map(|index| format!("f{index}")).collect();
    let period = grouping.periods().map(|_| "period".to_owned());
    let grouped_by = keys.iter().cloned().chain(period).collect::<Vec<_>>().join(", ");
    let columns = columns(grouping, &fields);
    let select = |sql: &mut QueryBuilder<Postgres>| {
        push_selected(sql, data_set, version, selection, grouping, &fields);
        push_keys_exist(sql, keys.len());
    };

    let mut sql = QueryBuilder::new(format!("SELECT {grouped_by}, "));
    if let Some(set) = lone_set(grouping, &fields) {
        sql.push("sum(records)::bigint AS records");
        for column in &columns {
            sql.push(", ").push(column.over_parts());
        }
        sql.push(" FROM (");
        push_parts(&mut sql, &format!("{grouped_by}, {set}"), &columns, select);
        sql.push(") AS parts");
    } else {
        sql.push("count(*) AS records");
        for column in &columns {
            sql.push(", ").push(column.over_records());
        }
        sql.push(" FROM ");
        select(&mut sql);
    }
    if grouping.needs_totals() {
        sql.push(format!(" GROUP BY GROUPING SETS (({grouped_by}), ({}))", keys.join(", ")));
    } else {
        sql.push(format!(" GROUP BY {grouped_by}"));
    }
    sql.push(format!(" LIMIT {}", cells_max(grouping) + 1));
    sql
}

/// The selected records as rows of the fields and the period.
fn push_selected(
    sql: &mut QueryBuilder<Postgres>,
    data_set: DataSetId,
    version: DataVersion,
    selection: &Selection,
    grouping: &Grouping,
    fields: &[&FieldName],
) {
    sql.push("(SELECT ");
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
    push_where(sql, data_set, version, selection);
    // What keeps the planner from looking through: records of no data set. (OFFSET 0 would, too, but then workers
    // hand over rows instead of groups.)
    let nothing = fields.iter().map(|_| "NULL::jsonb").chain(grouping.periods().map(|_| "0"));
    sql.push(format!(
        " UNION ALL SELECT {} FROM record WHERE data_set_id = 0",
        nothing.collect::<Vec<_>>().join(", ")
    ));
    sql.push(") AS selected");
}

/// The groups, each split by the values of the field of which the different ones are wanted.
fn push_parts(
    sql: &mut QueryBuilder<Postgres>,
    grouped_by: &str,
    columns: &[Column],
    select: impl FnOnce(&mut QueryBuilder<Postgres>),
) {
    sql.push(format!("SELECT {grouped_by}, count(*) AS records"));
    for column in columns {
        if let Column::Aggregate { aggregate, name, .. } = column {
            sql.push(format!(", {aggregate} AS {name}"));
        }
    }
    sql.push(" FROM ");
    select(sql);
    sql.push(format!(" GROUP BY {grouped_by}"));
}

/// The field of which the different values are wanted, if it is the only one and all other columns can be put together
/// from those of parts.
fn lone_set(grouping: &Grouping, fields: &[&FieldName]) -> Option<String> {
    let is_set = |collect: &&Collect| collect.method() == Method::Set;
    let needs_all = |collect: &Collect| matches!(collect.method(), Method::Median | Method::Percentile(_));
    let mut sets = grouping.collect().iter().filter(is_set);
    let (set, None) = (sets.next()?, sets.next()) else { return None };
    let is_possible = !grouping.collect().iter().any(needs_all);
    is_possible.then(|| field(fields, set))
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

/// What the field of a collected value is called in the statement.
fn field(fields: &[&FieldName], collect: &Collect) -> String {
    let index = fields.iter().position(|field| *field == collect.field());
    format!("f{}", index.expect("the fields that are collected are among all fields"))
}

/// A column of the answer, beside keys, period and number of records.
enum Column {
    /// The different values of a field.
    Set { field: String },
    /// An aggregate of records.
    Aggregate {
        aggregate: String,
        /// What it is called where it is one of a part.
        name: String,
        /// The aggregate that puts those of parts together.
        together: &'static str,
        /// Brings it into the type in which it is read.
        cast: &'static str,
        /// The same, after it was put together.
        cast_together: &'static str,
    },
}

impl Column {
    fn over_records(&self) -> String {
        match self {
            Self::Set { field } => set(field),
            Self::Aggregate { aggregate, cast, .. } => format!("{aggregate}{cast}"),
        }
    }

    fn over_parts(&self) -> String {
        match self {
            Self::Set { field } => set(field),
            Self::Aggregate { name, together, cast_together, .. } => {
                format!("{together}({name}){cast_together}")
            }
        }
    }
}

fn set(field: &str) -> String {
    format!("jsonb_agg(DISTINCT {field}) FILTER (WHERE jsonb_typeof({field}) <> 'null')")
}

/// The columns of all collected values, in their order.
fn columns(grouping: &Grouping, fields: &[&FieldName]) -> Vec<Column> {
    let mut columns = Vec::new();
    for (index, collect) in grouping.collect().iter().enumerate() {
        let field = field(fields, collect);
        let count = |condition: &str| Column::Aggregate {
            aggregate: format!("count(*) FILTER (WHERE jsonb_typeof({field}) {condition})"),
            name: format!("count{index}"),
            together: "sum",
            cast: "",
            // The sum of counts is a numeric.
            cast_together: "::bigint",
        };
        match collect.method() {
            Method::Set => columns.push(Column::Set { field }),
            Method::Count => columns.push(count("<> 'null'")),
            method => {
                let (aggregate, together) = of_numbers(method, &field);
                columns.push(Column::Aggregate {
                    aggregate,
                    name: format!("value{index}"),
                    together,
                    cast: "::text",
                    cast_together: "::text",
                });
                columns.push(count("= 'number'"));
                columns.push(Column::Aggregate {
                    aggregate: format!("bool_or(jsonb_typeof({field}) NOT IN ('number', 'null'))"),
                    name: format!("others{index}"),
                    together: "bool_or",
                    cast: "",
                    cast_together: "",
                });
            }
        }
    }
    columns
}

/// The aggregate of a method that takes numbers, and the one that puts those of parts together.
fn of_numbers(method: Method, field: &str) -> (String, &'static str) {
    // CASE, because a cast beside a FILTER would still be tried on what is no number.
    let number = |kind: &str| format!("CASE WHEN jsonb_typeof({field}) = 'number' THEN {field}::{kind} END");
    let percentile = |percent: Percent| {
        let order = number("float8");
        // Not of parts: then there are none, see `lone_set`.
        (format!("percentile_cont(0.{:02}) WITHIN GROUP (ORDER BY {order})", percent.get()), "")
    };
    match method {
        Method::Min => (format!("min({})", number("numeric")), "min"),
        Method::Max => (format!("max({})", number("numeric")), "max"),
        Method::Median => percentile(Percent::HALF),
        Method::Percentile(percent) => percentile(percent),
        Method::Sum | Method::Mean | Method::Count | Method::Set => {
            (format!("sum({})", number("numeric")), "sum")
        }
    }
}
