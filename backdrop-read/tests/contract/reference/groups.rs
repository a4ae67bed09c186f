//! Queries with `group_by`, `period` or both.

use super::calendar::{Calendar, Moment, Period, Range};
use super::query::Query;
use super::record::Record;
use super::value::order;
use super::window::{Window, window};
use super::{Refused, Row, collect};
use serde_json::Value;
use std::cmp::Ordering;

/// A combination of values, and all records that have it, whenever.
struct Group<'a> {
    keys: Vec<Value>,
    records: Vec<&'a Record>,
}

/// The rows of a query that groups.
pub(crate) fn rows(records: &[&Record], query: &Query, now: Moment) -> Result<Vec<Row>, Refused> {
    let fields: Vec<&str> = query.all("group_by").collect();
    let has_all = |record: &&Record| fields.iter().all(|field| record.value(field).is_some());
    let records: Vec<&Record> = records.iter().copied().filter(has_all).collect();
    let Some(calendar) = Calendar::asked(query) else {
        let groups = groups(&records, &fields, &Range::asked(query));
        let rows = groups.iter().map(|group| {
            let counted =
                group.records.iter().copied().filter(|record| Range::asked(query).holds(record.time));
            group_row(group, &fields, query, &counted.collect::<Vec<_>>())
        });
        return Ok(sorted(rows.collect::<Result<_, _>>()?, &fields, query));
    };
    let window = window(&calendar, query, &records, now);
    let table = Table { calendar, window, query };
    if fields.is_empty() {
        return table.period_rows(&records);
    }
    let groups = groups(&records, &fields, &table.window.range);
    let rows = if query.is_true("flatten") {
        table.flat_rows(&groups, &fields)?
    } else {
        groups.iter().map(|group| table.nested_row(group, &fields)).collect::<Result<_, _>>()?
    };
    Ok(sorted(rows, &fields, query))
}

/// The combinations that records in the range have, in the order of their values.
fn groups<'a>(records: &[&'a Record], fields: &[&str], range: &Range) -> Vec<Group<'a>> {
    let keys = |record: &Record| fields.iter().map(|field| record.row[*field].clone()).collect::<Vec<_>>();
    let mut seen: Vec<Vec<Value>> =
        records.iter().filter(|record| range.holds(record.time)).map(|record| keys(record)).collect();
    seen.sort_by(|one, other| by_keys(one, other));
    seen.dedup_by(|one, other| by_keys(one, other).is_eq());
    let group = |group: Vec<Value>| {
        let belongs = |record: &&Record| by_keys(&keys(record), &group).is_eq();
        Group { records: records.iter().copied().filter(belongs).collect(), keys: group }
    };
    seen.into_iter().map(group).collect()
}

/// Every combination of the values that the groups have.
fn combined<'a>(groups: &[Group<'a>], fields: &[&str]) -> Vec<Group<'a>> {
    let mut combinations: Vec<Vec<Value>> = vec![Vec::new()];
    for position in 0..fields.len() {
        let mut values: Vec<&Value> = groups.iter().map(|group| &group.keys[position]).collect();
        values.sort_by(|one, other| order(one, other));
        values.dedup_by(|one, other| order(one, other).is_eq());
        let with = |keys: &Vec<Value>, value: &Value| [keys.as_slice(), &[value.clone()]].concat();
        combinations =
            combinations.iter().flat_map(|keys| values.iter().map(move |value| with(keys, value))).collect();
    }
    let group = |keys: Vec<Value>| {
        let seen = groups.iter().find(|group| by_keys(&group.keys, &keys).is_eq());
        Group { records: seen.map(|group| group.records.clone()).unwrap_or_default(), keys }
    };
    combinations.into_iter().map(group).collect()
}

fn by_keys(one: &[Value], other: &[Value]) -> Ordering {
    let orders = one.iter().zip(other).map(|(one, other)| order(one, other));
    orders.fold(Ordering::Equal, Ordering::then)
}

fn keys_of(group: &Group, fields: &[&str]) -> Row {
    fields.iter().map(|field| (*field).to_owned()).zip(group.keys.iter().cloned()).collect()
}

