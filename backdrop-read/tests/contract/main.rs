//! The read contract, proven: queries made at random over records made at random are answered by the service as
//! by the reference, an obvious implementation of `docs/http-api.md`.
//!
//! Each query is asked of both engines: of Postgres, and of frames. These must also agree to the last digit.
//!
//! The seed of a run is printed; `BACKDROP_TEST_SEED` repeats it.

mod census;
mod changing;
mod difference;
mod generated;
mod judgement;
mod reference;
mod service;
mod shrinking;

use census::Census;
use generated::Draw;
use judgement::{Asked, same};
use serde_json::Value;
use service::{Engine, Service};
use shrinking::{Failure, shrunk};
use std::hash::{BuildHasher, RandomState};

/// How many data sets, and how many queries over each: at least 2,000 cases.
const DATA_SETS: u64 = 60;
const QUERIES: usize = 45;
/// How many failures are shrunk and shown before it ends.
const FAILURES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_that_of_the_reference() {
    let seed = seed();
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

/// The seed that is given, or else one made at random.
fn seed() -> u64 {
    let given = std::env::var("BACKDROP_TEST_SEED").ok();
    let seed = given.map_or_else(|| RandomState::new().hash_one(()), |seed| seed.parse().expect("a number"));
    println!("{}", show_seed(seed));
    seed
}

fn show_seed(seed: u64) -> String {
    format!("BACKDROP_TEST_SEED={seed}")
}

/// Stores records and asks queries over them; the first that is answered wrongly.
fn try_data_set(
    service: &Service,
    draw: &mut Draw,
    records: Vec<Value>,
    census: &mut Census,
) -> Result<(), Box<Failure>> {
    let data_set = service.store(&records);
    let engines = service.engines();
    for _ in 0..QUERIES {
        let query = generated::query(draw, &data_set.records);
        let judged = |engine| Asked::ask(service, engine, &data_set, &query).judged(&data_set);
        let answers = Engine::ALL.map(judged);
        let got = match answers {
            [Ok(records), Ok(frames)] => same(&query, &records, &frames).map(|()| frames),
            [Err(disagreement), _] | [_, Err(disagreement)] => Err(disagreement),
        };
        match got {
            Ok(got) => census.count(&query, &got),
            Err(disagreement) => return Err(Box::new(Failure { records, disagreement })),
        }
    }
    census.count_engines(service.engines().since(engines));
    Ok(())
}

fn show(service: &Service, seed: u64, failure: Failure) {
    println!("\nBACKDROP_TEST_SEED={seed}: the service and the reference disagree\n{}", failure.disagreement);
    let smallest = shrunk(service, failure);
    println!("\nsmallest:\nrecords: {}\n{}", Value::from(smallest.records), smallest.disagreement);
}
