//! Goldens of the query service: the scenarios in the YAML files of this folder, asked over HTTP.
//!
//! Each file is about one topic of `docs/http-api.md`, and its expected answers were worked out by hand
//! from there. They are the contract in examples: if one fails, it is the service that is wrong, unless
//! the contract changes. How a file is written stands in `file.rs`. All files are asked of one stack, each
//! of data sets of its own, and every case that fails is reported, not just the first.

mod ask;
mod difference;
mod file;
mod judge;

use ask::Asking;
use backdrop_testing::Stack;
use file::ScenarioFile;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_is_answered_as_the_contract_has_it() {
    let files = file::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios"));
    let stack = Stack::start().await.expect("a stack");
    let (mut asked, mut failures) = (0, Vec::new());
    for file in &files {
        let failed = failures.len();
        file.create_data_sets(&stack);
        let mut asking = Asking::of(&stack, file);
        for case in &file.scenario.cases {
            let complaints = asking.complaints(case);
            if !complaints.is_empty() {
                failures.push(report(file, &case.name, &complaints));
            }
        }
        let count = file.scenario.cases.len();
        println!("{:28} {count:3} cases, {} failed", file.topic, failures.len() - failed);
        asked += count;
    }
    println!("{asked} cases of {} files", files.len());
    // Before the panic, which would print the logs of its services: what they say is in the answers.
    drop(stack);
    assert!(failures.is_empty(), "{} of {asked} cases failed:\n\n{}", failures.len(), failures.join("\n"));
}

fn report(file: &ScenarioFile, case: &str, complaints: &[String]) -> String {
    let lines: String = complaints.iter().map(|complaint| format!("    {complaint}\n")).collect();
    format!("{}.yaml: {case}\n{lines}", file.topic)
}
