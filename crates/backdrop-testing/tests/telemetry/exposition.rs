//! Reading the text that `/metrics` answers with, as strictly as Prometheus does.

use backdrop_testing::Client;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// What a process told.
#[derive(Debug)]
pub(crate) struct Exposition {
    /// The types of the families, by the name that samples have.
    pub(crate) types: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// Asks the process at an address.
pub(crate) fn of(address: SocketAddr) -> Exposition {
    let answer = Client::new(address).get("/metrics").expect(200);
    let content_type = answer.header("content-type");
    assert_eq!(content_type, Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    read(&answer.text)
}

fn read(text: &str) -> Exposition {
    let mut told = Exposition { types: BTreeMap::new(), samples: BTreeMap::new(), labels: BTreeMap::new() };
    assert!(text.ends_with("# EOF\n"), "the end is told: {text}");
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').expect("a name and a type");
            let name = match kind {
                "counter" => format!("{name}_total"),
                "info" => format!("{name}_info"),
                _ => name.to_owned(),
            };
            assert!(told.types.insert(name, kind.to_owned()).is_none(), "a family is told twice: {line}");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let value = value.parse().expect("a number");
            assert!(
                told.samples.insert(series.to_owned(), value).is_none(),
                "a series is told twice: {line}"
            );
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.strip_suffix('}').expect("labels end").split("\",");
            let names = labels.filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.to_owned());
            let family = told.family(name);
            told.labels.entry(family).or_default().extend(names.filter(|name| name != "le"));
        }
    }
    told
}

impl Exposition {
    /// The family that a sample belongs to; every sample has one.
    fn family(&self, sample: &str) -> String {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().filter_map(|end| sample.strip_suffix(end));
        let mut candidates = of_histogram.chain([sample]);
        let family = candidates.find(|name| self.types.contains_key(*name));
        family.unwrap_or_else(|| panic!("{sample} belongs to no family")).to_owned()
    }

    /// The value of a series; `None`: it is not told.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        self.samples.get(series).copied()
    }

    /// The series that begin like that.
    pub(crate) fn beginning<'e>(&'e self, beginning: &'e str) -> impl Iterator<Item = (&'e str, f64)> {
        let of_name = self.samples.iter().filter(move |(series, _)| series.starts_with(beginning));
        of_name.map(|(series, value)| (series.as_str(), *value))
    }

    /// The labels of a family, but for those of classes of a histogram.
    pub(crate) fn labels(&self, family: &str) -> Option<&BTreeSet<String>> {
        self.labels.get(family)
    }
}
