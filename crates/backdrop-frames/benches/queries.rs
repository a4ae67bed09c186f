//! How long queries take over a million records of two years, beside a bare loop over the same numbers:
//! `cargo bench -p backdrop-frames`, or `-- Q2` for those that begin so. Each figure is the least of many runs, in
//! milliseconds: what else the machine does can only add to it.

use backdrop_core::query::{Answer, FieldName, Grouping, Query, Selection};
use backdrop_core::shape::Gathering;
use backdrop_core::time::{self, Timestamp};
use backdrop_frames::{Frame, FrameBuilder, RowRef};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROWS: usize = 1_000_000;
const RUNS: usize = 51;
const FIELDS: [&str; 6] = ["service", "channel", "region", "count", "duration", "device"];

const QUERIES: [(&str, &str); 15] = [
    (
        "Q1 sum by month",
        "period=month&start_at=2023-01-01T00:00:00Z&end_at=2025-01-01T00:00:00Z&collect=count:sum",
    ),
    (
        "Q2 sum and mean by week and channel",
        "period=week&start_at=2023-01-02T00:00:00Z&end_at=2024-12-30T00:00:00Z&group_by=channel&collect=count:sum&collect=count:mean",
    ),
    (
        "Q2m sum, and mean of decimals",
        "period=week&start_at=2023-01-01T00:00:07Z&end_at=2025-01-01T00:00:00Z&group_by=channel&collect=count:sum&collect=duration:mean",
    ),
    (
        "Q2f the same, of decimals",
        "period=week&start_at=2023-01-02T00:00:00Z&end_at=2024-12-30T00:00:00Z&group_by=channel&collect=duration:sum&collect=duration:mean",
    ),
    (
        "Q3 ten services by sum, 90 days",
        "start_at=2024-10-01T00:00:00Z&end_at=2024-12-30T00:00:00Z&group_by=service&collect=count:sum&sort_by=count:sum:descending&limit=10",
    ),
    (
        "Q4 one region by day, 30 days",
        "period=day&start_at=2024-11-01T00:00:00Z&end_at=2024-12-01T00:00:00Z&filter_by=region:region-3",
    ),
    (
        "Q5 median and p95 by month",
        "period=month&start_at=2023-01-01T00:00:00Z&end_at=2025-01-01T00:00:00Z&collect=duration:median&collect=duration:p95",
    ),
    (
        "Q6 sum by hour, 7 days",
        "period=hour&start_at=2024-11-04T00:00:00Z&end_at=2024-11-11T00:00:00Z&collect=count:sum",
    ),
    (
        "Q7 set of services by month",
        "period=month&start_at=2023-01-01T00:00:00Z&end_at=2025-01-01T00:00:00Z&collect=service:set",
    ),
    (
        "by hour, all of it",
        "period=hour&start_at=2023-01-01T00:00:00Z&end_at=2025-01-01T00:00:00Z&collect=count:sum",
    ),
    ("by three keys", "group_by=service&group_by=channel&group_by=region&collect=count:sum"),
    ("by four keys", "group_by=service&group_by=channel&group_by=region&group_by=device&collect=count:sum"),
    ("by a number", "group_by=count&collect=duration:sum"),
    (
        "two filters",
        "group_by=channel&filter_by=region:region-3&filter_by_comparison=count:gt:500&collect=count:sum",
    ),
    ("least and greatest by channel", "group_by=channel&collect=count:min&collect=duration:max"),
];

fn main() {
    let (frame, times, counts) = frame();
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let bare = least(|| bare_sums(&times, &counts));
    println!("{:42} {:8.3}", "a bare loop", millis(bare));
    for (name, text) in QUERIES.into_iter().filter(|(name, _)| name.starts_with(&wanted)) {
        let (selection, grouping) = query(text);
        let cells = least(|| frame.cells(&selection, &grouping).expect("an answer"));
        let found = frame.cells(&selection, &grouping).expect("an answer").len();
        let whole = least(|| answer(&frame, &selection, &grouping));
        println!(
            "{name:42} {:8.3} {:6.2} × bare, {found} cells; as JSON {:8.3}",
            millis(cells),
            cells.as_secs_f64() / bare.as_secs_f64(),
            millis(whole)
        );
    }
}

/// Answers a query as the service does.
fn answer(frame: &Frame, selection: &Selection, grouping: &Grouping) -> Vec<u8> {
    let mut gathering = Gathering::new(selection, grouping);
    while let Some((selection, grouping)) = gathering.question() {
        let cells = frame.cells(selection, grouping).expect("an answer");
        gathering.answered(cells).expect("a good query");
    }
    serde_json::to_vec(&gathering.grouped_rows().expect("few rows")).expect("JSON")
}

/// What `Q1` is at least: each number added to that of its month.
fn bare_sums(times: &[i64], counts: &[i32]) -> Vec<i64> {
    let starts: Vec<i64> = query(QUERIES[0].1)
        .1
        .periods()
        .expect("periods")
        .starts()
        .iter()
        .map(Timestamp::timestamp_micros)
        .collect();
    let mut sums = vec![0; starts.len()];
    let mut month = 0;
    for (time, count) in times.iter().zip(counts) {
        while starts.get(month + 1).is_some_and(|start| start <= time) {
            month += 1;
        }
        sums[month] += i64::from(*count);
    }
    sums
}

fn least<T>(mut run: impl FnMut() -> T) -> Duration {
    let runs = (0..RUNS).map(|_| {
        let begun = Instant::now();
        black_box(run());
        begun.elapsed()
    });
    runs.min().unwrap_or_default()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Records at even distances, with values that no order can be seen in.
fn frame() -> (Frame, Vec<i64>, Vec<i32>) {
    let start = time::parse("2023-01-01").expect("a time").timestamp_micros();
    let step = 731 * 86_400 * 1_000_000 / ROWS as i64;
    let mut builder = FrameBuilder::new(fields(), [1, 2], usize::MAX);
    let mut counts = Vec::with_capacity(ROWS);
    let mut state: u64 = 1;
    let mut random = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    for row in 0..ROWS {
        let count = random(1_000);
        let (tenths, service, channel, region) = (random(36_000), random(200), random(5), random(12));
        let texts = [
            format!("\"service-{service}\""),
            format!("\"channel-{channel}\""),
            format!("\"region-{region}\""),
            count.to_string(),
            format!("{}.{}", tenths / 10, tenths % 10),
            format!("\"device-{}\"", random(6)),
        ];
        let time = start + row as i64 * step;
        let values = texts.each_ref().map(|text| Some(text.as_str()));
        builder.push(RowRef { id: &row.to_string(), time, values: &values }).expect("room");
        counts.push(count as i32);
    }
    let times = (0..ROWS).map(|row| start + row as i64 * step).collect();
    (builder.build().expect("no two hashes are the same"), times, counts)
}

/// Only queries make names of fields.
fn fields() -> Vec<FieldName> {
    query(&FIELDS.map(|field| format!("group_by={field}")).join("&")).1.keys().to_vec()
}

fn query(text: &str) -> (Selection, Grouping) {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("a parameter");
        (name.to_owned(), value.to_owned())
    };
    let pairs: Vec<(String, String)> = text.split('&').map(pair).collect();
    let query = Query::parse(&pairs, time::parse("2025-01-01").expect("a time")).expect("a query");
    match query.answer() {
        Answer::Groups(grouping) => (query.selection().clone(), grouping.clone()),
        Answer::Rows(_) => panic!("a query of groups"),
    }
}
