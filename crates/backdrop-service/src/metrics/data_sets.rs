//! Counting by data set, with as many names as a process of Prometheus can bear.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

/// The most names of data sets that a process tells apart. The original had about 500 data sets.
const NAMES_MAX: usize = 1_000;
/// What stands for all others, and for a data set whose name is not known any more.
const OTHER: &str = "other";

/// The names of data sets that may be values of labels: the first thousand that came. All counters of a process share
/// them, so that they tell the same data sets apart.
#[derive(Clone, Debug, Default)]
pub struct DataSetNames(Arc<RwLock<HashSet<String>>>);

impl DataSetNames {
    /// What stands for the name in labels.
    fn label<'n>(&self, name: &'n str) -> &'n str {
        if self.0.read().unwrap_or_else(PoisonError::into_inner).contains(name) {
            return name;
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if names.contains(name) {
            return name;
        }
        if names.len() >= NAMES_MAX {
            return OTHER;
        }
        names.insert(name.to_owned());
        name
    }
}

/// Counts by data set.
#[derive(Clone, Debug)]
pub struct DataSetCounter {
    names: DataSetNames,
    family: Family<[(&'static str, String); 1], Counter>,
}

impl DataSetCounter {
    /// A counter that tells those names apart.
    pub fn new(names: DataSetNames) -> Self {
        Self { names, family: Family::default() }
    }

    /// What is registered.
    pub fn family(&self) -> Family<[(&'static str, String); 1], Counter> {
        self.family.clone()
    }

    /// Counts so many more; `None`: for a data set whose name is not known.
    pub fn add(&self, data_set: Option<&str>, count: u64) {
        let label = data_set.map_or(OTHER, |name| self.names.label(name));
        self.family.get_or_create(&[("data_set", label.to_owned())]).inc_by(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    #[test]
    fn a_thousand_names_are_told_apart_and_all_others_are_one() {
        let counter = DataSetCounter::new(DataSetNames::default());
        for number in 0..1_001 {
            counter.add(Some(&format!("data_set_{number}")), 1);
        }
        counter.add(Some("data_set_999"), 1);
        counter.add(Some("one_more"), 1);
        counter.add(None, 1);
        let mut registry = Registry::default();
        registry.register("records", "Records", counter.family());
        let mut text = String::new();
        encode(&mut text, &registry).expect("a text");
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), 1_001);
        assert!(samples.contains(&"records_total{data_set=\"data_set_999\"} 2"), "{text}");
        assert!(samples.contains(&"records_total{data_set=\"other\"} 3"), "{text}");
    }
}
