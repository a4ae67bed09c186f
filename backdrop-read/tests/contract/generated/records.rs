//! Records: few fields of few values, so that queries find some, among them whatever makes trouble.

use super::draw::Draw;
use super::times::{Scene, written};
use crate::reference::Moment;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use serde_json::{Value, json};

/// Letters of all lengths in UTF-8, what queries, CSV and SQL quote, and what looks like something else.
const TEXTS: [&str; 24] = [
    "Camden",
    "camden",
    "Zoe",
    "Été",
    "e\u{301}té",
    "été",
    "\u{ff5e}",
    "😀",
    "10",
    "9",
    "1.0",
    "true",
    "",
    "a:b",
    "a,b",
    "10% off",
    "1_0",
    "it's \"so\"",
    " a ",
    "a+b&c=d",
    "\\",
    "null",
    "2013-03-31",
    "=1+1\n",
];
/// Integers that a float cannot tell from their neighbours, and the last ones of 64 bits.
const LARGE: [i64; 5] = [1 << 53, (1 << 53) + 1, i64::MAX, i64::MAX - 1, 1_000_000_000_000_000_003];
const LARGE_NEGATIVE: [i64; 3] = [-(1 << 53) - 1, i64::MIN, i64::MIN + 1];
/// Prefixes of ids, which are not in this order.
const IDS: [&str; 6] = ["r", "Z", "z", "é", "1", "😀"];

/// The records of a data set, to be posted at once, around a place in time.
pub(crate) fn records(draw: &mut Draw, now: Moment) -> Vec<Value> {
    let scene = Scene::draw(draw, now);
    let count = if draw.chance(2) { 0 } else { draw.number(8..32) };
    let columns = columns(draw);
    let mut records: Vec<Value> = Vec::new();
    for number in 0..count {
        let mut record = json!({});
        for (field, values) in &columns {
            // Not there, or null.
            if !draw.chance(10) {
                let value = draw.one(values);
                record[*field] = if draw.chance(7) { Value::Null } else { value };
            }
        }
        add_times(draw, &scene, &mut record);
        if draw.chance(90) {
            // Now and then the id of an earlier one, which it replaces.
            let number = if draw.chance(3) { number / 2 } else { number };
            record["_id"] = format!("{}{number}", IDS[number * 5 % IDS.len()]).into();
        }
        records.push(record);
    }
    records
}

/// The fields, and of each the values it has in this data set.
fn columns(draw: &mut Draw) -> Vec<(&'static str, Vec<Value>)> {
    let text = || select(&TEXTS[..]).prop_map(Value::from).boxed();
    let boolean = || any::<bool>().prop_map(Value::from).boxed();
    let integer = || (-3..12_i64).prop_map(Value::from).boxed();
    // Quarters, so that sums are exact in any order.
    let quarter = || (-40..40_i32).prop_map(|quarters| (f64::from(quarters) / 4.0).into()).boxed();
    let number = || prop_oneof![integer(), quarter()].boxed();
    // Not both, or else what is between them depends on how it is interpolated.
    let large = if draw.chance(60) { &LARGE[..] } else { &LARGE_NEGATIVE[..] };
    let large = || select(large).prop_map(Value::from).boxed();
    let size = if draw.chance(30) { prop_oneof![integer(), large()].boxed() } else { integer() };
    let note = prop_oneof![5 => number(), 1 => text()].boxed();
    let kind = prop_oneof![3 => text(), 2 => number(), 1 => boolean(), 1 => large(), 1 => Just(json!(10))];
    [
        ("area", text()),
        ("kind", kind.boxed()),
        ("size", size),
        ("fee", number()),
        ("note", note),
        ("paid", boolean()),
    ]
    .map(|(field, values)| (field, draw.of(proptest::collection::vec(values, 2..7))))
    .to_vec()
}

fn add_times(draw: &mut Draw, scene: &Scene, record: &mut Value) {
    for (field, percent) in [("_timestamp", 90), ("_start_at", 20), ("_end_at", 5)] {
        if draw.chance(percent) {
            let time = scene.moment(draw);
            record[field] = written(draw, time).into();
        }
    }
}