/// The keys, the count and what is collected of the records that count.
fn group_row(group: &Group, fields: &[&str], query: &Query, counted: &[&Record]) -> Result<Row, Refused> {
    let mut row = keys_of(group, fields);
    row.insert("_count".into(), counted.len().into());
    row.extend(collect::columns(query, counted)?);
    Ok(row)
}

/// The periods of an answer, to be filled for one group or another.
struct Table<'a> {
    calendar: Calendar<'a>,
    window: Window,
    query: &'a Query,
}

impl Table<'_> {
    /// A row for every period.
    fn period_rows(&self, records: &[&Record]) -> Result<Vec<Row>, Refused> {
        self.window.periods.iter().map(|period| self.period_row(records, *period)).collect()
    }

    fn period_row(&self, records: &[&Record], period: Period) -> Result<Row, Refused> {
        let in_period = |record: &&Record| period.holds(record.time) && self.window.range.holds(record.time);
        let mut row = Row::new();
        row.insert("_start_at".into(), self.calendar.print(period.start).into());
        row.insert("_end_at".into(), self.calendar.print(period.end).into());
        self.add_figures(&mut row, &records.iter().copied().filter(in_period).collect::<Vec<_>>(), "")?;
        if let Some(which) = self.query.one("compare") {
            // The earlier period is counted whole, whatever the range.
            let earlier = self.calendar.earlier(period, which);
            let in_earlier = records.iter().copied().filter(|record| earlier.holds(record.time));
            self.add_figures(&mut row, &in_earlier.collect::<Vec<_>>(), &format!(":{which}"))?;
        }
        Ok(row)
    }

    /// The count and what is collected, all of it null if there are no records.
    fn add_figures(&self, row: &mut Row, records: &[&Record], suffix: &str) -> Result<(), Refused> {
        row.insert(format!("_count{suffix}"), records.len().into());
        for (column, value) in collect::columns(self.query, records)? {
            let value = if records.is_empty() { Value::Null } else { value };
            row.insert(format!("{column}{suffix}"), value);
        }
        Ok(())
    }

    /// One row for a group, with a row for every period in `values`.
    fn nested_row(&self, group: &Group, fields: &[&str]) -> Result<Row, Refused> {
        let counted = group.records.iter().copied().filter(|record| self.window.range.holds(record.time));
        let mut row = group_row(group, fields, self.query, &counted.collect::<Vec<_>>())?;
        let periods = self.period_rows(&group.records)?;
        let with_records = periods.iter().filter(|row| row["_count"] != 0).count();
        row.insert("_group_count".into(), with_records.into());
        row.insert("values".into(), periods.into_iter().map(Value::Object).collect());
        Ok(row)
    }

    /// A row for every combination of values and period.
    fn flat_rows(&self, groups: &[Group], fields: &[&str]) -> Result<Vec<Row>, Refused> {
        let mut rows = Vec::new();
        for group in combined(groups, fields) {
            for mut row in self.period_rows(&group.records)? {
                row.extend(keys_of(&group, fields));
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

/// Rows in the order that was asked for, which otherwise is the one they have, of so many groups at most.
fn sorted(mut rows: Vec<Row>, fields: &[&str], query: &Query) -> Vec<Row> {
    if let Some((column, direction)) = query.sort_by() {
        let value = |row: &Row| row.get(column).filter(|value| !value.is_null()).cloned();
        rows.sort_by(|one, other| {
            direction.missing_last(value(one), value(other), |one, other| order(&one, &other))
        });
    }
    let limit = query.number("limit").unwrap_or(usize::MAX);
    let mut groups: Vec<Vec<Value>> = Vec::new();
    let keys = |row: &Row| fields.iter().map(|field| row[*field].clone()).collect::<Vec<_>>();
    rows.retain(|row| {
        let keys = keys(row);
        let is_seen = groups.iter().any(|group| by_keys(group, &keys).is_eq());
        if !is_seen && groups.len() < limit {
            groups.push(keys);
            return true;
        }
        is_seen
    });
    rows
}
