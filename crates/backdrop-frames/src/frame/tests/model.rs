//! What a frame should hold, kept in the plainest way.

use super::{Frame, Kind, RowRef, Values, fields};
use serde_json::Value;
use std::collections::BTreeMap;

/// A row as tests make it: a time, and the JSON texts of its fields.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) time: i64,
    pub(super) values: Vec<Option<String>>,
}

impl Record {
    /// Gives the row to a frame.
    pub(super) fn give<T>(&self, id: &str, take: impl FnOnce(RowRef<'_>) -> T) -> T {
        let values: Vec<_> = self.values.iter().map(Option::as_deref).collect();
        take(RowRef { id, time: self.time, values: &values })
    }
}

/// What a column should be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Empty,
    Booleans,
    Texts,
    Numbers(usize),
    Unfit,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) rows: BTreeMap<String, Record>,
    forms: Vec<Form>,
}

/// Mantissa and places of a number as it is written.
fn number(text: &str) -> (i128, usize) {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    (format!("{whole}{fraction}").parse().unwrap(), fraction.len())
}

fn fits(text: &str, scale: usize) -> bool {
    let (mantissa, places) = number(text);
    let factor = 10_i128.pow((scale - places) as u32);
    mantissa.checked_mul(factor).is_some_and(|mantissa| i64::try_from(mantissa).is_ok())
}

impl Model {
    pub(super) fn new(fields: usize) -> Self {
        Self { rows: BTreeMap::new(), forms: vec![Form::Empty; fields] }
    }

    pub(super) fn upsert(&mut self, id: &str, record: &Record) {
        self.rows.remove(id);
        for field in 0..self.forms.len() {
            if let Some(text) = &record.values[field].as_deref().filter(|text| *text != "null") {
                self.forms[field] = self.form_with(field, text);
            }
        }
        self.rows.insert(id.to_owned(), record.clone());
    }

    /// The form of a column after one more value.
    fn form_with(&self, field: usize, text: &str) -> Form {
        let form = match serde_json::from_str(text).unwrap() {
            Value::Bool(_) => Form::Booleans,
            Value::String(_) => Form::Texts,
            Value::Number(_) => return self.numbers_with(field, text),
            _ => Form::Unfit,
        };
        let old = self.forms[field];
        if old == Form::Empty || old == form { form } else { Form::Unfit }
    }

    fn numbers_with(&self, field: usize, text: &str) -> Form {
        let scale = match self.forms[field] {
            Form::Numbers(scale) => scale.max(number(text).1),
            Form::Empty => number(text).1,
            _ => return Form::Unfit,
        };
        let others = self.rows.values().filter_map(|record| record.values[field].as_deref());
        let mut all = others.filter(|text| *text != "null").chain([text]);
        if scale <= 18 && all.all(|text| fits(text, scale)) { Form::Numbers(scale) } else { Form::Unfit }
    }

    /// Panics unless the frame holds what it should.
    pub(super) fn check(&self, frame: &Frame) {
        check_order(frame);
        assert_eq!(frame.rows(), self.rows.len());
        for (field, form) in self.forms.iter().enumerate() {
            let found = match &frame.fields[field].kind {
                Kind::Empty => Form::Empty,
                Kind::Booleans => Form::Booleans,
                Kind::Texts(_) => Form::Texts,
                Kind::Numbers { scale } => Form::Numbers((*scale).into()),
                Kind::Unfit => Form::Unfit,
            };
            assert_eq!(found, *form, "the kind of field {field}");
            assert_eq!(frame.column(&frame.fields[field].name), Some(field));
        }
        for (id, record) in &self.rows {
            let hash = frame.bounds.hash_key.hash(id);
            let place = frame.index.find(hash, [&frame.base, &frame.tail]).expect("each id has a row");
            let run = [&frame.base, &frame.tail][place.run()];
            assert!(!run.gone.get(place.row()), "the row of {id} is live");
            assert_eq!(run.times[place.row()], record.time, "the time of {id}");
            for (field, text) in record.values.iter().enumerate() {
                let kind = &frame.fields[field].kind;
                check_value(kind, &run.columns[field], place.row(), text.as_deref().unwrap_or("null"));
            }
        }
    }
}

/// Checks what does not depend on the rows: order, lengths and forms.
fn check_order(frame: &Frame) {
    assert!(frame.base.times.is_sorted());
    let late: Vec<_> = frame.tail_order.iter().map(|row| (frame.tail.times[*row as usize], *row)).collect();
    assert!(late.is_sorted() && late.len() == frame.tail.len(), "{late:?}");
    for run in [&frame.base, &frame.tail] {
        assert_eq!([run.gone.len(), run.hashes.len()], [run.len(); 2]);
        for (field, values) in frame.fields.iter().zip(&run.columns) {
            let rows = match (&field.kind, values) {
                (Kind::Empty | Kind::Unfit, Values::None) => continue,
                (Kind::Booleans | Kind::Texts(_), Values::Codes(codes)) => codes.len(),
                (Kind::Numbers { .. }, Values::Numbers(numbers)) => {
                    let bits = [&numbers.present, &numbers.whole].into_iter().flatten();
                    bits.for_each(|bits| assert_eq!(bits.len(), run.len()));
                    numbers.mantissas.len()
                }
                unlike => panic!("the values are not of the form of the column: {unlike:?}"),
            };
            assert_eq!(rows, run.len());
        }
    }
}

fn check_value(kind: &Kind, values: &Values, row: usize, text: &str) {
    match (kind, values) {
        (Kind::Numbers { scale }, Values::Numbers(numbers)) => {
            let expected = (text != "null").then(|| {
                let (mantissa, places) = number(text);
                (mantissa * 10_i128.pow((usize::from(*scale) - places) as u32), places == 0)
            });
            let found = numbers.get(row).map(|number| (number.mantissa.into(), number.is_whole));
            assert_eq!(found, expected, "{text}");
        }
        (kind, Values::Codes(codes)) => {
            assert!((codes.get(row) as usize) < kind.codes().expect("texts and booleans have codes"));
            assert_eq!(kind.value(codes.get(row)), serde_json::from_str::<Value>(text).unwrap());
        }
        (Kind::Empty, _) => assert_eq!(text, "null"),
        _ => {}
    }
}

/// Checks what holds for a frame that was just built or merged: one run, nothing in it that no row needs.
pub(super) fn check_compact(frame: &Frame) {
    assert_eq!((frame.base.len(), frame.tail.len(), frame.tail_order.len()), (frame.rows(), 0, 0));
    assert!(!frame.wants_merge());
    for (field, values) in frame.fields.iter().zip(&frame.base.columns) {
        if let (Kind::Texts(dictionary), Values::Codes(codes)) = (&field.kind, values) {
            for code in 1..=dictionary.texts.len() as u32 {
                assert!((0..codes.len()).any(|row| codes.get(row) == code), "a row has the text {code}");
            }
        }
    }
    assert_eq!(frame.fields().cloned().collect::<Vec<_>>(), fields(&super::property::FIELDS));
}
