//! What is counted is what happened.

use super::exposition::{self, Exposition};
use super::{SOON, blocking, decided};
use backdrop_testing::{PostgresKind, Stack, StackOptions, eventually};
use serde_json::json;
use std::time::{Duration, Instant};

#[track_caller]
fn assert_tells(told: &Exposition, expected: &[(&str, f64)]) {
    for (series, value) in expected {
        assert_eq!(told.value(series), Some(*value), "{series} in {told:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_and_queries_are_counted_exactly() {
    let stack = Stack::start().await.expect("a stack");
    blocking(|| {
        stack.create_data_set("counted", "figures");
        stack.create_data_set("counted", "others");
        let writer = stack.writer().with_token("token-for-figures");
        let path = "/data/counted/figures";
        writer.post(path, &json!([{"_id": "a", "count": 1}, {"_id": "b", "count": 2}])).expect(200);
        writer.post(path, &json!({"_id": "c", "count": 3})).expect(200);
        writer.post(path, &json!([{"_id": "d"}, {"_timestamp": "never"}])).expect(400);
        writer.post("/data/counted/others", &json!([])).expect(403);
        let lenient = writer.with_header("Prefer", "handling=lenient");
        lenient.post(path, &json!([{"_id": "e"}, {"_timestamp": "never"}])).expect(200);
        let keyed = writer.with_header("Idempotency-Key", "once");
        keyed.post(path, &json!([{"_id": "f"}])).expect(200);
        keyed.post(path, &json!([{"_id": "f"}])).expect(200);
        decided(&stack, 5.0);
        let write = exposition::of(stack.write.address());
        let route = "route=\"/data/{group}/{type}\"";
        let posts = |status: u16| {
            format!("backdrop_http_requests_total{{method=\"POST\",{route},status=\"{status}\"}}")
        };
        assert_tells(
            &write,
            &[
                (&posts(200), 5.0),
                (&posts(400), 1.0),
                (&posts(403), 1.0),
                (&format!("backdrop_http_request_duration_seconds_count{{method=\"POST\",{route}}}"), 7.0),
                ("backdrop_http_requests_in_flight", 1.0),
                ("backdrop_records_accepted_total{data_set=\"counted_figures\"}", 8.0),
                ("backdrop_batches_accepted_total{data_set=\"counted_figures\"}", 5.0),
                ("backdrop_appends_total{result=\"accepted\"}", 5.0),
                ("backdrop_appends_total{result=\"repeated\"}", 1.0),
                ("backdrop_appends_total{result=\"full\"}", 0.0),
                ("backdrop_outcomes_late_total", 0.0),
                ("backdrop_build_info{service=\"backdrop-write\",version=\"0.1.0\"}", 1.0),
                ("backdrop_database_connections_max", 10.0),
            ],
        );
        assert!(write.value("backdrop_configuration_cache_hits_total{result=\"hit\"}") >= Some(7.0));
        let worker = exposition::of(stack.workers[0].address());
        assert_tells(
            &worker,
            &[
                ("backdrop_records_stored_total{data_set=\"counted_figures\"}", 5.0),
                ("backdrop_records_rejected_total{data_set=\"counted_figures\"}", 3.0),
                ("backdrop_batches_total{outcome=\"stored\"}", 4.0),
                ("backdrop_batches_total{outcome=\"rejected\"}", 1.0),
                ("backdrop_batches_total{outcome=\"repeated\"}", 0.0),
                ("backdrop_ingest_lag_seconds_count", 5.0),
                ("backdrop_run_records_sum", 5.0),
                ("backdrop_log_gaps_total", 0.0),
                ("backdrop_log_gap_entries_total", 0.0),
            ],
        );
        let partitions = worker.beginning("backdrop_partition_attempts{").collect::<Vec<_>>();
        assert!(partitions.len() == 16 && partitions.iter().all(|(_, attempts)| *attempts == 0.0));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_service_counts_answers_and_data_sets_that_are_late() {
    let stack = Stack::start().await.expect("a stack");
    blocking(|| {
        stack.create_data_set_with("counted", "late", &json!({"schema": null, "max_age_expected": 1}));
        stack.create_data_set("counted", "never-late");
        let old = json!([{"_id": "a", "_timestamp": "2013-03-11T00:00:00Z"}]);
        stack.writer().with_token("token-for-late").post("/data/counted/late", &old).expect(200);
        let tag = stack.reader().get("/data/counted/late").expect(200);
        let knowing = stack.reader().with_header("If-None-Match", tag.header("etag").expect("a tag"));
        knowing.get("/data/counted/late").expect(304);
        stack.reader().get("/data/counted/missing").expect(404);
        stack.reader().get("/data/counted/missing/more").expect(404);
        let answer = stack.reader().send("BREW", "/data/counted/late", Vec::new()).expect("an answer");
        assert_eq!(answer.status, 405);
        let read = exposition::of(stack.read.address());
        let requests = |method, route, status| {
            read.value(&format!(
                "backdrop_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"
            ))
        };
        assert_eq!(requests("GET", "/data/{group}/{type}", 200), Some(1.0));
        assert_eq!(requests("GET", "/data/{group}/{type}", 304), Some(1.0));
        assert_eq!(requests("GET", "/data/{group}/{type}", 404), Some(1.0));
        assert_eq!(requests("GET", "unmatched", 404), Some(1.0));
        assert_eq!(requests("other", "/data/{group}/{type}", 405), Some(1.0));
        assert_tells(&read, &[("backdrop_not_modified_total", 1.0), ("backdrop_data_sets_stale", 1.0)]);
        stack.reader().with_header("Accept", "text/plain").get("/metrics").expect(200);
        let answer = stack.reader().send("POST", "/metrics", b"{}".to_vec()).expect("an answer");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_told_while_postgres_and_redis_hang() {
    let options = StackOptions { postgres: PostgresKind::Own, workers: 1, ..StackOptions::default() };
    let mut stack = Stack::start_with(options).await.expect("a stack");
    blocking(|| {
        let processes = [stack.read.address(), stack.write.address(), stack.workers[0].address()];
        assert!(exposition::of(stack.read.address()).value("backdrop_data_sets_stale").is_some());
        stack.freeze_redis();
        stack.postgres.as_mut().expect("a Postgres of its own").server().kill().expect("killed");
        eventually("what the store would have to tell is absent", SOON, || {
            let told = processes.map(|address| {
                let began = Instant::now();
                let told = exposition::of(address);
                assert!(began.elapsed() < Duration::from_secs(2), "{address} took {:?}", began.elapsed());
                told
            });
            let [read, write, worker] = told;
            assert!(write.value("backdrop_database_connections_max").is_some());
            read.value("backdrop_data_sets_stale").is_none()
                && worker.value("backdrop_log_gaps_total").is_none()
        });
        eventually("the partitions are seen to age, and why", SOON, || {
            let worker = exposition::of(stack.workers[0].address());
            let is_failing = worker.beginning("backdrop_visit_failures_total{").any(|(_, count)| count > 0.0);
            is_failing && worker.beginning("backdrop_cursor_age_seconds{").any(|(_, age)| age > 1.0)
        });
        stack.thaw_redis();
        stack.postgres.as_mut().expect("a Postgres of its own").server().restart().expect("started again");
        eventually("all is told again", SOON, || {
            let worker = exposition::of(stack.workers[0].address());
            worker.value("backdrop_log_gaps_total") == Some(0.0)
                && worker.beginning("backdrop_cursor_age_seconds{").all(|(_, age)| age == 0.0)
        });
    });
}
