//! Queries that group by fields, by time or by both.

use super::Draft;
use super::times::{is_near, written_as_end};
use crate::reference::{Moment, moment};
use chrono::{Duration, SubsecRound, Timelike};
use chrono_tz::Tz;

/// Periods, and about how many hours they have.
const PERIODS: [(&str, i64); 6] =
    [("hour", 1), ("day", 24), ("week", 168), ("month", 720), ("quarter", 2160), ("year", 8760)];
/// Zones with a change of clocks by day and at midnight, in both halves of the year, and with odd offsets.
const ZONES: [&str; 8] = [
    "Europe/London",
    "Europe/London",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Sydney",
    "Asia/Kolkata",
    "UTC",
];
const METHODS: [&str; 10] = ["sum", "sum", "mean", "min", "max", "median", "percentile", "count", "set", ""];

impl Draft<'_> {
    pub(super) fn group(&mut self) {
        let keys = self.add_keys();
        let columns = self.add_collects(&keys);
        if self.draw.chance(25) {
            self.add_range();
        }
        if self.draw.chance(10) {
            self.add("flatten", "true");
        }
        self.add_order([keys, columns, vec!["_count".to_owned()]].concat());
    }

    pub(super) fn divide_by_time(&mut self) {
        let keys = if self.draw.chance(60) { self.add_keys() } else { Vec::new() };
        let mut columns = self.add_collects(&keys);
        self.add_periods(if keys.len() > 1 { 12 } else { 40 });
        let is_flat = self.draw.chance(if keys.is_empty() { 10 } else { 40 });
        if is_flat {
            self.add("flatten", "true");
        }
        if keys.is_empty() {
            return;
        }
        columns.push("_count".to_owned());
        if is_flat {
            if let Some((_, which)) = self.parameters.iter().find(|(name, _)| name == "compare") {
                columns.extend(columns.clone().iter().map(|column| format!("{column}:{which}")));
            }
            columns.extend(["_start_at".to_owned(), "_end_at".to_owned()]);
        } else {
            columns.push("_group_count".to_owned());
        }
        self.add_order([keys, columns].concat());
    }

    fn add_keys(&mut self) -> Vec<String> {
        let count = self.draw.one(&[1, 1, 1, 2]);
        let keys = self.draw.some(count, &["area", "kind", "paid", "fee", "note"]);
        for key in &keys {
            self.add("group_by", key);
        }
        keys.into_iter().map(str::to_owned).collect()
    }

    /// Adds what is to be collected; the columns that one can sort by.
    fn add_collects(&mut self, keys: &[String]) -> Vec<String> {
        let mut columns = Vec::new();
        for _ in 0..self.draw.one(&[0, 0, 1, 1, 2, 3]) {
            let mut method = self.draw.one(&METHODS).to_owned();
            if method == "percentile" {
                method = format!("p{}", self.draw.number(1..100));
            }
            let takes_all = ["count", "set", ""].contains(&method.as_str());
            // Rarely over what is not a number.
            let fields: &[&str] = if takes_all || self.draw.chance(10) {
                &["area", "kind", "note", "size", "paid"]
            } else {
                &["size", "size", "fee"]
            };
            let field = self.draw.one(&fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>());
            let column = if method.is_empty() { field.clone() } else { format!("{field}:{method}") };
            let is_given = self.parameters.iter().any(|(_, value)| *value == column);
            if keys.contains(&field) || is_given {
                continue;
            }
            self.add("collect", &column);
            // Percentiles that should be equal may differ in their last bit, and would be sorted by that.
            if !["set", ""].contains(&method.as_str()) && !method.starts_with('p') {
                columns.push(column);
            }
        }
        columns
    }

    fn add_order(&mut self, columns: Vec<String>) {
        if self.draw.chance(40) {
            let column = self.draw.one(&columns);
            let direction = self.draw.one(&["ascending", "descending"]);
            self.add("sort_by", format!("{column}:{direction}"));
        }
        if self.draw.chance(30) {
            let limit = self.draw.one(&[0, 1, 2, 2, 3, 3, 5, 5, 8]);
            self.add("limit", limit);
        }
    }

    /// So many periods at most, among them that of a record.
    fn add_periods(&mut self, most: usize) {
        let (kind, hours) = self.draw.one(&PERIODS);
        self.add("period", kind);
        let times: Vec<Moment> = self.records.iter().map(|record| record.time.trunc_subsecs(0)).collect();
        let time = self.time_of(&times);
        let zone: Tz = self.draw.one(&ZONES).parse().expect("a zone");
        let has_zone = self.draw.chance(60) && is_near(time);
        let zone = if has_zone { zone } else { Tz::UTC };
        // All periods must lie within the years 1 to 9999, earlier ones as well.
        let compares = self.draw.chance(45) && is_near(time);
        if compares {
            // In other zones hours may be there twice or not at all a year before.
            let has_same_hours = kind != "hour" || [Tz::UTC, Tz::Asia__Kolkata].contains(&zone);
            let which = if has_same_hours { self.draw.one(&["previous", "year"]) } else { "previous" };
            self.add("compare", which);
        }
        if has_zone {
            self.add("timezone", zone);
        }
        let before = self.draw.of(0..most as i64 / 3);
        let after = self.draw.of(1..most as i64 / 2);
        let start = self.end_near(time, -hours * before, zone);
        let end = self.end_near(time, hours * after, zone).max(start);
        let ways = if is_near(time) { 100 } else { 50 };
        match self.draw.number(0..ways) {
            0..50 => self.add_ends(start, end),
            50..70 => {
                let text = written_as_end(self.draw, start);
                self.add("start_at", text);
                self.add("duration", before + after);
            }
            70..90 => {
                let text = written_as_end(self.draw, end);
                self.add("end_at", text);
                self.add("duration", before + after);
            }
            _ => self.add("duration", before + after),
        }
    }

    /// So many hours away, often at a midnight of the zone.
    fn end_near(&mut self, time: Moment, hours: i64, zone: Tz) -> Moment {
        let [first, last] = ["0001-01-01", "9999-12-31T23:59:59"].map(|text| moment(text).expect("a time"));
        let away = (time + Duration::hours(hours)).clamp(first, last);
        if !self.draw.chance(60) || !is_near(away) {
            return away;
        }
        let into_day = away.with_timezone(&zone).num_seconds_from_midnight();
        away - Duration::seconds(into_day.into())
    }
}
