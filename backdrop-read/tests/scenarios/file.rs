//! What a scenario file says. Whatever it says twice, misspells or leaves open is an error.

use backdrop_testing::Stack;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A file that was read.
#[derive(Debug)]
pub(crate) struct ScenarioFile {
    /// The name of the file, which is also the data group of its data sets.
    pub(crate) topic: String,
    pub(crate) scenario: Scenario,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What the file is about, for its readers.
    about: String,
    /// The data sets by their data types.
    data_sets: BTreeMap<String, DataSet>,
    pub(crate) cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSet {
    /// Settings other than those of every scenario: any record is taken, and raw queries are answered.
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    records: Vec<Value>,
}

/// A request, and what the answer must be. What a case does not mention may be anything.
///
/// A number with a point stands for any number of that value; one without must be an integer.
/// `_updated_at` of a record is not compared, unless it is expected. `(any)` stands for any value, in `rows`
/// `(absent)` for a column that the row does not have, and in `headers` `(holds) text` for a value that holds
/// the text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The data type of the data set that is asked; needed if there are several.
    of: Option<String>,
    /// Records that are written to it before it is asked.
    #[serde(default)]
    pub(crate) post: Vec<Value>,
    pub(crate) method: Option<String>,
    /// A path other than the data set's, as it stands in the URL.
    pub(crate) path: Option<String>,
    /// Parameters in readable form, `name=value`; they are percent-encoded before they are sent.
    #[serde(default)]
    pub(crate) query: Vec<String>,
    /// A query that is sent as it stands.
    pub(crate) raw_query: Option<String>,
    /// Headers of the request.
    #[serde(default)]
    pub(crate) send: BTreeMap<String, String>,
    /// Whether the `ETag` of the case before is sent as `If-None-Match`.
    #[serde(default)]
    pub(crate) send_last_etag: bool,

    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// All rows with all their columns.
    pub(crate) data: Option<Vec<Value>>,
    /// The columns that `rows` are about.
    #[serde(default)]
    pub(crate) columns: Vec<String>,
    /// All rows, but of each only `columns`.
    pub(crate) rows: Option<Vec<Vec<Value>>>,
    /// The `_id` of all rows.
    pub(crate) ids: Option<Vec<String>>,
    /// How many rows there are.
    pub(crate) count: Option<usize>,
    /// The `_id` of the rows of this page and of all that follow by `Link: rel="next"`.
    pub(crate) pages: Option<Vec<Vec<String>>>,
    /// The body as JSON.
    pub(crate) body: Option<Value>,
    /// The body as lines that end with CR LF.
    pub(crate) csv: Option<Vec<String>>,
    /// The body as lines of JSON.
    pub(crate) ndjson: Option<Vec<Value>>,
    /// The warning in the envelope; null: there is none.
    #[serde(default, deserialize_with = "given")]
    pub(crate) warning: Option<Option<String>>,
    /// Headers and their values; null: there is no such header.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Option<String>>,
    /// The code of an error; without it, that of a 400 must be `invalid_query`.
    pub(crate) code: Option<String>,
    /// What the message of an error holds.
    #[serde(default)]
    pub(crate) says: Vec<String>,
}

const fn ok() -> u16 {
    200
}

/// Tells null, which is an expectation, from nothing.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Reads all scenario files of a folder, in the order of their names.
pub(crate) fn read_all(folder: &Path) -> Vec<ScenarioFile> {
    let entries = std::fs::read_dir(folder).expect("the folder of the scenarios");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    assert!(!paths.is_empty(), "there are no scenarios in {}", folder.display());
    paths.iter().map(|path| ScenarioFile::read(path)).collect()
}

impl ScenarioFile {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a readable file");
        let options = serde_saphyr::options! { strict_booleans: true };
        let scenario: Scenario = serde_saphyr::from_str_with_options(&text, options)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let topic = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let file = Self { topic, scenario };
        file.check();
        file
    }

    /// Checks what the types leave open.
    fn check(&self) {
        let Self { topic, scenario } = self;
        assert!(scenario.about.trim().len() > 30, "{topic}: `about` says too little");
        let mut names = BTreeSet::new();
        for case in &scenario.cases {
            let name = &case.name;
            assert!(names.insert(name), "{topic}: two cases are called {name:?}");
            assert!(case.expects_something(), "{topic}: {name:?} expects nothing of the answer");
            assert_eq!(
                case.columns.is_empty(),
                case.rows.is_none(),
                "{topic}: {name:?}: columns go with rows"
            );
            let widths = case.rows.iter().flatten().all(|row| row.len() == case.columns.len());
            assert!(widths, "{topic}: {name:?}: every row has as many values as there are columns");
            assert!(case.query.iter().all(|pair| pair.contains('=')), "{topic}: {name:?}: `name=value`");
            assert!(case.query.is_empty() || case.raw_query.is_none(), "{topic}: {name:?} has two queries");
            self.data_type_of(case);
        }
    }

    /// Makes the data sets of the file, with their records.
    pub(crate) fn create_data_sets(&self, stack: &Stack) {
        for (data_type, data_set) in &self.scenario.data_sets {
            let mut settings = json!({"schema": null});
            for (name, value) in &data_set.settings {
                settings[name] = value.clone();
            }
            stack.create_data_set_with(&self.topic, data_type, &settings);
            self.post(stack, data_type, &data_set.records);
        }
    }

    /// Writes records and waits until they are stored.
    pub(crate) fn post(&self, stack: &Stack, data_type: &str, records: &[Value]) {
        if !records.is_empty() {
            let writer = stack.writer().with_token(&format!("token-for-{data_type}"));
            let answer = writer.post(&self.path(data_type), &Value::from(records));
            assert_eq!(answer.status, 200, "{}: {}", self.topic, answer.text);
        }
    }

    /// Where a data set of the file is asked.
    pub(crate) fn path(&self, data_type: &str) -> String {
        format!("/data/{}/{data_type}", self.topic)
    }

    /// Which data set a case is about.
    pub(crate) fn data_type_of<'s>(&'s self, case: &'s Case) -> &'s str {
        let data_sets = &self.scenario.data_sets;
        match &case.of {
            Some(data_type) => {
                let is_there = data_sets.contains_key(data_type);
                assert!(is_there, "{}: {:?} is of an unknown data set", self.topic, case.name);
                data_type
            }
            None => {
                let only = data_sets.keys().next().filter(|_| data_sets.len() == 1);
                only.unwrap_or_else(|| panic!("{}: {:?} must say `of` which data set", self.topic, case.name))
            }
        }
    }
}

impl Case {
    fn expects_something(&self) -> bool {
        self.status != 200
            || self.data.is_some()
            || self.rows.is_some()
            || self.ids.is_some()
            || self.count.is_some()
            || self.pages.is_some()
            || self.body.is_some()
            || self.csv.is_some()
            || self.ndjson.is_some()
            || self.warning.is_some()
            || !self.headers.is_empty()
    }
}
