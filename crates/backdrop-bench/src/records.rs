//! The records: figures of a service over two years, the same for the same seed.

use crate::random::mixed;
use chrono::DateTime;
use std::fmt::Write as _;

/// When the first record is from: 2024-01-01, in seconds since 1970.
pub const START: i64 = 1_704_067_200;
/// When the last one is before: two years later, 2026-01-01.
pub const END: i64 = 1_767_225_600;

const CHANNELS: [&str; 5] = ["agent", "counter", "phone", "post", "web"];
const REGIONS: u64 = 20;
const SERVICES: u64 = 200;
/// Counts are below this.
const COUNTS: u64 = 500;
/// Which of the draws of a record is its count.
const COUNT: u64 = 3;
/// Durations are below so many hundredths of a millisecond.
const DURATIONS: u64 = 10_000_000;
/// By how many places a record may come before its time: services report a little out of order.
const DISORDER: u64 = 20;

/// The records of a data set, in the order in which they are written.
#[derive(Clone, Debug)]
pub struct Records {
    /// Before the number in their ids.
    pub prefix: String,
    /// How many there are between [`START`] and [`END`]; further ones are the newest.
    pub total: u64,
    /// What they follow from.
    pub seed: u64,
}

/// The name of a region.
pub fn region(n: u64) -> String {
    format!("region-{:02}", n % REGIONS)
}

/// A moment in the form in which clients send it.
pub fn time_text(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds, 0).expect("a time of this century");
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Records {
    /// The id of a record.
    pub fn id(&self, n: u64) -> String {
        format!("{}-{n:08}", self.prefix)
    }

    /// When a record is from, in seconds since 1970.
    pub fn time(&self, n: u64) -> i64 {
        let total = self.total.max(1);
        if n >= total {
            return END - 1;
        }
        let place = n.saturating_sub(mixed(self.seed, n) % DISORDER);
        let span = (END - START).unsigned_abs();
        START + i64::try_from(u128::from(place) * u128::from(span) / u128::from(total)).unwrap_or(0)
    }

    /// How many a record counts.
    pub const fn count(&self, n: u64) -> u64 {
        mixed(self.seed ^ (COUNT << 56), n) % COUNTS
    }

    /// A record without its id, as it is stored.
    pub fn body(&self, n: u64) -> String {
        let draw = |kind: u64| mixed(self.seed ^ (kind << 56), n);
        let (hundredths, text) = (draw(4) % DURATIONS, (draw(5), draw(6), draw(7)));
        format!(
            r#"{{"_timestamp":"{}","channel":"{}","region":"{}","service":"service-{:03}","count":{},"duration_ms":{}.{:02},"note":"{:016x}{:016x}{:08x}"}}"#,
            time_text(self.time(n)),
            CHANNELS[usize::try_from(draw(0)).unwrap_or(0) % CHANNELS.len()],
            region(draw(1)),
            draw(2) % SERVICES,
            self.count(n),
            hundredths / 100,
            hundredths % 100,
            text.0,
            text.1,
            text.2 >> 32,
        )
    }

    /// Some of them as a JSON array, as they are posted.
    pub fn array(&self, numbers: std::ops::Range<u64>) -> String {
        let mut text = String::from("[");
        for n in numbers {
            let separator = if text.len() > 1 { "," } else { "" };
            let (id, body) = (self.id(n), self.body(n));
            // Writing to a string does not fail.
            let _ = write!(text, r#"{separator}{{"_id":"{id}",{}"#, &body[1..]);
        }
        text + "]"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_json_with_a_text_of_40_bytes_within_two_years() {
        let records = Records { prefix: "r".into(), total: 1_000, seed: 7 };
        let array: serde_json::Value = serde_json::from_str(&records.array(0..1_000)).expect("JSON");
        let array = array.as_array().expect("an array");
        assert_eq!(array.len(), 1_000);
        for record in array {
            assert_eq!(record["note"].as_str().expect("a text").len(), 40);
            assert!(record["duration_ms"].is_f64() && record["count"].is_u64());
        }
        assert!((0..1_000).all(|n| (START..END).contains(&records.time(n))));
        assert_eq!(array[999]["_id"], "r-00000999");
    }

    #[test]
    fn the_same_seed_makes_the_same_records() {
        let records = |seed| Records { prefix: "r".into(), total: 10, seed }.array(0..10);
        assert_eq!(records(1), records(1));
        assert_ne!(records(1), records(2));
    }
}
