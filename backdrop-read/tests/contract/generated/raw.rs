//! Queries that list records.

use super::Draft;
use super::times::written_as_end;
use crate::reference::Moment;
use chrono::{Duration, SubsecRound};

const COLUMNS: [&str; 10] =
    ["area", "kind", "kind", "size", "fee", "note", "paid", "_timestamp", "_start_at", "_id"];

impl Draft<'_> {
    pub(super) fn list_records(&mut self) {
        if self.draw.chance(35) {
            self.add_range();
        }
        if self.draw.chance(22) {
            let count = self.draw.one(&[1, 1, 2]);
            for field in self.draw.some(count, &["area", "kind", "fee", "paid", "note"]) {
                self.add("latest_by", field);
            }
        }
        if self.draw.chance(60) {
            let column = self.draw.one(&COLUMNS);
            let direction = self.draw.one(&["ascending", "descending"]);
            self.add("sort_by", format!("{column}:{direction}"));
        }
        if self.draw.chance(25) {
            let count = self.draw.number(1..4);
            let fields =
                self.draw.some(count, &["_id", "_timestamp", "area", "kind", "size", "paid", "_updated_at"]);
            let separator = self.draw.one(&[",", "&"]);
            for names in fields.join(separator).split('&') {
                self.add("fields", names);
            }
        }
        if self.draw.chance(55) {
            let limit = self.draw.one(&[0, 1, 2, 2, 3, 3, 5, 8, 1000]);
            // All pages are wanted, which takes some rows on each.
            if limit > 0 && self.draw.chance(45) {
                self.add("cursor", "of every page");
            }
            self.add("limit", limit);
        }
        if self.draw.chance(3) {
            self.add("flatten", "true");
        }
    }

    /// Both ends, between or around the times of two records.
    pub(super) fn add_range(&mut self) {
        let times: Vec<Moment> = self.records.iter().map(|record| record.time.trunc_subsecs(0)).collect();
        let ends: Vec<Moment> = (0..4).map(|_| self.time_of(&times)).collect();
        let (start, end) = (ends.iter().min().expect("an end"), ends.iter().max().expect("an end"));
        self.add_ends(*start, *end);
    }

    pub(super) fn time_of(&mut self, times: &[Moment]) -> Moment {
        if times.is_empty() { Moment::UNIX_EPOCH } else { self.draw.one(times) }
    }

    pub(super) fn add_ends(&mut self, start: Moment, end: Moment) {
        let end =
            if self.draw.chance(30) && super::times::is_near(end) { end + Duration::days(1) } else { end };
        for (name, time) in [("start_at", start), ("end_at", end)] {
            let text = written_as_end(self.draw, time);
            self.add(name, text);
        }
        if self.draw.chance(45) {
            let inclusive = self.draw.one(&["true", "true", "true", "false"]);
            self.add("inclusive", inclusive);
        }
    }
}
