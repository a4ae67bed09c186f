//! Everything that is measured, for a moment: that each row has its figures, and that all engines give the same answers.
//! How fast anything is, only `make bench` can tell.

use backdrop_bench::{Durability, Options, Stage, rows, table};
use std::time::Duration;

#[test]
fn every_row_is_measured() {
    let options = Options {
        records: 10_000,
        time: Duration::from_millis(50),
        rounds: 1,
        seed: 6,
        durability: Durability::InMemory,
    };
    let mut stage = Stage::build(options).expect("a stack");
    for row in rows::ALL {
        // Where figures of answers differ, this fails.
        let lines = (row.measure)(&mut stage).unwrap_or_else(|error| panic!("{}: {error:#}", row.name));
        assert!(!lines.is_empty(), "{} has no line", row.name);
        println!("{}", table(&lines));
        for line in lines {
            let baseline = line.baseline.unwrap_or(1.0);
            assert!(line.subject > 0.0 && baseline > 0.0, "{line:?}");
            assert!(line.subject.is_finite() && baseline.is_finite(), "{line:?}");
        }
    }
}
