//! Records, and frames made of them in any layout there is.

use crate::bitmap::Bitmap;
use crate::column::{Codes, Dictionary, Kind, Mantissas, Numbers, Values};
use crate::frame::{Field, Frame, Run};
use backdrop_core::query::{Answer, FieldName, Query};
use proptest::prelude::*;

/// The fields of all records.
pub(super) const FIELDS: [&str; 8] =
    ["kind", "region", "paid", "count", "price", "level", "great", "nothing"];

/// A record, in the place that it has in a frame.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) time: i64,
    /// JSON texts, in the order of the fields.
    pub(super) values: Vec<Option<String>>,
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Base,
    Tail,
    GoneFromBase,
    GoneFromTail,
}

impl Place {
    pub(super) fn is_live(self) -> bool {
        matches!(self, Self::Base | Self::Tail)
    }

    fn is_of_base(self) -> bool {
        matches!(self, Self::Base | Self::GoneFromBase)
    }
}

/// How wide the columns of each run are, from 0 to 2, and whether bitmaps are there without need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layout {
    base: usize,
    tail: usize,
    all_bitmaps: bool,
}

pub(super) fn any_layout() -> impl Strategy<Value = Layout> {
    (0..3_usize, 0..3_usize, any::<bool>()).prop_map(|(base, tail, all_bitmaps)| Layout {
        base,
        tail,
        all_bitmaps,
    })
}

/// 2024-01-01, in microseconds.
const BEGIN: i64 = 1_704_067_200_000_000;

pub(super) fn any_records() -> impl Strategy<Value = Vec<Record>> {
    let one_of = |texts: &[&str]| {
        let texts: Vec<Option<String>> = texts.iter().map(|text| Some((*text).to_owned())).collect();
        prop_oneof![8 => prop::sample::select(texts), 1 => Just(None), 1 => Just(Some("null".to_owned()))]
    };
    let values = (
        one_of(&["\"a\"", "\"b\"", "\"é\"", "\"7\"", "\"true\"", "\"\"", "\"ab\""]),
        one_of(&["\"north\"", "\"south\"", "\"east\""]),
        one_of(&["true", "false"]),
        one_of(&["0", "7", "-3", "12", "100"]),
        one_of(&["0", "0.0", "7", "7.0", "7.00", "-1.5", "2.25", "-3", "0.1", "0.2", "12.125"]),
        one_of(&["1000000", "-1000000", "5.5", "0", "1000000.0", "700"]),
        one_of(&["9223372036854775807", "-9223372036854775807", "9007199254740993", "0", "1"]),
        prop_oneof![Just(None), Just(Some("null".to_owned()))],
    );
    let place = prop_oneof![
        6 => Just(Place::Base),
        2 => Just(Place::Tail),
        1 => Just(Place::GoneFromBase),
        1 => Just(Place::GoneFromTail),
    ];
    // Hours, and besides whatever lies between: ends of ranges should be met exactly.
    let time = prop_oneof![
        (0..60 * 24_i64).prop_map(|hours| BEGIN + hours * 3_600_000_000),
        (0..60 * 86_400_000_000_i64).prop_map(|micros| BEGIN + micros),
    ];
    let record = (time, values, place).prop_map(|(time, values, place)| {
        let (kind, region, paid, count, price, level, great, nothing) = values;
        Record { time, values: vec![kind, region, paid, count, price, level, great, nothing], place }
    });
    prop::collection::vec(record, 0..80)
}

/// The frame of some records.
pub(super) fn frame(records: &[Record], layout: Layout) -> Frame {
    let names = names();
    let kinds: Vec<Kind> = (0..FIELDS.len()).map(|field| kind(records, field)).collect();
    let mut base: Vec<&Record> = records.iter().filter(|record| record.place.is_of_base()).collect();
    base.sort_by_key(|record| record.time);
    let tail: Vec<&Record> = records.iter().filter(|record| !record.place.is_of_base()).collect();
    let mut tail_order: Vec<u32> = (0..tail.len() as u32).collect();
    tail_order.sort_by_key(|row| tail[*row as usize].time);
    Frame {
        base: run(&base, &kinds, layout.base, layout.all_bitmaps),
        tail: run(&tail, &kinds, layout.tail, layout.all_bitmaps),
        fields: names.into_iter().zip(kinds).map(|(name, kind)| Field { name, kind }).collect(),
        tail_order,
    }
}

