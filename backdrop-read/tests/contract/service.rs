//! The service under test: takes records, answers queries, by HTTP.

use crate::generated::Change;
use crate::reference::{Moment, Query, Record, Row, moment};
use backdrop_testing::{Answer, Client, Engines, Process, Stack, StackOptions, ask_frame};
use serde_json::{Value, json};
use std::cell::Cell;

/// A query that makes a frame hold the fields that generated records have.
const FRAME_QUERY: &str = "group_by=area&collect=kind:count&collect=size:count&collect=fee:count&collect=note:count\
                           &collect=paid:count&filter_by=_timestamp:0\
                           &filter_by=_start_at:0&filter_by=_end_at:0";

/// The stack, which makes as many data sets as are wanted.
#[derive(Debug)]
pub(crate) struct Service {
    stack: Stack,
    /// A second query service over the same store, which holds nothing in memory.
    frameless: Process,
    data_sets: Cell<usize>,
}

/// What answers grouped queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Postgres.
    Records,
    /// A data set held in memory, as far as it can.
    Frames,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Records, Self::Frames];
}

/// A data set of the service, and what it must have stored.
#[derive(Debug)]
pub(crate) struct DataSet {
    path: String,
    name: String,
    /// The records, with the time before they were posted for the ones that have none.
    pub(crate) records: Vec<Record>,
    /// The same, with the time after.
    pub(crate) records_later: Vec<Record>,
}

/// What the service answered: the rows, or with 400 why not.
pub(crate) type Got = Result<Vec<Value>, String>;

impl Service {
    pub(crate) async fn start() -> Self {
        let environment = vec![("BACKDROP_CACHE_MEMORY".to_owned(), "0".to_owned())];
        let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
        let stack = Stack::start_with(options).await.expect("a stack");
        let frameless =
            stack.spawn_reader("BACKDROP_FRAME_MEMORY", "0").await.expect("a second query service");
        Self { stack, frameless, data_sets: Cell::new(0) }
    }

    /// Stores records in a new data set, and looks at them: for the ids that they got, and when.
    pub(crate) fn store(&self, records: &[Value]) -> DataSet {
        let number = self.data_sets.get();
        self.data_sets.set(number + 1);
        let name = format!("set-{number}");
        self.stack.create_data_set("contract", &name);
        let path = format!("/data/contract/{name}");
        let writer = self.stack.writer().with_token(&format!("token-for-{name}"));
        let before = now();
        writer.post(&path, &records.into()).expect(200);
        let after = now();
        let listed = self.stack.reader().get(&path).expect(200).json()["data"].take();
        let rows = stored(records, listed.as_array().expect("a list"));
        let records = |accepted_at| rows.iter().map(|row| Record::new(row.clone(), accepted_at)).collect();
        let data_set = DataSet { path, name, records: records(before), records_later: records(after) };
        self.hold(&data_set);
        data_set
    }

    /// What its frames have answered so far.
    pub(crate) fn engines(&self) -> Engines {
        Engines::of(&self.reader(Engine::Frames))
    }

    fn reader(&self, engine: Engine) -> Client {
        match engine {
            Engine::Records => Client::new(self.frameless.address()),
            Engine::Frames => self.stack.reader(),
        }
    }

    /// Changes a data set of which all records have a `_timestamp`, and looks at what is stored then.
    pub(crate) fn change(&self, data_set: &mut DataSet, change: &Change) {
        let writer = self.stack.writer().with_token(&format!("token-for-{}", data_set.name));
        let writer = writer.with_header("Content-Type", "application/json");
        let path = &data_set.path;
        let send = |method: &str, path: &str, body: &Value| {
            writer.send(method, path, body.to_string().into_bytes()).expect("an answer").expect(200)
        };
        match change {
            Change::Store(records) => send("POST", path, &Value::from(records.clone())),
            Change::Patch(id, fields) => send("PATCH", &format!("{path}/{}", encode(id)), fields),
            Change::Delete(id) => writer.delete(&format!("{path}/{}", encode(id))).expect(200),
            Change::Empty => send("PUT", path, &json!([])),
        };
        let listed = self.reader(Engine::Records).get(path).expect(200).json()["data"].take();
        let rows = listed.as_array().expect("a list").iter().map(|row| row.as_object().expect("an object"));
        let records: Vec<Record> = rows.map(|row| Record::new(row.clone(), Moment::UNIX_EPOCH)).collect();
        (data_set.records, data_set.records_later) = (records.clone(), records);
        if matches!(change, Change::Empty) {
            // The frame is gone, and another is loaded.
            self.hold(data_set);
        }
    }

