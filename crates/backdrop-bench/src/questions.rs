//! The seven questions of a dashboard, each in many variants that ask for equally much.

use crate::records::{END, START, region, time_text};

const DAY_SECONDS: i64 = 86_400;
/// By how much the window of one variant is moved against that of the one before: no round number, so that windows
/// begin anywhere in a day.
const STEP_SECONDS: i64 = 7 * 3_600 + 13;

/// By how much the windows over two years begin later at most: so many variants have all but a hundredth of the
/// records.
const WHOLE_SECONDS: i64 = 7 * DAY_SECONDS;

/// One of the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Monthly sum over two years.
    Q1,
    /// Weekly sum and mean by channel over two years.
    Q2,
    /// The ten services with the greatest sum over 90 days.
    Q3,
    /// Daily counts of one region over 30 days.
    Q4,
    /// The latest 100 records.
    Q5,
    /// Hourly sum over seven days.
    Q6,
    /// The set of services by month over two years.
    Q7,
}

/// From when to when a variant asks, in seconds since 1970; the end does not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first second.
    pub start: i64,
    /// The first second after it.
    pub end: i64,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Q1, Self::Q2, Self::Q3, Self::Q4, Self::Q5, Self::Q6, Self::Q7];

    /// Its name and what it asks.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Q1 => "Q1 monthly sum",
            Self::Q2 => "Q2 weekly sum and mean by channel",
            Self::Q3 => "Q3 top 10 services, 90 days",
            Self::Q4 => "Q4 daily counts of a region, 30 days",
            Self::Q5 => "Q5 latest 100 records",
            Self::Q6 => "Q6 hourly sum, 7 days",
            Self::Q7 => "Q7 services by month",
        }
    }

    /// The window of a variant. Those over two years begin a little later from variant to variant, so that each is a
    /// range of its own with nearly all records; the others move through the two years.
    pub fn window(self, variant: u64) -> Window {
        let variant = i64::try_from(variant).unwrap_or(0);
        let whole = || Window { start: START + variant % WHOLE_SECONDS, end: END };
        let days = |days: i64| {
            let start = START + (variant * STEP_SECONDS) % (END - START - days * DAY_SECONDS);
            Window { start, end: start + days * DAY_SECONDS }
        };
        match self {
            Self::Q1 | Self::Q2 | Self::Q7 => whole(),
            Self::Q3 => days(90),
            Self::Q4 => days(30),
            Self::Q5 => Window { start: START, end: END - variant % WHOLE_SECONDS },
            Self::Q6 => days(7),
        }
    }

    /// The region of which a variant asks, if it asks of one.
    pub fn region(self, variant: u64) -> Option<String> {
        (self == Self::Q4).then(|| region(variant))
    }

    /// The parameters of a variant; none needs to be encoded.
    pub fn parameters(self, variant: u64) -> Vec<(String, String)> {
        let Window { start, end } = self.window(variant);
        let region = self.region(variant).map(|region| format!("region:{region}"));
        let asked: &[(&str, &str)] = match self {
            Self::Q1 => &[("period", "month"), ("collect", "count:sum")],
            Self::Q2 => &[
                ("period", "week"),
                ("group_by", "channel"),
                ("collect", "count:sum"),
                ("collect", "duration_ms:mean"),
            ],
            Self::Q3 => &[
                ("group_by", "service"),
                ("collect", "count:sum"),
                ("sort_by", "count:sum:descending"),
                ("limit", "10"),
            ],
            Self::Q4 => &[("period", "day"), ("filter_by", region.as_deref().unwrap_or_default())],
            Self::Q5 => &[("sort_by", "_timestamp:descending"), ("limit", "100")],
            Self::Q6 => &[("period", "hour"), ("collect", "count:sum")],
            Self::Q7 => &[("period", "month"), ("collect", "service:set")],
        };
        let (start, end) = (time_text(start), time_text(end));
        let ends = [("start_at", start.as_str()), ("end_at", end.as_str())];
        let all = asked.iter().chain(&ends);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// A variant as a query of a data set's records.
    pub fn path(self, data_type: &str, variant: u64) -> String {
        let parameters = self.parameters(variant);
        let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("/data/bench/{data_type}?{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variant_asks_something_else_than_the_one_before() {
        for question in Question::ALL {
            for variant in 0..5_000 {
                let path = |variant| question.path("big", variant);
                assert_ne!(path(variant), path(variant + 1));
                let window = question.window(variant);
                assert!(START <= window.start && window.start < window.end && window.end <= END);
            }
        }
    }
}
