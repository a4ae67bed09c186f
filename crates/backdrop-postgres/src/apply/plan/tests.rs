use super::*;
use backdrop_core::batch::{ENVELOPE_VERSION, Envelope, Origin};
use backdrop_core::log::EntryId;
use backdrop_core::record::validate;
use serde_json::{Value, json};

const DATA_SET: DataSetId = DataSetId(1);

fn entry(n: u64, batch: u128, kind: BatchKind) -> DecodedEntry {
    let envelope = Envelope {
        version: ENVELOPE_VERSION,
        kind,
        batch_id: Uuid::from_u128(batch),
        data_set_id: DATA_SET,
        token_id: None,
        request_id: String::new(),
        idempotency: None,
        origin: Origin::Json,
    };
    DecodedEntry {
        id: EntryId { epoch: 1, n },
        accepted_at: Timestamp::UNIX_EPOCH,
        envelope,
        records: Vec::new(),
    }
}

fn append(n: u64, batch: u128, records: Value) -> DecidedEntry {
    let Value::Array(records) = records else { panic!("a list") };
    let records = validate(records, None, Uuid::from_u128(batch), Timestamp::UNIX_EPOCH).expect("valid");
    DecidedEntry { entry: entry(n, batch, BatchKind::Append), effect: Effect::Store(records) }
}

fn plan(entries: Vec<DecidedEntry>, known: &[u128]) -> Plan {
    let known = known.iter().map(|batch| ((DATA_SET, Uuid::from_u128(*batch)), Outcome::Stored)).collect();
    let state = DataSetState { generation: 1, version: 10, ..DataSetState::default() };
    Plan::of(entries, &known, HashMap::from([(DATA_SET, state)]))
}

fn outcomes(plan: &Plan) -> Vec<Outcome> {
    plan.batches.iter().map(|line| line.outcome).collect()
}

#[test]
fn the_last_of_equal_ids_wins_and_every_record_counts() {
    let plan = plan(
        vec![
            append(0, 1, json!([{"_id": "a", "vv": 1}, {"_id": "b", "vv": 1}, {"_id": "a", "vv": 2}])),
            append(1, 2, json!([{"_id": "b", "vv": 3}])),
        ],
        &[],
    );
    assert_eq!(plan.records.id, ["a", "b"]);
    assert_eq!(plan.records.body, [r#"{"vv":2}"#, r#"{"vv":3}"#]);
    assert_eq!(plan.records.seq, [13, 14]);
    assert_eq!(plan.states[&DATA_SET].version, 14);
    assert_eq!(plan.stored_records(), 4);
}

#[test]
fn a_repeated_batch_counts_once() {
    let repeated = |n| append(n, 1, json!([{"_id": "a", "vv": 1}]));
    let within_the_run = plan(vec![repeated(0), repeated(1)], &[]);
    assert_eq!((within_the_run.batches.len(), within_the_run.states[&DATA_SET].version), (1, 11));
    let applied_before = plan(vec![repeated(0)], &[1]);
    assert_eq!((applied_before.batches.len(), applied_before.states[&DATA_SET].version), (0, 10));
    assert_eq!(applied_before.results.len(), 1, "whoever waits for it is told");
}

#[test]
fn what_comes_after_a_deletion_is_rejected_and_before_it_stored() {
    let delete = DecidedEntry { entry: entry(1, 2, BatchKind::DeleteDataSet), effect: Effect::DeleteDataSet };
    let records = || json!([{"_id": "a", "vv": 1}]);
    let plan = plan(vec![append(0, 1, records()), delete, append(2, 3, records())], &[]);
    assert_eq!(outcomes(&plan), [Outcome::Stored, Outcome::Stored, Outcome::Rejected]);
    assert!(plan.states[&DATA_SET].is_deleted);
    assert_eq!(plan.states[&DATA_SET].generation, 2);
}

#[test]
fn emptying_hides_what_came_before_and_nothing_after() {
    let empty = DecidedEntry { entry: entry(1, 2, BatchKind::Empty), effect: Effect::Empty };
    let records = || json!([{"_id": "a", "vv": 1}]);
    let plan = plan(vec![append(0, 1, records()), empty, append(2, 3, records())], &[]);
    assert_eq!(plan.records.generation, [1, 2]);
    assert_eq!(plan.states[&DATA_SET].version, 13);
}
