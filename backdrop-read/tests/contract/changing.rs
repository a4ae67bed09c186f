//! Data sets that change while they are asked: frames follow every change, and both engines answer each query as the
//! reference does over the records that are stored just then.

use crate::generated::{self, Draw};
use crate::judgement::{Asked, same};
use crate::service::{Engine, Service, now};
use crate::{seed, show_seed};
use backdrop_testing::Engines;

/// How many data sets, how often each changes, and how many queries are asked after each change.
const DATA_SETS: u64 = 10;
const CHANGES: usize = 40;
const QUERIES: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn frames_follow_every_change() {
    let seed = seed();
    let service = Service::start().await;
    let mut engines = Engines::default();
    for number in 0..DATA_SETS {
        let mut draw = Draw::new(seed, 1_000 + number);
        let mut data_set = service.store(&generated::changed_records(&mut draw, &[], now()));
        for _ in 0..CHANGES {
            let change = generated::change(&mut draw, &data_set.records, now());
            service.change(&mut data_set, &change);
            let before = service.engines();
            for _ in 0..QUERIES {
                let query = generated::query(&mut draw, &data_set.records);
                let answers = Engine::ALL
                    .map(|engine| Asked::ask(&service, engine, &data_set, &query).judged(&data_set));
                let judged = match answers {
                    [Ok(records), Ok(frames)] => same(&query, &records, &frames),
                    [Err(disagreement), _] | [_, Err(disagreement)] => Err(disagreement),
                };
                if let Err(disagreement) = judged {
                    let records: Vec<_> = data_set.records.iter().map(|record| &record.row).collect();
                    panic!("{}\nafter {change:?}\n{disagreement}\nrecords: {records:?}", show_seed(seed));
                }
            }
            engines = engines + service.engines().since(before);
        }
    }
    println!("{engines:?}: frames answered {:.1}% of what they can", engines.share());
    assert!(engines.share() >= 90.0, "{engines:?}");
    assert!(engines.frame as usize >= DATA_SETS as usize * CHANGES * QUERIES / 5, "{engines:?}");
    assert!(engines.followed as usize >= DATA_SETS as usize * CHANGES / 5, "{engines:?}");
}
