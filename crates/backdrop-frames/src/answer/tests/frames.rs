//! Records, and frames made of them in any layout there is.

use crate::bitmap::Bitmap;
use crate::column::{Codes, Mantissas, Values};
use crate::{Frame, FrameBuilder, RowRef};
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

/// The frame of some records: late ones that do not extend the base go to the tail.
pub(super) fn frame(records: &[Record], layout: Layout) -> Frame {
    let ids: Vec<String> = (0..records.len()).map(|index| index.to_string()).collect();
    let mut builder = FrameBuilder::new(names(), [1, 2], usize::MAX);
    let of = |is_of_base: bool| {
        ids.iter().zip(records).filter(move |(_, record)| record.place.is_of_base() == is_of_base)
    };
    for (id, record) in of(true) {
        let values: Vec<Option<&str>> = record.values.iter().map(Option::as_deref).collect();
        builder.push(RowRef { id, time: record.time, values: &values }).expect("room");
    }
    let mut frame = builder.build().expect("no two hashes are the same");
    for (id, record) in of(false) {
        let values: Vec<Option<&str>> = record.values.iter().map(Option::as_deref).collect();
        frame.upsert(RowRef { id, time: record.time, values: &values }).expect("room");
    }
    for (id, _) in ids.iter().zip(records).filter(|(_, record)| !record.place.is_live()) {
        frame.delete(id);
    }
    frame.base.columns.iter_mut().for_each(|values| widen(values, layout.base, layout.all_bitmaps));
    frame.tail.columns.iter_mut().for_each(|values| widen(values, layout.tail, layout.all_bitmaps));
    frame
}

/// Makes the values of a run wider than they need be, which they may become by rows that are gone.
fn widen(values: &mut Values, width: usize, all_bitmaps: bool) {
    match values {
        Values::None => {}
        Values::Codes(codes) => {
            let all: Vec<u32> = (0..codes.len()).map(|row| codes.get(row)).collect();
            match width {
                0 => {}
                1 => *codes = Codes::Medium(all.into_iter().map(|code| code as u16).collect()),
                _ => *codes = Codes::Wide(all),
            }
        }
        Values::Numbers(numbers) => {
            let rows = numbers.mantissas.len();
            if width == 2 {
                let all = (0..rows).map(|row| numbers.mantissas.get(row)).collect();
                numbers.mantissas = Mantissas::Wide(all);
            }
            if all_bitmaps {
                let present = numbers.present.get_or_insert_with(|| Bitmap::all_ones(rows)).clone();
                numbers.whole.get_or_insert(present);
            }
        }
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
