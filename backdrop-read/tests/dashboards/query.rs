//! A query of a dashboard, with what a dashboard adds to it before it is sent.

use backdrop_core::time::{self, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// The first Monday after 1 January 1970, in seconds.
const FIRST_MONDAY: u64 = 4 * 86_400;
/// A week in seconds.
const WEEK: u64 = 7 * 86_400;

/// The parameters that may be given more than once, as lists.
type Values = Vec<String>;

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DashboardQuery {
    dashboard: String,
    slug: String,
    module: String,
    group: String,
    #[serde(rename = "type")]
    data_type: String,
    query: Map<String, Value>,
}

impl DashboardQuery {
    /// Where on which dashboard it is drawn.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.dashboard, self.slug)
    }

    /// The group and the type of the data set it asks.
    ///
    /// Three queries name types with an underscore, for which neither GOV.UK's register of data sets had a
    /// place nor has ours; they are asked of the types with a hyphen.
    pub(crate) fn data_set(&self) -> (String, String) {
        (self.group.clone(), self.data_type.replace('_', "-"))
    }

    /// The values of a parameter as the file has them: one or a list.
    pub(crate) fn values(&self, name: &str) -> Values {
        match self.query.get(name) {
            None => Vec::new(),
            Some(Value::Array(values)) => values.iter().map(text).collect(),
            Some(value) => vec![text(value)],
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.query.get(name).map(text)
    }

    /// What is collected, with what modules of some types add.
    pub(crate) fn collect(&self) -> Values {
        let added: &[&str] = match self.module.as_str() {
            "availability" => &["downtime:sum", "uptime:sum", "unmonitored:sum", "avgresponse:mean"],
            "user_satisfaction_graph" => {
                &["rating_1:sum", "rating_2:sum", "rating_3:sum", "rating_4:sum", "rating_5:sum", "total:sum"]
            }
            _ => &[],
        };
        self.values("collect").into_iter().chain(added.iter().map(ToString::to_string)).collect()
    }

    /// The address a dashboard asks now.
    pub(crate) fn url(&self, now: Timestamp) -> String {
        let (group, data_type) = self.data_set();
        let pairs: Vec<String> = self
            .parameters(now)
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace('%', "%25").replace('+', "%2B")))
            .collect();
        format!("/data/{group}/{data_type}?{}", pairs.join("&"))
    }

    /// The parameters, with the range completed: a start goes up to now, both ends make a duration
    /// superfluous, and a period without them has the duration of its kind.
    fn parameters(&self, now: Timestamp) -> Vec<(&str, String)> {
        let mut all = Vec::new();
        if !matches!(self.module.as_str(), "grouped_timeseries" | "applications" | "headline_figure") {
            all.push(("flatten", "true".to_owned()));
        }
        for name in ["filter_by", "group_by"] {
            all.extend(self.values(name).into_iter().map(|value| (name, value)));
        }
        all.extend(self.collect().into_iter().map(|value| ("collect", value)));
        for name in ["sort_by", "limit", "period"] {
            all.extend(self.value(name).map(|value| (name, value)));
        }
        all.extend(self.range(now));
        all
    }

    fn range(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let instant = |at: Timestamp| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let period = self.value("period");
        if self.module == "journey" && period.is_none() {
            let since_monday = (now.timestamp().cast_unsigned() - FIRST_MONDAY) % WEEK;
            let monday = now - Duration::from_secs(since_monday);
            let last_monday = monday - Duration::from_secs(WEEK);
            return vec![("start_at", instant(last_monday)), ("end_at", instant(monday))];
        }
        let start_at = self.value("start_at");
        let end_at = self.value("end_at").or_else(|| start_at.is_some().then(|| instant(now)));
        let duration = match (&period, &start_at) {
            (Some(period), None) => self.value("duration").or_else(|| Some(default_duration(period).into())),
            _ => None,
        };
        let pairs = [("start_at", start_at), ("end_at", end_at), ("duration", duration)];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// When the range it is about ends, and how long its periods are, roughly, in seconds.
    pub(crate) fn end_and_step(&self, now: Timestamp) -> (Timestamp, u64) {
        let end = self.value("end_at").map_or(now, |text| time::parse(&text).expect("a time"));
        let step = match self.value("period").as_deref() {
            Some("hour") => 3_600,
            Some("week") => WEEK,
            Some("month") => 31 * 86_400,
            Some("quarter") => 92 * 86_400,
            None if self.module == "journey" => WEEK,
            _ => 86_400,
        };
        (end, step)
    }
}

/// How many periods a dashboard shows if it is not told.
fn default_duration(period: &str) -> &'static str {
    match period {
        "hour" => "24",
        "day" => "30",
        "week" => "9",
        "month" => "12",
        "quarter" => "24",
        other => panic!("no dashboard has the period {other}"),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
