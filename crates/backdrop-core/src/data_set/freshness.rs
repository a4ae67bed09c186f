//! Whether a data set has the news that is expected of it.

use super::DataSetName;
use crate::time::Timestamp;

/// What the freshness of a data set is judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Freshness {
    /// The data set.
    pub name: DataSetName,
    /// After how many seconds without news it counts as stale. 0 and less: it is not watched.
    pub max_age_expected: i64,
    /// When it was made, by which it is judged as long as it has no records.
    pub created_at: Timestamp,
    /// The newest time of a record it holds.
    pub last_updated: Option<Timestamp>,
}

impl Freshness {
    /// By how many whole seconds its newest record is older than expected; `None` if it is not.
    pub fn seconds_out_of_date(&self, now: Timestamp) -> Option<i64> {
        let age = now - self.last_updated.unwrap_or(self.created_at);
        // In microseconds, so that a moment counts; no age comes near what 64 bits hold of them.
        let expected = self.max_age_expected.saturating_mul(1_000_000);
        let beyond = age.num_microseconds().unwrap_or(i64::MAX).saturating_sub(expected);
        (self.max_age_expected > 0 && beyond > 0).then_some(beyond / 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse;

    fn seconds(max_age_expected: i64, last_updated: Option<&str>, now: &str) -> Option<i64> {
        let freshness = Freshness {
            name: DataSetName::parse("a_data_set").expect("a name"),
            max_age_expected,
            created_at: parse("2020-01-01T00:00:00Z").expect("a time"),
            last_updated: last_updated.map(|time| parse(time).expect("a time")),
        };
        freshness.seconds_out_of_date(parse(now).expect("a time"))
    }

    #[test]
    fn a_data_set_is_stale_when_its_newest_record_is_older_than_expected() {
        let newest = Some("2013-03-11T00:00:00Z");
        assert_eq!(seconds(60, newest, "2013-03-11T00:01:00Z"), None);
        assert_eq!(seconds(60, newest, "2013-03-11T00:01:00.000001Z"), Some(0));
        assert_eq!(seconds(60, newest, "2013-03-12T00:01:00Z"), Some(86_400));
        assert_eq!(seconds(60, Some("9999-12-31T23:59:59Z"), "2013-03-11T00:00:00Z"), None);
        assert_eq!(seconds(60, Some("0001-01-01T00:00:00Z"), "9999-12-31T00:01:00Z"), Some(315_537_811_200));
        assert_eq!(seconds(i64::MAX, Some("0001-01-01T00:00:00Z"), "9999-12-31T00:00:00Z"), None);
    }

    #[test]
    fn without_records_it_is_judged_by_when_it_was_made() {
        assert_eq!(seconds(86_400, None, "2020-01-02T00:00:00Z"), None);
        assert_eq!(seconds(86_400, None, "2020-01-03T00:00:00Z"), Some(86_400));
    }

    #[test]
    fn some_are_not_watched() {
        assert_eq!(seconds(0, None, "2021-01-01T00:00:00Z"), None);
        assert_eq!(seconds(-5, None, "2021-01-01T00:00:00Z"), None);
    }
}
