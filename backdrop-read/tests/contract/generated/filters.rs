//! Filters by values that some record has.

use super::Draft;
use super::times::written;
use crate::reference::{TIMES, moment};
use serde_json::Value;

const FIELDS: [&str; 14] = [
    "area",
    "area",
    "kind",
    "kind",
    "size",
    "fee",
    "note",
    "paid",
    "paid",
    "_id",
    "_timestamp",
    "_timestamp",
    "_start_at",
    "_updated_at",
];

impl Draft<'_> {
    pub(super) fn add_filters(&mut self) {
        let count = self.draw.one(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2]);
        let has_prefix = self.draw.chance(40);
        for _ in 0..count {
            match self.draw.number(0..100) {
                0..40 if has_prefix => self.add_prefix(),
                0..40 => self.add_equality(),
                40..70 => self.add_alternatives(),
                _ => self.add_comparison(),
            }
        }
    }

    fn add_equality(&mut self) {
        let field = self.draw.one(&FIELDS);
        let value = self.text_of(field);
        self.add("filter_by", format!("{field}:{value}"));
    }

    fn add_alternatives(&mut self) {
        let field = self.draw.one(&FIELDS);
        for _ in 0..self.draw.number(1..5) {
            let value = self.text_of(field);
            self.add("filter_by_any", format!("{field}:{value}"));
        }
    }

    fn add_prefix(&mut self) {
        let field = self.draw.one(&["area", "area", "area", "_id", "_id", "kind", "_timestamp"]);
        let value = self.value_of(field);
        let text = value.as_str().unwrap_or("1");
        let length = self.draw.number(0..4).min(text.chars().count());
        // Of a time what does not tell its offset.
        let length = if TIMES.contains(&field) { length + 3 } else { length };
        let prefix: String = text.chars().take(length).collect();
        self.add("filter_by_prefix", format!("{field}:{prefix}"));
    }

    fn add_comparison(&mut self) {
        let field = self.draw.one(&FIELDS);
        let operator =
            self.draw.one(&["gt", "gte", "gte", "gte", "lt", "lte", "lte", "lte", "ne", "ne", "ne"]);
        let value = self.text_of(field);
        self.add("filter_by_comparison", format!("{field}:{operator}:{value}"));
    }

    /// A value that a record has in the field, rarely that of another field.
    fn value_of(&mut self, field: &str) -> Value {
        let field = if self.draw.chance(5) && !TIMES.contains(&field) { "kind" } else { field };
        let values: Vec<Value> =
            self.records.iter().filter_map(|record| record.value(field)).cloned().collect();
        if values.is_empty() { Value::from("nothing") } else { self.draw.one(&values) }
    }

    /// The same as text, written in some way that must match.
    fn text_of(&mut self, field: &str) -> String {
        match self.value_of(field) {
            Value::String(text) => match moment(&text).filter(|_| TIMES.contains(&field)) {
                Some(time) => written(self.draw, time),
                None if TIMES.contains(&field) => "2013-03-31T01:00:00Z".to_owned(),
                None => text,
            },
            Value::Number(number) => {
                let is_small = number.as_f64().is_some_and(|float| float.abs() < 1e6);
                let ending = if !is_small {
                    ""
                } else if number.is_f64() {
                    self.draw.one(&["", "0", "e0", "00E+0"])
                } else {
                    self.draw.one(&["", "", ".0", "e0"])
                };
                format!("{number}{ending}")
            }
            other => other.to_string(),
        }
    }
}