/// Only queries make names of fields.
fn names() -> Vec<FieldName> {
    let pairs: Vec<(String, String)> =
        FIELDS.iter().map(|field| ("group_by".to_owned(), (*field).to_owned())).collect();
    let now = backdrop_core::time::parse("2024-01-01").expect("a time");
    match Query::parse(&pairs, now).expect("a query").answer() {
        Answer::Groups(grouping) => grouping.keys().to_vec(),
        Answer::Rows(_) => Vec::new(),
    }
}

/// The JSON text of a value that is there and not null.
fn texts<'r>(records: &[&'r Record], field: usize) -> Vec<Option<&'r str>> {
    let text = |record: &&'r Record| record.values[field].as_deref().filter(|text| *text != "null");
    records.iter().map(text).collect()
}

fn kind(records: &[Record], field: usize) -> Kind {
    let records: Vec<&Record> = records.iter().collect();
    let texts: Vec<&str> = texts(&records, field).into_iter().flatten().collect();
    match texts.first().map(|text| text.as_bytes()[0]) {
        None => Kind::Empty,
        Some(b't' | b'f') => Kind::Booleans,
        Some(b'"') => {
            let mut dictionary = Dictionary::default();
            let known: std::collections::HashSet<&str> = texts.into_iter().collect();
            dictionary.texts = known.into_iter().map(|text| text.trim_matches('"').into()).collect();
            Kind::Texts(dictionary)
        }
        Some(_) => Kind::Numbers { scale: texts.iter().map(|text| places(text)).max().unwrap_or(0) as u8 },
    }
}

fn places(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

fn run(records: &[&Record], kinds: &[Kind], width: usize, all_bitmaps: bool) -> Run {
    let mut gone = Bitmap::default();
    records.iter().for_each(|record| gone.push(!record.place.is_live()));
    let values = |(field, kind): (usize, &Kind)| match kind {
        Kind::Empty | Kind::Unfit => Values::None,
        Kind::Numbers { scale } => {
            Values::Numbers(numbers(&texts(records, field), *scale, width, all_bitmaps))
        }
        Kind::Booleans | Kind::Texts(_) => Values::Codes(codes(&texts(records, field), kind, width)),
    };
    Run {
        times: records.iter().map(|record| record.time).collect(),
        gone,
        hashes: vec![0; records.len()],
        columns: kinds.iter().enumerate().map(values).collect(),
    }
}

fn codes(texts: &[Option<&str>], kind: &Kind, width: usize) -> Codes {
    let places: std::collections::HashMap<&str, usize> = match kind {
        Kind::Texts(dictionary) => {
            dictionary.texts.iter().enumerate().map(|(place, text)| (&**text, place)).collect()
        }
        _ => [("false", 0), ("true", 1)].into_iter().collect(),
    };
    let code = |text: &Option<&str>| text.map_or(0, |text| places[text.trim_matches('"')] as u32 + 1);
    let codes = texts.iter().map(code);
    match width {
        0 if places.len() < 256 => Codes::Narrow(codes.map(|code| code as u8).collect()),
        0 | 1 => Codes::Medium(codes.map(|code| code as u16).collect()),
        _ => Codes::Wide(codes.collect()),
    }
}

fn numbers(texts: &[Option<&str>], scale: u8, width: usize, all_bitmaps: bool) -> Numbers {
    let mantissa = |text: &Option<&str>| {
        text.map_or(0, |text| {
            let digits: i64 = text.replace('.', "").parse().expect("digits");
            digits * 10_i64.pow(u32::from(scale) - places(text) as u32)
        })
    };
    let mantissas: Vec<i64> = texts.iter().map(mantissa).collect();
    let bits = |bit: fn(&&Option<&str>) -> bool| {
        let mut bitmap = Bitmap::default();
        texts.iter().for_each(|text| bitmap.push(bit(&text)));
        bitmap
    };
    let present = bits(|text| text.is_some());
    let whole = bits(|text| text.is_some_and(|text| !text.contains('.')));
    let narrow: Result<Vec<i32>, _> = mantissas.iter().map(|mantissa| i32::try_from(*mantissa)).collect();
    Numbers {
        mantissas: match narrow {
            Ok(narrow) if width < 2 => Mantissas::Narrow(narrow),
            _ => Mantissas::Wide(mantissas),
        },
        whole: Some(whole.clone()).filter(|_| all_bitmaps || whole != present),
        present: Some(present.clone()).filter(|_| all_bitmaps || present.ones() < present.len()),
    }
}
