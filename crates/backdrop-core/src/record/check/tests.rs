use super::*;
use serde_json::json;

fn accepted_at() -> Timestamp {
    time::parse("2020-01-02T03:04:05Z").expect("a time")
}

fn rules(auto_ids: &[String]) -> RecordRules<'_> {
    RecordRules { schema: None, auto_ids, batch_id: Uuid::from_u128(7), accepted_at: accepted_at() }
}

fn check_with(auto_ids: &[&str], records: Value) -> Checked {
    let auto_ids: Vec<String> = auto_ids.iter().map(|field| (*field).to_owned()).collect();
    let Value::Array(records) = records else { panic!("a list") };
    rules(&auto_ids).check(records, &[], |_| true).expect("nobody stops it")
}

fn body_of(record: &ValidRecord) -> Value {
    serde_json::from_str(record.body()).expect("JSON")
}

fn valid(records: Value) -> Vec<ValidRecord> {
    let checked = check_with(&[], records);
    assert_eq!(checked.violations.total, 0, "{:?}", checked.violations);
    checked.valid
}

#[test]
fn a_record_is_stored_with_normalised_times_and_its_id_apart() {
    let record =
        valid(json!([{"_id": "a", "_timestamp": "2013-03-11 00:00:00+0100", "Count_1": 3}])).remove(0);
    assert_eq!(record.id(), "a");
    assert_eq!(time::format(record.timestamp()), "2013-03-10T23:00:00+00:00");
    let body = json!({"_timestamp": "2013-03-10T23:00:00+00:00", "Count_1": 3});
    assert_eq!(body_of(&record), body);
}

#[test]
fn ids_are_made_from_batch_and_place() {
    let records = || json!([{"aa": 1}, {"aa": 1}]);
    let first = valid(records());
    assert_ne!(first[0].id(), first[1].id());
    assert_eq!(first, valid(records()));
    assert_eq!(first[0].timestamp(), accepted_at());
}

#[test]
fn each_broken_rule_is_told_with_its_record_and_field() {
    let long = "x".repeat(513);
    for (record, pointer, code) in [
        (json!({"Bad-Key": 1}), "/Bad-Key", ErrorCode::InvalidKey),
        (json!({"a": 1}), "/a", ErrorCode::InvalidKey),
        (json!({"$where": 1}), "/$where", ErrorCode::InvalidKey),
        (json!({"_foo": 1}), "/_foo", ErrorCode::InvalidKey),
        (json!({"a/b": 1}), "/a~1b", ErrorCode::InvalidKey),
        (json!({"aa": [1]}), "/aa", ErrorCode::NestedValue),
        (json!({"aa": {}}), "/aa", ErrorCode::NestedValue),
        (json!({"_id": "with space"}), "/_id", ErrorCode::InvalidId),
        (json!({"_id": ""}), "/_id", ErrorCode::InvalidId),
        (json!({"_id": 7}), "/_id", ErrorCode::InvalidId),
        (json!({"_id": long}), "/_id", ErrorCode::InvalidId),
        (json!({"_timestamp": 7}), "/_timestamp", ErrorCode::InvalidTime),
        (json!({"_timestamp": null}), "/_timestamp", ErrorCode::InvalidTime),
        (json!({"_end_at": "2026-02-30"}), "/_end_at", ErrorCode::InvalidTime),
    ] {
        let checked = check_with(&[], json!([{"aa": 1}, record]));
        assert_eq!((checked.violations.total, &*checked.faulty), (1, &[2][..]), "{checked:?}");
        let violation = &checked.violations.listed[0];
        assert_eq!((violation.record, violation.pointer.as_str(), violation.code), (2, pointer, code));
    }
}

#[test]
fn what_is_said_of_a_large_value_is_short() {
    let large = "ä".repeat(1_000_000);
    let schema = Schema::compile(&json!({"properties": {"aa": {"type": "integer"}}})).expect("a schema");
    let records = vec![json!({"aa": large, "_timestamp": large, (large.as_str()): 1})];
    let violations = RecordRules { schema: Some(&schema), ..rules(&[]) }
        .check(records, &[], |_| true)
        .expect("nobody stops it")
        .violations;
    assert_eq!(violations.total, 3);
    assert!(violations.lines().concat().len() < 3_000);
}