    /// Has a data set held in memory.
    fn hold(&self, data_set: &DataSet) {
        let path = format!("{}?{FRAME_QUERY}", data_set.path);
        // There is no answer from there if a field cannot be held; but then the others are.
        ask_frame(&self.reader(Engine::Frames), &path);
    }

    /// Asks for the rows of a query; if it has a `cursor`, for those of all pages.
    pub(crate) fn ask(&self, engine: Engine, data_set: &DataSet, query: &Query) -> Got {
        let reader = self.reader(engine);
        let first = format!("{}?{}", data_set.path, encoded(&query.without(&["cursor"])));
        if query.has("cursor") { all_pages(&reader, first, query) } else { rows(&reader.get(&first)) }
    }
}

/// The time now.
pub(crate) fn now() -> Moment {
    backdrop_service::clock::now()
}

fn rows(answer: &Answer) -> Got {
    if answer.status == 200 && answer.header("content-type") == Some("application/x-ndjson") {
        let row = |line: &str| serde_json::from_str(line).expect("a row");
        return Ok(answer.text.lines().map(row).collect());
    }
    let mut body = answer.json();
    match (answer.status, body["data"].take()) {
        (200, Value::Array(rows)) => Ok(rows),
        (400, _) => Err(body["message"].as_str().expect("a message").to_owned()),
        _ => panic!("{} {}", answer.status, answer.text),
    }
}

/// The rows of all pages, each of which must be full but for the last.
fn all_pages(reader: &Client, first: String, query: &Query) -> Got {
    let limit = query.number("limit").expect("a limit");
    let (mut all, mut next) = (Vec::new(), Some(first));
    while let Some(path) = next {
        let answer = reader.get(&path);
        let page = rows(&answer)?;
        next = answer.header("link").map(|link| next_page(link, &path));
        let is_full = page.len() == limit && limit > 0;
        assert!(
            page.len() <= limit && (is_full || next.is_none()),
            "{path}: {} rows, then {next:?}",
            page.len()
        );
        all.extend(page);
    }
    Ok(all)
}

/// The path and query of `<…>; rel="next"`, whatever the form of the address.
fn next_page(link: &str, path: &str) -> String {
    let (address, relation) = link.split_once('>').expect("an address");
    assert_eq!(relation.replace(' ', ""), r#";rel="next""#, "{link}");
    let address = address.trim_start_matches('<');
    let (route, _) = path.split_once('?').expect("a query");
    let (_, query) = address.split_once('?').expect("the next page has a cursor");
    format!("{route}?{query}")
}

/// A query as part of an address.
pub(crate) fn encoded(query: &Query) -> String {
    let parameter = |(name, value): &(String, String)| format!("{name}={}", encode(value));
    query.0.iter().map(parameter).collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b':' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// The rows of the records that must be stored, as far as only the service knows from its own list.
fn stored(records: &[Value], listed: &[Value]) -> Vec<Row> {
    let mut listed: Vec<Row> = listed.iter().map(|row| row.as_object().expect("an object").clone()).collect();
    let replaced = |position: usize| {
        let id = &records[position]["_id"];
        !id.is_null() && records[position + 1..].iter().any(|later| later["_id"] == *id)
    };
    let mut rows = Vec::new();
    for (_, record) in records.iter().enumerate().filter(|(position, _)| !replaced(*position)) {
        let mut row = Record::new(record.as_object().expect("an object").clone(), Moment::UNIX_EPOCH).row;
        let is_same = |listed: &Row| {
            let mut shown = listed.clone();
            let id = shown.remove("_id");
            let updated_at = shown.remove("_updated_at");
            let is_named = row.get("_id").is_none_or(|given| id.as_ref() == Some(given));
            let mut given = row.clone();
            given.remove("_id");
            let time = updated_at.and_then(|time| time.as_str().and_then(moment));
            is_named
                && time.is_some()
                && crate::difference::difference(&json!(given), &json!(shown)).is_none()
        };
        let position = listed.iter().position(is_same);
        let found = listed.remove(position.unwrap_or_else(|| panic!("not listed: {record}\nof {listed:#?}")));
        for field in ["_id", "_updated_at"] {
            row.insert(field.to_owned(), found[field].clone());
        }
        rows.push(row);
    }
    assert!(listed.is_empty(), "listed, but not stored: {listed:?}");
    rows
}
