//! Queries with `group_by`, `period` or both.

use super::calendar::{Calendar, Moment, Period, Range};
use super::query::Query;
use super::record::{Record, TIMES, moment};
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
        let range = Range::asked(query);
        let groups = groups(seen(&records, &fields, &range), &records, &fields);
        let rows = groups.iter().map(|group| group_row(group, &fields, query, &range));
        return Ok(limited(sorted(rows.collect::<Result<_, _>>()?, query), query));
    };
    let window = window(&calendar, query, &records, now);
    let table = Table { calendar, window, query };
    table.check_earlier(&records)?;
    if fields.is_empty() {
        return table.period_rows(&records);
    }
    let seen = seen(&records, &fields, &table.window.range);
    let is_flat = query.is_true("flatten");
    let combinations = if is_flat { combined(&seen, &fields) } else { seen };
    let groups = groups(combinations, &records, &fields);
    let rows = groups.iter().map(|group| table.nested_row(group, &fields));
    let mut rows = limited(sorted(rows.collect::<Result<_, _>>()?, query), query);
    if is_flat {
        // The limit leaves the same groups whether flat or not, of which then the rows are sorted.
        rows.sort_by(|one, other| by_keys(&keys_of(one, &fields), &keys_of(other, &fields)));
        rows = sorted(rows.iter().flat_map(|row| flat_rows(row, &fields)).collect(), query);
    }
    Ok(rows)
}

/// The combinations that records in the range have, in the order of their values.
fn seen(records: &[&Record], fields: &[&str], range: &Range) -> Vec<Vec<Value>> {
    let in_range = records.iter().filter(|record| range.holds(record.time));
    let mut seen: Vec<Vec<Value>> = in_range.map(|record| keys_of(&record.row, fields)).collect();
    seen.sort_by(|one, other| by_keys(one, other));
    seen.dedup_by(|one, other| by_keys(one, other).is_eq());
    seen
}

/// Every combination of the values seen.
fn combined(seen: &[Vec<Value>], fields: &[&str]) -> Vec<Vec<Value>> {
    let mut combinations: Vec<Vec<Value>> = vec![Vec::new()];
    for position in 0..fields.len() {
        let mut values: Vec<&Value> = seen.iter().map(|keys| &keys[position]).collect();
        values.sort_by(|one, other| order(one, other));
        values.dedup_by(|one, other| order(one, other).is_eq());
        let with = |keys: &Vec<Value>, value: &Value| [keys.as_slice(), std::slice::from_ref(value)].concat();
        combinations =
            combinations.iter().flat_map(|keys| values.iter().map(move |value| with(keys, value))).collect();
    }
    combinations
}

/// The combinations, each with all its records.
fn groups<'a>(combinations: Vec<Vec<Value>>, records: &[&'a Record], fields: &[&str]) -> Vec<Group<'a>> {
    let group = |keys: Vec<Value>| {
        let belongs = |record: &&Record| by_keys(&keys_of(&record.row, fields), &keys).is_eq();
        Group { records: records.iter().copied().filter(belongs).collect(), keys }
    };
    combinations.into_iter().map(group).collect()
}

fn keys_of(row: &Row, fields: &[&str]) -> Vec<Value> {
    fields.iter().map(|field| row[*field].clone()).collect()
}

fn by_keys(one: &[Value], other: &[Value]) -> Ordering {
    let orders = one.iter().zip(other).map(|(one, other)| order(one, other));
    orders.fold(Ordering::Equal, Ordering::then)
}

/// The keys, the count and what is collected of the records in the range.
fn group_row(group: &Group, fields: &[&str], query: &Query, range: &Range) -> Result<Row, Refused> {
    let counted: Vec<&Record> =
        group.records.iter().copied().filter(|record| range.holds(record.time)).collect();
    let mut row: Row =
        fields.iter().map(|field| (*field).to_owned()).zip(group.keys.iter().cloned()).collect();
    row.insert("_count".into(), counted.len().into());
    row.extend(collect::columns(query, &counted)?);
    Ok(row)
}

/// The rows of a group's periods, each with the keys of the group.
fn flat_rows(group: &Row, fields: &[&str]) -> Vec<Row> {
    let periods = group["values"].as_array().expect("rows of periods");
    let with_keys = |period: &Value| {
        let mut row = period.as_object().expect("a row").clone();
        row.extend(fields.iter().map(|field| ((*field).to_owned(), group[*field].clone())));
        row
    };
    periods.iter().map(with_keys).collect()
}

/// The periods of an answer, to be filled for one group or another.
struct Table<'a> {
    calendar: Calendar<'a>,
    window: Window,
    query: &'a Query,
}

impl Table<'_> {
    /// Refuses what cannot be added up in the time that is compared with, also of groups without a row.
    fn check_earlier(&self, records: &[&Record]) -> Result<(), Refused> {
        let Some(which) = self.query.one("compare") else { return Ok(()) };
        let earlier = self.window.periods.iter().map(|period| self.calendar.earlier(*period, which));
        let (starts, ends) = (earlier.clone().map(|period| period.start), earlier.map(|period| period.end));
        let (Some(start), Some(end)) = (starts.min(), ends.max()) else { return Ok(()) };
        let all = Period { start, end };
        let compared: Vec<&Record> =
            records.iter().copied().filter(|record| all.holds(record.time)).collect();
        collect::columns(self.query, &compared).map(|_| ())
    }

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
        let mut row = group_row(group, fields, self.query, &self.window.range)?;
        let periods = self.period_rows(&group.records)?;
        let with_records = periods.iter().filter(|row| row["_count"] != 0).count();
        row.insert("_group_count".into(), with_records.into());
        row.insert("values".into(), periods.into_iter().map(Value::Object).collect());
        Ok(row)
    }
}

/// Rows in the order that was asked for; what is equal stays in the order it has.
fn sorted(mut rows: Vec<Row>, query: &Query) -> Vec<Row> {
    let Some((column, direction)) = query.sort_by() else { return rows };
    rows.sort_by(|one, other| {
        let values = (present(one, column), present(other, column));
        if !TIMES.contains(&column) {
            return direction.missing_last(values.0, values.1, order);
        }
        // The offset may be another: 01:00+01:00 comes before 01:00+00:00.
        let time = |value: Option<&Value>| value.and_then(Value::as_str).and_then(moment);
        direction.missing_last(time(values.0), time(values.1), |one, other| one.cmp(&other))
    });
    rows
}

fn present<'a>(row: &'a Row, column: &str) -> Option<&'a Value> {
    row.get(column).filter(|value| !value.is_null())
}

/// So many groups at most.
fn limited(mut rows: Vec<Row>, query: &Query) -> Vec<Row> {
    rows.truncate(query.number("limit").unwrap_or(usize::MAX));
    rows
}
