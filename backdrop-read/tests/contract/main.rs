//! The read contract, proven: queries made at random over records made at random are answered by the service as
//! by the reference, an obvious implementation of `docs/http-api.md`.
//!
//! The seed of a run is printed; `BACKDROP_TEST_SEED` repeats it.

mod census;
mod difference;
mod generated;
mod judgement;
mod reference;
mod service;
mod shrinking;

use census::Census;
use generated::Draw;
use judgement::Asked;
use serde_json::Value;
use service::Service;
use shrinking::{Failure, shrunk};
use std::hash::{BuildHasher, RandomState};

/// How many data sets, and how many queries over each: at least 2,000 cases.
const DATA_SETS: u64 = 60;
const QUERIES: usize = 45;
/// How many failures are shrunk and shown before it ends.
const FAILURES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_that_of_the_reference() {
    let given = std::env::var("BACKDROP_TEST_SEED").ok();
    let seed = given.map_or_else(|| RandomState::new().hash_one(()), |seed| seed.parse().expect("a number"));
    println!("BACKDROP_TEST_SEED={seed}");
    let service = Service::start().await;
    let mut census = Census::default();
    let mut failures = 0;
    for number in 0..DATA_SETS {
        let mut draw = Draw::new(seed, number);
        let records = generated::records(&mut draw, service::now());
        if let Err(failure) = try_data_set(&service, &mut draw, records, &mut census) {
            show(&service, seed, *failure);
            failures += 1;
        }
        assert!(failures < FAILURES, "{failures} failures with BACKDROP_TEST_SEED={seed}");
    }
    assert_eq!(failures, 0, "failures with BACKDROP_TEST_SEED={seed}");
    census.check(2000);
}

/// Stores records and asks queries over them; the first that is answered wrongly.
fn try_data_set(
    service: &Service,
    draw: &mut Draw,
    records: Vec<Value>,
    census: &mut Census,
) -> Result<(), Box<Failure>> {
    let data_set = service.store(&records);
    for _ in 0..QUERIES {
        let query = generated::query(draw, &data_set.records);
        match Asked::ask(service, &data_set, &query).judged(&data_set) {
            Ok(got) => census.count(&query, &got),
            Err(disagreement) => return Err(Box::new(Failure { records, disagreement })),
        }
    }
    Ok(())
}

fn show(service: &Service, seed: u64, failure: Failure) {
    println!("\nBACKDROP_TEST_SEED={seed}: the service and the reference disagree\n{}", failure.disagreement);
    let smallest = shrunk(service, failure);
    println!("\nsmallest:\nrecords: {}\n{}", Value::from(smallest.records), smallest.disagreement);
}
