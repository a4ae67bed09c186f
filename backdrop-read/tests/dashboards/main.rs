//! The 531 queries of GOV.UK's real dashboards, asked of data sets that have the fields they ask for, with
//! the defaults that a dashboard adds. Each is answered, or refused by a rule of the contract that is listed
//! here. Frames answer as Postgres does, byte for byte. Skipped where the file is not at hand: the project does not need it.

mod query;
mod records;

use backdrop_testing::{Client, Stack, StackOptions, ask_frame};
use query::DashboardQuery;
use records::DataSets;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const QUERIES: usize = 531;
/// How many of the queries must find figures. All do, but for windows that the calendar leaves without: the
/// records are made by the day on which the test runs.
const WITH_FIGURES_MIN: usize = QUERIES * 95 / 100;

/// Which queries are refused: a part of the message, and `dashboard/slug` of the module. None is.
const REFUSED: [(&str, &str); 0] = [];

fn file() -> Option<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = top.join("shared/data/dashboard-queries.jsonl");
    file.exists().then_some(file)
}

/// Whether an answer has anything to draw: a record, or a row that counts one.
fn has_figures(answer: &Value) -> bool {
    let rows = answer["data"].as_array().expect("rows");
    rows.iter().any(|row| row.get("_count").is_none_or(|count| count != 0))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queries_of_real_dashboards_are_answered() {
    let Some(file) = file() else { return println!("skipped: the queries of the dashboards are not here") };
    let text = std::fs::read_to_string(file).expect("the file");
    let queries: Vec<DashboardQuery> =
        text.lines().map(|line| serde_json::from_str(line).expect("a query")).collect();
    assert_eq!(queries.len(), QUERIES);

    let now = backdrop_service::clock::now();
    // Answers that are kept would be told from neither engine.
    let environment = vec![("BACKDROP_CACHE_MEMORY".to_owned(), "0".to_owned())];
    let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    let frameless = stack.spawn_reader("BACKDROP_FRAME_MEMORY", "0").await.expect("a second query service");
    let data_sets = DataSets::for_queries(&queries, now);
    data_sets.create(&stack);

    let (reader, with_frames) = (Client::new(frameless.address()), stack.reader());
    let (mut grouped, mut from_frames) = (0, 0);
    let (mut answered, mut without_figures) = (0, Vec::new());
    let (mut refused, mut wrong) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for query in &queries {
        let url = query.url(now);
        let answer = reader.get(&url);
        match answer.status {
            200 => {
                answered += 1;
                grouped += usize::from(["group_by=", "period="].iter().any(|name| url.contains(name)));
                if let Some(from_frame) = ask_frame(&with_frames, &url) {
                    from_frames += 1;
                    if from_frame.text != answer.text {
                        wrong.push(format!(
                            "{url}: {} from records, {} from a frame",
                            answer.text, from_frame.text
                        ));
                    }
                }
                if !has_figures(&answer.json()) {
                    without_figures.push(query.name());
                }
            }
            400 => {
                let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
                let is_listed = |(rule, of): &(&str, &str)| message.contains(rule) && *of == query.name();
                if !REFUSED.iter().any(is_listed) {
                    wrong.push(format!("{url}: {message}"));
                }
                refused.entry(message).or_default().push(query.name());
            }
            _ => wrong.push(format!("{url}: {} {}", answer.status, answer.text)),
        }
    }
    println!("{answered} of {QUERIES} queries of {} data sets answer 200", data_sets.count());
    let with_figures = answered - without_figures.len();
    println!("{from_frames} of {grouped} that group were answered by frames");
    println!("{with_figures} of them with figures, from {} records", data_sets.record_count());
    println!("without: {}", without_figures.join(", "));
    println!("{} answer 400:", refused.values().map(Vec::len).sum::<usize>());
    for (rule, names) in &refused {
        println!("  {rule}: {}", names.join(", "));
    }
    drop(stack);
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(answered + REFUSED.len(), QUERIES);
    assert!(from_frames * 10 >= grouped * 9, "frames answered only {from_frames} of {grouped}");
    assert!(with_figures >= WITH_FIGURES_MIN, "only {with_figures} answers have figures");
}