#[test]
fn good_records_are_told_from_faulty_ones_and_faults_found_before_count() {
    let fault = Violation::of(3, "", ErrorCode::InvalidJson, "not JSON");
    let records = vec![json!({"aa": 1}), json!({"a": 1}), json!("{borked"), json!({"bb": 2})];
    let checked = rules(&[]).check(records, &[fault], |_| true).expect("nobody stops it");
    assert_eq!(checked.faulty, [2, 3]);
    let valid: Vec<_> = checked.valid.iter().map(|record| record.body()).collect();
    assert_eq!(valid, [r#"{"aa":1}"#, r#"{"bb":2}"#]);
    let codes: Vec<_> = checked.violations.listed.iter().map(|violation| violation.code).collect();
    assert_eq!(codes, [ErrorCode::InvalidJson, ErrorCode::InvalidKey]);
}

#[test]
fn the_same_violation_of_the_schema_is_told_once() {
    let schema = Schema::compile(&json!({"properties": {"aa": {"type": "integer"}}})).expect("a schema");
    let records = (0..20).map(|number| json!({"aa": format!("v{number}")})).collect();
    let violations = RecordRules { schema: Some(&schema), ..rules(&[]) }
        .check(records, &[], |_| true)
        .expect("nobody stops it")
        .violations;
    assert_eq!((violations.listed.len(), violations.listed[0].count, violations.total), (1, 20, 20));
}

#[test]
fn auto_ids_replace_what_was_sent_and_need_their_fields() {
    let checked = check_with(
        &["_timestamp", "kind"],
        json!([
            {"_id": "mine", "_timestamp": "2013-03-11T00:00:00Z", "kind": "week"},
            {"kind": "week"},
        ]),
    );
    assert_eq!(checked.valid[0].id(), "MjAxMy0wMy0xMVQwMDowMDowMFoud2Vlaw==");
    assert_eq!(checked.valid[0].id_tuple(), Some(r#"["2013-03-11T00:00:00Z","week"]"#));
    let violation = &checked.violations.listed[0];
    assert_eq!((violation.record, violation.code), (2, ErrorCode::MissingIdField));
    assert_eq!(violation.message, "The following required id fields are missing: _timestamp");
}

#[test]
fn records_that_join_to_one_id_are_refused_but_for_the_first() {
    let checked = check_with(
        &["aa", "bb"],
        json!([
            {"aa": "a.b", "bb": "c", "vv": 1},
            {"aa": "a", "bb": "b.c", "vv": 2},
            {"aa": "a.b", "bb": "c", "vv": 3},
        ]),
    );
    assert_eq!((checked.valid.len(), &*checked.faulty), (2, &[2][..]));
    assert_eq!(checked.violations.listed[0].code, ErrorCode::IdCollision);
}

fn stored() -> StoredRecord {
    let record = check_with(&["kind"], json!([{"kind": "week", "count": 1, "_timestamp": "2013-03-11"}]));
    let ValidRecord { id, id_tuple, timestamp, body } = record.valid[0].clone();
    let body = serde_json::from_str(&body).expect("an object");
    StoredRecord { id, id_tuple, timestamp, body, seq: 1 }
}

#[test]
fn merging_sets_fields_and_keeps_the_rest() {
    let auto_ids = ["kind".to_owned()];
    let fields = json!({"count": 2, "note": null, "kind": "week", "_id": stored().id});
    let merged = rules(&auto_ids).merge(&stored(), fields).expect("valid");
    let body = json!({"kind": "week", "count": 2, "note": null, "_timestamp": "2013-03-11T00:00:00+00:00"});
    assert_eq!(body_of(&merged), body);
    assert_eq!((merged.id(), merged.id_tuple()), (stored().id.as_str(), Some(r#"["week"]"#)));
    assert_eq!(merged.timestamp(), stored().timestamp);
    let same_moment = json!({"_timestamp": "2013-03-11T01:00:00+01:00"});
    let as_before = rules(&["_timestamp".to_owned()]).merge(&stored(), same_moment);
    assert!(as_before.is_ok(), "the same time in another form is no change");
    let moved = rules(&auto_ids).merge(&stored(), json!({"_timestamp": "2014-01-01"})).expect("valid");
    assert_eq!(time::format(moved.timestamp()), "2014-01-01T00:00:00+00:00");
}

#[test]
fn merging_judges_what_comes_of_it() {
    let auto_ids = ["kind".to_owned()];
    let schema = Schema::compile(&json!({"properties": {"count": {"type": "integer"}}})).expect("a schema");
    for (fields, pointer) in [
        (json!({"count": "many"}), "/count"),
        (json!({"_id": "other"}), "/_id"),
        (json!({"kind": "month"}), "/kind"),
        (json!({"long": "x".repeat(MERGED_BYTES_MAX)}), ""),
        (json!({"Bad-Key": 1}), "/Bad-Key"),
        (json!([1]), ""),
    ] {
        let rules = RecordRules { schema: Some(&schema), ..rules(&auto_ids) };
        let violations = rules.merge(&stored(), fields).expect_err(pointer);
        assert_eq!(violations.listed[0].pointer, pointer);
    }
}

#[test]
fn checking_stops_when_it_is_told_to() {
    let records = vec![json!({"_id": "a"}), json!({"_id": "b"}), json!({"_id": "c"})];
    let mut asked = Vec::new();
    let checked = rules(&[]).check(records, &[], |record| {
        asked.push(record);
        record < 2
    });
    assert!(checked.is_none());
    assert_eq!(asked, [1, 2]);
}
