use super::{COUNTS, count, counter, records, runs, wait_for_runs, with_take_up};
use serde_json::{Value, json};

const TAKE_UP: &str = "/data/cats/digital-takeup";

fn rate(id: &str, start: &str, end: &str, rate: Value) -> Value {
    let midnight = |day: &str| format!("{day}T00:00:00+00:00");
    json!({"_id": id, "_timestamp": midnight(start), "_start_at": midnight(start), "_end_at": midnight(end),
           "rate": rate})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_computed_by_itself() {
    let (stack, transform) = with_take_up().await;
    let writer = counter(&stack);
    let counts = json!([
        count("2013-03-12", "digital", 2),
        count("2013-03-13", "digital", 1),
        count("2013-03-13", "paper", 1),
        count("2013-03-18", "digital", 1),
        count("2013-03-19", "paper", 4),
    ]);
    writer.post(COUNTS, &counts).expect(200);
    let ended = wait_for_runs(&stack, &transform, 1);
    assert_eq!(ended[0]["state"], "done", "{ended:?}");
    assert_eq!(ended[0]["records"], 2);
    assert_eq!(ended[0]["_start_at"], "2013-03-12T00:00:00+00:00");
    assert_eq!(ended[0]["_end_at"], "2013-03-19T00:00:00+00:00");
    // base64 of "2013-03-11T00:00:00+00:00_2013-03-18T00:00:00+00:00", and of the week after.
    let first = "MjAxMy0wMy0xMVQwMDowMDowMCswMDowMF8yMDEzLTAzLTE4VDAwOjAwOjAwKzAwOjAw";
    let second = "MjAxMy0wMy0xOFQwMDowMDowMCswMDowMF8yMDEzLTAzLTI1VDAwOjAwOjAwKzAwOjAw";
    let expected = [
        rate(first, "2013-03-11", "2013-03-18", json!(0.75)),
        rate(second, "2013-03-18", "2013-03-25", json!(0.2)),
    ];
    assert_eq!(records(&stack, TAKE_UP), expected);
    // Made like the data set that is read, and of nobody who writes there.
    let made = stack.administrator().get("/data-sets/cats_digital_takeup").expect(200).json();
    assert_eq!(made["raw_queries_allowed"], true);
    writer.post(TAKE_UP, &json!({"rate": 1})).expect(403);

    // One record more changes the week it falls into, and only that.
    writer.post(COUNTS, &count("2013-03-20", "digital", 3)).expect(200);
    wait_for_runs(&stack, &transform, 2);
    let expected = [expected[0].clone(), rate(second, "2013-03-18", "2013-03-25", json!(0.5))];
    assert_eq!(records(&stack, TAKE_UP), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_asked_for_computes_the_time_that_is_named_and_changes_nothing_twice() {
    let (stack, transform) = with_take_up().await;
    let administrator = stack.administrator();
    let body = administrator.get(&format!("/transform/{transform}")).expect(200).json();
    administrator.delete(&format!("/transform/{transform}")).expect(200);
    let counts = json!([
        count("2013-03-12", "digital", 1),
        count("2013-03-13", "paper", 3),
        count("2013-04-16", "digital", 1)
    ]);
    counter(&stack).post(COUNTS, &counts).expect(200);
    let mut definition = body;
    definition.as_object_mut().expect("an object").remove("id");
    let made = administrator.post("/transform", &definition).expect(200).json();
    let transform = made["id"].as_str().expect("an id");
    assert_eq!(runs(&stack, transform), Vec::<Value>::new(), "it was made after the records were written");

    let path = format!("{COUNTS}/transform");
    let asked = json!({"_start_at": "2013-03-12T00:00:00Z", "_end_at": "2013-03-13T00:00:00Z"});
    let mut found = Vec::new();
    for run in 1..=2 {
        let answer = counter(&stack).post(&path, &asked).expect(200).json();
        assert_eq!(answer, json!({"status": "ok", "runs": 1}));
        let ended = wait_for_runs(&stack, transform, run);
        assert!(ended.iter().all(|run| run["state"] == "done" && run["records"] == 1), "{ended:?}");
        found.push(records(&stack, TAKE_UP));
    }
    assert_eq!(found[0].len(), 1);
    assert_eq!(found[0][0]["rate"], 0.25);
    assert_eq!(found[0], found[1]);

    stack.writer().post(&path, &asked).expect(401);
    let refused = counter(&stack).post(&path, &json!({"_end_at": "2013-03-13T00:00:00Z"})).expect(400).json();
    assert_eq!(refused["code"], "invalid_query");
    assert!(refused["message"].as_str().expect("words").contains("_start_at"), "{refused}");
    let gone = counter(&stack).post("/data/cats/none/transform", &asked);
    gone.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_is_gone_is_taken_up_and_its_results_are_stored_once() {
    let (stack, transform) = with_take_up().await;
    let writer = counter(&stack);
    writer
        .post(COUNTS, &json!([count("2013-03-12", "digital", 1), count("2013-03-12", "paper", 1)]))
        .expect(200);
    wait_for_runs(&stack, &transform, 1);
    let stored = records(&stack, TAKE_UP);
    let version = || -> Value {
        stack.administrator().get("/data-sets/cats_digital_takeup").expect(200).json()["version"].clone()
    };
    let before = version();
    // As if the worker had died between storing the results and noting that it did.
    let sql = "UPDATE transform_run SET state = 'running', ended_at = NULL, lease_until = now()";
    backdrop_testing::sqlx::query(sql).execute(&stack.pool).await.expect("changed");
    let ended = wait_for_runs(&stack, &transform, 1);
    assert_eq!(ended[0]["attempts"], 2);
    assert_eq!(ended[0]["state"], "done");
    assert_eq!(ended[0]["records"], 1);
    assert_eq!(records(&stack, TAKE_UP), stored);
    assert_eq!(version(), before, "nothing was stored anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_to_results_is_told_by_their_ids() {
    let (stack, transform) = with_take_up().await;
    let path = format!("/transform/{transform}");
    let mut definition = stack.administrator().get(&path).expect(200).json();
    definition["options"]["additionalFields"] = json!({"service": "licences", "rate": 7});
    let put = stack.administrator().with_header("Content-Type", "application/json");
    put.send("PUT", &path, definition.to_string().into_bytes()).expect("an answer").expect(200);
    let counts = json!([count("2013-03-12", "digital", 1), count("2013-03-12", "paper", 1)]);
    counter(&stack).post(COUNTS, &counts).expect(200);
    wait_for_runs(&stack, &transform, 1);
    let found = records(&stack, TAKE_UP);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["rate"], 0.5);
    assert_eq!(found[0]["service"], "licences");
    // base64 of the id without them, "_" and "rate:7_service:licences".
    let id = "TWpBeE15MHdNeTB4TVZRd01Eb3dNRG93TUNzd01Eb3dNRjh5TURFekxUQXpMVEU0VkRBd09qQXdPakF3S3pBd09qQXdfcmF0ZTo3X3NlcnZpY2U6bGljZW5jZXM=";
    assert_eq!(found[0]["_id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_batches_and_several_workers_end_with_the_figures_of_all() {
    const BATCHES: usize = 40;
    let (mut stack, transform) = with_take_up().await;
    stack.add_worker().expect("a second worker");
    let writer = counter(&stack);
    let post = |batch: usize| {
        let channel = if batch.is_multiple_of(4) { "paper" } else { "digital" };
        let mut one = count("2013-03-12", channel, 1);
        one["_id"] = json!(format!("{batch}"));
        writer.post(COUNTS, &one).expect(200);
    };
    std::thread::scope(|scope| {
        for part in 0..4 {
            let post = &post;
            scope.spawn(move || (0..BATCHES).filter(|batch| batch % 4 == part).for_each(post));
        }
    });
    let ended = wait_for_runs(&stack, &transform, 1);
    assert!(ended.iter().all(|run| run["state"] == "done"), "{ended:?}");
    assert!(ended.len() <= BATCHES, "one run at most for each batch");
    let found = records(&stack, TAKE_UP);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["rate"], 0.75);
}
