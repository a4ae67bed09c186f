//! Schemas: their versions, what is refused, and dry runs.

use super::{put, stack, with_scope};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATH: &str = "/data-sets/group_kind/schema";
const VERSIONS: &str = "/data-sets/group_kind/schemas";

fn integer(field: &str) -> Value {
    json!({"properties": {field: {"type": "integer"}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_is_kept() {
    let stack = stack().await;
    let admin = stack.administrator();
    assert_eq!(admin.get(PATH).expect(200).json(), json!({"version": null, "schema": null}));
    let set = |schema: &Value| put(&admin, PATH, schema).expect(200).json()["version"].clone();
    assert_eq!(set(&integer("count")), json!(1));
    assert_eq!(set(&integer("count")), json!(1), "it is in force already");
    assert_eq!(set(&Value::Null), json!(2));
    assert_eq!(set(&Value::Null), json!(2));
    assert_eq!(admin.get(PATH).expect(200).json(), json!({"version": 2, "schema": null}));
    stack
        .writer()
        .with_token("token-for-kind")
        .post("/data/group/kind", &json!({"count": "many"}))
        .expect(200);
    assert_eq!(set(&integer("count")), json!(3), "an earlier one can be set anew");
    assert_eq!(admin.get("/data-sets/group_kind").expect(200).json()["schema"], integer("count"));
    put(&admin, "/data-sets/group_kind", &json!({"schema": integer("total")})).expect(200);
    assert_eq!(
        admin.get(&format!("{PATH}?version=1")).expect(200).json(),
        json!({"version": 1, "schema": integer("count")})
    );
    let missing = admin.get(&format!("{PATH}?version=9")).expect(404).json();
    assert_eq!(missing["code"], "schema_not_found");
    let versions = admin.get(VERSIONS).expect(200).json();
    let numbers: Vec<&Value> =
        versions["schemas"].as_array().expect("a list").iter().map(|set| &set["version"]).collect();
    assert_eq!(numbers, [&json!(4), &json!(3), &json!(2), &json!(1)]);
    assert_eq!(versions["schemas"][2]["record_rules_only"], json!(true));
    assert!(
        versions["schemas"][0]["created_at"].is_string() && versions["schemas"][0].get("schema").is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_schema_is_refused_when_it_is_set() {
    let stack = stack().await;
    let admin = stack.administrator();
    for bad in [
        json!({"$ref": "https://example.org/schema.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"$ref": "#"}),
        json!({"properties": {"aa": {"pattern": "(?<=a)b"}}}),
        json!({"properties": {"aa": {"pattern": "(?:(?:a{1,100}){1,100}){1,100}"}}}),
        json!({"$schema": "https://example.org/unknown"}),
        json!({"type": "whatever"}),
        json!({"description": "x".repeat(70_000)}),
        json!("x"),
        json!([]),
    ] {
        let answer = put(&admin, PATH, &bad).expect(422).json();
        assert_eq!(answer["code"], "invalid_schema", "{answer}");
        put(&admin, &format!("{PATH}?dry_run=true"), &bad).expect(422);
    }
    let deep = format!("{}{}", "{\"not\":".repeat(200), "1".to_owned() + &"}".repeat(200));
    let answer = admin.send("PUT", PATH, deep.into_bytes()).expect("an answer").expect(400);
    assert_eq!(answer.json()["code"], "invalid_json");
    // What was meant as a dry run and misspelt must not set anything.
    put(&admin, &format!("{PATH}?dryrun=true"), &integer("count")).expect(400);
    put(&admin, &format!("{PATH}?dry_run=yes"), &integer("count")).expect(400);
    assert_eq!(admin.get(PATH).expect(200).json()["version"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_would_become_of_what_is_stored() {
    let stack = stack().await;
    let writer = stack.writer().with_token("token-for-kind");
    // More than one page.
    let records: Vec<Value> = (0..4_500)
        .map(|number| match number % 3 {
            0 => json!({"_id": format!("id-{number:05}"), "slug": "a", "count": number}),
            1 => json!({"_id": format!("id-{number:05}"), "slug": "a", "count": "many"}),
            _ => json!({"_id": format!("id-{number:05}"), "count": "many"}),
        })
        .collect();
    writer.post("/data/group/kind", &json!(records)).expect(200);
    let admin = with_scope(&stack, "admin");
    let try_out = |schema: &Value| put(&admin, &format!("{PATH}?dry_run=true"), schema).expect(200).json();

    let mut schema = integer("count");
    schema["required"] = json!(["slug"]);
    let found = try_out(&schema);
    assert_eq!((&found["status"], &found["dry_run"]), (&json!("ok"), &json!(true)));
    assert_eq!((&found["records"], &found["failing"]), (&json!(4_500), &json!(3_000)));
    let reasons = found["reasons"].as_array().expect("reasons");
    let reason =
        |pointer: &str| reasons.iter().find(|reason| reason["pointer"] == pointer).expect("a reason");
    assert_eq!(reasons.len(), 2, "{found}");
    assert_eq!(
        (&reason("/count")["count"], &reason("/count")["example"]),
        (&json!(3_000), &json!({"_id": "id-00001"}))
    );
    assert_eq!((&reason("")["count"], &reason("")["example"]), (&json!(1_500), &json!({"_id": "id-00002"})));
    assert_eq!(reason("")["code"], "schema_violation");

    let ids = try_out(&json!({"properties": {"_id": {"pattern": "^id-0000"}}}));
    assert_eq!((&ids["failing"], &ids["reasons"][0]["pointer"]), (&json!(4_490), &json!("/_id")));
    assert_eq!(
        try_out(&Value::Null),
        json!({"status": "ok", "dry_run": true, "records": 4_500, "failing": 0, "reasons": []})
    );
    assert_eq!(admin.get(PATH).expect(200).json()["version"], Value::Null, "nothing was set");
    put(&writer, PATH, &schema).expect(403);

    put(&writer, "/data/group/kind", &json!([])).expect(200);
    assert_eq!(try_out(&schema)["records"], json!(0));
}

/// What takes hours or the process where nothing bounds it.
fn hostile() -> Vec<Value> {
    let ladder = |steps: usize, step: &dyn Fn(Value) -> Value| {
        let mut definitions = serde_json::Map::new();
        for number in 0..steps {
            definitions
                .insert(format!("s{number}"), step(json!({"$ref": format!("#/$defs/s{}", number + 1)})));
        }
        definitions.insert(format!("s{steps}"), json!({"type": "object"}));
        json!({"$defs": definitions, "$ref": "#/$defs/s0"})
    };
    let closed = |inner: Value| json!({"allOf": [inner], "unevaluatedProperties": false});
    let patterns: serde_json::Map<_, _> =
        (0..1_500).map(|n| (format!("\\p{{L}}{{99}}{n}"), json!({}))).collect();
    vec![
        ladder(40, &|next| json!({"anyOf": [next, next]})),
        ladder(40, &|next| json!({"dependentSchemas": {"aa": next, "bb": next}})),
        ladder(40, &|next| json!({"properties": {"aa": {"anyOf": [next, next]}}})),
        ladder(1_500, &|next| json!({"allOf": [next]})),
        (0..25).fold(json!({}), |inner, _| closed(inner)),
        json!({"patternProperties": patterns}),
        json!({"$dynamicAnchor": "x", "anyOf": [{"$dynamicRef": "#x"}, {"$dynamicRef": "#x"}]}),
        json!({"properties": {"aa": {"format": "regex"}}}),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_schema_is_refused_in_a_moment() {
    let stack = stack().await;
    let admin = stack.administrator();
    for schema in hostile() {
        let began = Instant::now();
        let answer = put(&admin, PATH, &schema).expect(422).json();
        let message = answer["message"].as_str().expect("a message");
        assert!(!message.contains("too long"), "it was not refused by its form: {message}");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}: {message}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_costs_nothing_but_looks_large_is_taken_and_checked_in_a_moment() {
    let stack = stack().await;
    let (admin, writer) = (stack.administrator(), stack.writer().with_token("token-for-kind"));
    let branches: Vec<Value> = (0..60).map(|n| json!({"required": [format!("f{n}")]})).collect();
    let services: Vec<String> = (0..3_000).map(|n| format!("service-{n}")).collect();
    let schema = json!({
        "anyOf": branches,
        "properties": {
            "text": {"minLength": 9_000_000_000_000_000_000_u64},
            "list": {"uniqueItems": true, "items": {"pattern": "^.{0,255}$"}},
            "slug": {"enum": services},
        },
    });
    put(&admin, PATH, &schema).expect(200);
    // Deep and wide values are refused for what they are; the schema is not tried on them.
    let deep = (0..50).fold(json!(1), |inner, _| json!({"list": [inner, "x"]}));
    let wide = json!({"list": (0..200_000).collect::<Vec<_>>()});
    for record in [deep, wide] {
        let began = Instant::now();
        let answer = writer.post("/data/group/kind", &json!({"record": record})).expect(400).json();
        assert_eq!(answer["errors"][0]["code"], "nested_value", "{answer}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
    let records: Vec<Value> =
        (0..5_000).map(|n| json!({"text": "short", "slug": format!("none-{n}")})).collect();
    let began = Instant::now();
    let answer = writer.post("/data/group/kind", &json!(records)).expect(400).json();
    assert_eq!(answer["errors_total"], json!(15_000), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
}
