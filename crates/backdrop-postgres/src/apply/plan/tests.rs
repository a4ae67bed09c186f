use super::*;
use backdrop_core::batch::{ENVELOPE_VERSION, Envelope, Idempotency};
use backdrop_core::log::EntryId;
use backdrop_core::origin::Origin;
use backdrop_core::record::RecordRules;
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
        configuration: 0,
        handling: Handling::Strict,
        faults: Vec::new(),
    };
    DecodedEntry {
        id: EntryId { epoch: 1, n },
        accepted_at: Timestamp::UNIX_EPOCH,
        envelope,
        records: Vec::new(),
    }
}

fn storing(auto_ids: &[&str], batch: u128, records: Value) -> Storing {
    let Value::Array(records) = records else { panic!("a list") };
    let auto_ids: Vec<String> = auto_ids.iter().map(|field| (*field).to_owned()).collect();
    let accepted_at = Timestamp::UNIX_EPOCH;
    let rules =
        RecordRules { schema: None, auto_ids: &auto_ids, batch_id: Uuid::from_u128(batch), accepted_at };
    let checked = rules.check(records, &[], |_| true).expect("nobody stops it");
    Storing { records: checked.valid, faulty: checked.faulty, violations: checked.violations }
}

fn append(n: u64, batch: u128, records: Value) -> DecidedEntry {
    let effect = Effect::Store(storing(&[], batch, records));
    DecidedEntry { entry: entry(n, batch, BatchKind::Append), effect }
}

fn plan(entries: Vec<DecidedEntry>, known: &[u128]) -> Plan {
    let batches = known.iter().map(|batch| ((DATA_SET, Uuid::from_u128(*batch)), Outcome::Stored)).collect();
    plan_knowing(entries, Known { batches, ..Known::default() })
}

fn plan_knowing(entries: Vec<DecidedEntry>, known: Known) -> Plan {
    let state = DataSetState { generation: 1, version: 10, ..DataSetState::default() };
    Plan::of(entries, known, HashMap::from([(DATA_SET, state)]))
}

fn code(plan: &Plan, batch: usize) -> ErrorCode {
    plan.batches[batch].violations.as_ref().expect("violations").listed[0].code
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

#[test]
fn values_that_join_to_the_id_of_another_record_do_not_overwrite_it() {
    let colliding = |n, batch, handling, records| {
        let mut decided = append(n, batch, json!([]));
        decided.entry.envelope.handling = handling;
        decided.effect = Effect::Store(storing(&["aa", "bb"], batch, records));
        decided
    };
    let (one, other) = (|| json!({"aa": "a.b", "bb": "c"}), || json!({"aa": "a", "bb": "b.c"}));
    let good = || json!({"aa": "x", "bb": "y"});
    let within = plan(
        vec![
            colliding(0, 1, Handling::Strict, json!([one()])),
            colliding(1, 2, Handling::Strict, json!([good(), other()])),
            colliding(2, 3, Handling::Lenient, json!([other(), good()])),
        ],
        &[],
    );
    assert_eq!(outcomes(&within), [Outcome::Stored, Outcome::Rejected, Outcome::Stored]);
    assert_eq!(within.batches[1].violations.as_ref().expect("violations").listed[0].record, 2);
    assert_eq!((code(&within, 2), &*within.batches[2].faulty), (ErrorCode::IdCollision, &[1][..]));
    assert_eq!(within.records.id_tuple, [Some(r#"["a.b","c"]"#.into()), Some(r#"["x","y"]"#.into())]);

    let id = within.records.id[0].clone();
    let tuples = HashMap::from([((DATA_SET, 1, id), r#"["a.b","c"]"#.to_owned())]);
    let with_stored = |records| {
        let known = Known { tuples: tuples.clone(), ..Known::default() };
        plan_knowing(vec![colliding(0, 1, Handling::Strict, json!([records]))], known)
    };
    assert_eq!(outcomes(&with_stored(other())), [Outcome::Rejected]);
    assert_eq!(outcomes(&with_stored(one())), [Outcome::Stored], "the same values are the same record");
}

#[test]
fn a_key_stands_for_the_first_batch_that_brought_it() {
    let keyed = |n, batch| {
        let mut decided = append(n, batch, json!([{"_id": "a"}]));
        decided.entry.envelope.idempotency =
            Some(Idempotency { key: "k".into(), body_sha256: batch.to_string() });
        decided
    };
    let within = plan(vec![keyed(0, 1), keyed(1, 2)], &[]);
    assert_eq!(outcomes(&within), [Outcome::Stored, Outcome::Rejected]);
    assert_eq!(code(&within, 1), ErrorCode::IdempotencyMismatch);
    assert_eq!([within.batches[0].keeps_key, within.batches[1].keeps_key], [true, false]);
    let known = Known { keys: HashSet::from([(DATA_SET, "k".to_owned())]), ..Known::default() };
    assert_eq!(outcomes(&plan_knowing(vec![keyed(0, 1)], known)), [Outcome::Rejected]);
}

fn replay(only_if_unchanged: bool, rejected: Option<Rejected>) -> Plan {
    let kind = BatchKind::Replay { of: Uuid::from_u128(9), only_if_unchanged };
    let records = json!([{"_id": "a"}, {"_id": "b"}]);
    let decided = DecidedEntry { entry: entry(0, 1, kind), effect: Effect::Store(storing(&[], 9, records)) };
    plan_knowing(vec![decided], Known { rejected, ..Known::default() })
}

#[test]
fn a_replay_tells_what_changed_since_and_may_leave_it_alone() {
    let changed = HashSet::from(["b".to_owned()]);
    let since = || Rejected { generation: Some(1), changed: changed.clone(), ..Rejected::default() };
    let rejected = || Some(since());
    let told = Some(Changed { changed: vec!["b".into()], changed_total: 1 });
    let all = replay(false, rejected());
    assert_eq!((all.records.id.len(), &all.batches[0].changed), (2, &told));
    let unchanged = replay(true, rejected());
    assert_eq!((&*unchanged.records.id, &unchanged.batches[0].changed), (&["a".to_owned()][..], &told));
    let emptied = replay(true, Some(Rejected { generation: Some(0), ..Rejected::default() }));
    assert_eq!(emptied.records.id.len(), 0, "nothing is as it was after the data set was emptied");
}

#[test]
fn a_batch_is_replayed_once() {
    let replayed =
        replay(false, Some(Rejected { generation: Some(1), is_replayed: true, ..Rejected::default() }));
    assert_eq!(
        (outcomes(&replayed), code(&replayed, 0)),
        (vec![Outcome::Rejected], ErrorCode::AlreadyReplayed)
    );
    assert!(replayed.batches[0].refusal().is_some(), "the errors of the rejected batch stay");
    assert_eq!(code(&replay(false, None), 0), ErrorCode::RejectedNotFound);
}

#[test]
fn a_deleted_record_takes_a_place_in_the_order_of_changes() {
    let kind = BatchKind::DeleteRecord { id: "a".into() };
    let effect = Effect::DeleteRecord { id: "a".into(), seq: 3 };
    let plan = plan(vec![DecidedEntry { entry: entry(0, 1, kind), effect }], &[]);
    assert_eq!((plan.deletions[0].seq, plan.states[&DATA_SET].version), (11, 11));
    assert!(plan.states[&DATA_SET].may_have_lost_newest);
}
