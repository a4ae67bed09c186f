//! Records that queries of dashboards find something in.

use crate::query::DashboardQuery;
use backdrop_core::time::{self, Timestamp};
use backdrop_testing::Stack;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The texts a field has where no filter asks for one.
const TEXTS: [&str; 2] = ["first", "second"];
/// How many periods before its end a query finds records.
const STEPS: u32 = 3;

/// Data sets by group and type.
#[derive(Debug, Default)]
pub(crate) struct DataSets(BTreeMap<(String, String), DataSet>);

/// What the queries about one data set ask for.
#[derive(Debug, Default)]
struct DataSet {
    /// Fields that are added up or averaged.
    numbers: BTreeSet<String>,
    /// Fields that are grouped by, filtered by, or gathered in sets.
    texts: BTreeSet<String>,
    /// The combinations of filters, and when records are asked for by each.
    wanted: BTreeMap<Vec<(String, String)>, BTreeSet<Timestamp>>,
}

impl DataSets {
    /// The data sets that such queries are about.
    pub(crate) fn for_queries(queries: &[DashboardQuery], now: Timestamp) -> Self {
        let mut data_sets = Self::default();
        for query in queries {
            data_sets.0.entry(query.data_set()).or_default().add(query, now);
        }
        data_sets
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn record_count(&self) -> usize {
        self.0.values().map(|data_set| data_set.records().len()).sum()
    }

    /// Makes them, with their records.
    pub(crate) fn create(&self, stack: &Stack) {
        for ((group, data_type), data_set) in &self.0 {
            stack.create_data_set(group, data_type);
            let writer = stack.writer().with_token(&format!("token-for-{data_type}"));
            writer.post(&format!("/data/{group}/{data_type}"), &data_set.records().into()).expect(200);
        }
    }
}

impl DataSet {
    fn add(&mut self, query: &DashboardQuery, now: Timestamp) {
        for collected in query.collect() {
            let (field, method) = collected.split_once(':').expect("all of them name a method");
            let fields = if method == "set" { &mut self.texts } else { &mut self.numbers };
            fields.insert(field.to_owned());
        }
        self.texts.extend(query.values("group_by"));
        let sorted_by = query.value("sort_by").and_then(|sort| Some(sort.split_once(':')?.0.to_owned()));
        self.numbers.extend(sorted_by.filter(|field| !field.starts_with('_')));
        let filters: Vec<(String, String)> = query
            .values("filter_by")
            .iter()
            .map(|filter| filter.split_once(':').expect("a filter has a colon"))
            .map(|(field, value)| (field.to_owned(), value.to_owned()))
            .collect();
        self.texts.extend(filters.iter().map(|(field, _)| field.clone()));
        let (end, step) = query.end_and_step(now);
        let times = (1..=STEPS).map(|steps| end - Duration::from_secs(step * u64::from(steps)));
        self.wanted.entry(filters).or_default().extend(times);
    }

    fn records(&self) -> Vec<Value> {
        let mut records = Vec::new();
        for (filters, times) in &self.wanted {
            for at in times {
                for text in TEXTS {
                    records.push(self.record(filters, *at, text, records.len()));
                }
            }
        }
        records
    }

    fn record(&self, filters: &[(String, String)], at: Timestamp, text: &str, index: usize) -> Value {
        let mut record = Map::from_iter([("_timestamp".to_owned(), json!(time::format(at)))]);
        record.insert("_id".into(), json!(format!("record-{index}")));
        for (place, field) in self.numbers.iter().enumerate() {
            // Integers in some fields, fractions in others, as services send them.
            let number = (index * 37 + place * 11) % 1_000;
            record.insert(
                field.clone(),
                if place % 3 == 2 { json!(number as f64 / 8.0) } else { json!(number) },
            );
        }
        record.extend(self.texts.iter().map(|field| (field.clone(), json!(text))));
        record.extend(filters.iter().map(|(field, value)| (field.clone(), json!(value))));
        Value::Object(record)
    }
}
