//! Goldens of the query service: the scenarios in the YAML files of this folder, asked over HTTP.
//!
//! Each file is about one topic of `docs/http-api.md`, and its expected answers were worked out by hand
//! from there. They are the contract in examples: if one fails, it is the service that is wrong, unless
//! the contract changes. How a file is written stands in `file.rs`. All files are asked of each engine, each
//! of data sets of its own, and every case that fails is reported, not just the first.

mod ask;
mod difference;
mod file;
mod judge;

use ask::Asking;
use backdrop_testing::{Engines, Stack, StackOptions};
use file::ScenarioFile;
use std::path::Path;

/// Which engine is to answer grouped queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Records,
    Frames,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_is_answered_from_the_records_as_the_contract_has_it() {
    answer_all(Engine::Records, vec![("BACKDROP_FRAME_MEMORY".into(), "0".into())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_is_answered_by_frames_as_the_contract_has_it() {
    // Answers that are kept would be told from neither engine.
    let engines = answer_all(Engine::Frames, vec![("BACKDROP_CACHE_MEMORY".into(), "0".into())]).await;
    assert!(engines.share() >= 90.0 && engines.frame > engines.unfit, "{engines:?}");
}

async fn answer_all(engine: Engine, environment: Vec<(String, String)>) -> Engines {
    let files = file::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios"));
    let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    let (mut asked, mut failures, mut engines) = (0, Vec::new(), Engines::default());
    for file in &files {
        let failed = failures.len();
        file.create_data_sets(&stack);
        let mut asking = Asking::of(&stack, file, engine);
        for case in &file.scenario.cases {
            let complaints = asking.complaints(case);
            if !complaints.is_empty() {
                failures.push(report(file, &case.name, &complaints));
            }
        }
        engines = engines + asking.engines;
        let count = file.scenario.cases.len();
        println!("{:28} {count:3} cases, {} failed", file.topic, failures.len() - failed);
        asked += count;
    }
    println!("{asked} cases of {} files; {engines:?}", files.len());
    // Before the panic, which would print the logs of its services: what they say is in the answers.
    drop(stack);
    assert!(failures.is_empty(), "{} of {asked} cases failed:\n\n{}", failures.len(), failures.join("\n"));
    engines
}

fn report(file: &ScenarioFile, case: &str, complaints: &[String]) -> String {
    let lines: String = complaints.iter().map(|complaint| format!("    {complaint}\n")).collect();
    format!("{}.yaml: {case}\n{lines}", file.topic)
}
