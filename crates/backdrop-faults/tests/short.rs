//! Every fault, a few times: that its promise is kept. `make faults` injects them as often as it takes.

use backdrop_faults::{Moments, Scale, faults};

fn keeps_its_promise(name: &str) {
    let given = std::env::var("BACKDROP_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(Moments::new_seed);
    println!("BACKDROP_TEST_SEED={seed}");
    let fault = faults::named(name).expect("a fault of that name");
    let report = fault.try_out(Scale::Short, seed).expect("a trial");
    println!("{report:?}");
    assert!(report.broken().is_empty(), "{:#?}", report.broken());
}

/// A test for each fault, and one that none was forgotten.
macro_rules! short {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            keeps_its_promise($name);
        })*

        #[test]
        fn every_fault_has_its_test() {
            let tested = [$($name),*];
            let names: Vec<&str> = faults::ALL.iter().map(|fault| fault.name).collect();
            assert_eq!(names, tested);
        }
    };
}

short! {
    worker_killed: "worker-killed",
    worker_killed_before_commit: "worker-killed-before-commit",
    worker_frozen_before_commit: "worker-frozen-before-commit",
    worker_stopped_before_trimming: "worker-stopped-before-trimming",
    workers_compete: "workers-compete",
    worker_aborted_by_entry: "worker-aborted-by-entry",
    writer_killed: "writer-killed",
    services_terminated: "services-terminated",
    rolling_restart: "rolling-restart",
    requests_cancelled: "requests-cancelled",
    writer_clock_off: "writer-clock-off",
    redis_killed: "redis-killed",
    redis_stopped: "redis-stopped",
    redis_frozen: "redis-frozen",
    redis_answers_lost: "redis-answers-lost",
    redis_emptied: "redis-emptied",
    redis_restored: "redis-restored",
    redis_tail_cut_applied: "redis-tail-cut-applied",
    redis_tail_cut_unapplied: "redis-tail-cut-unapplied",
    redis_replica_promoted: "redis-replica-promoted",
    redis_primary_demoted: "redis-primary-demoted",
    redis_failed_back: "redis-failed-back",
    redis_file_rewritten: "redis-file-rewritten",
    redis_markers_deleted: "redis-markers-deleted",
    epoch_opening_interrupted: "epoch-opening-interrupted",
    redis_and_postgres_killed: "redis-and-postgres-killed",
    redis_out_of_memory: "redis-out-of-memory",
    backlog_full: "backlog-full",
    postgres_killed: "postgres-killed",
    postgres_stopped: "postgres-stopped",
    postgres_frozen: "postgres-frozen",
    postgres_slow: "postgres-slow",
    postgres_restored: "postgres-restored",
    postgres_failed_over: "postgres-failed-over",
    connections_cut: "connections-cut",
    connections_delayed: "connections-delayed",
    connections_half_open: "connections-half-open",
    soak: "soak",
}
