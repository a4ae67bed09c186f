use super::*;
use backdrop_core::batch::Envelope;
use backdrop_core::data_set::{DataGroup, DataSet, DataSetId, DataSetName, DataSetSettings, DataType};
use backdrop_core::log::{EntryId, Partition};
use backdrop_core::time::Timestamp;
use std::cell::Cell;
use std::time::Duration;
use uuid::Uuid;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// Each look at the clock takes a second, and the third one ten.
fn clock() -> Duration {
    let looks = NOW.get() + 1;
    NOW.set(looks);
    Duration::from_secs(if looks < 3 { looks } else { looks + 10 })
}

fn known() -> KnownDataSet {
    let data_set = DataSet {
        id: DataSetId(1),
        name: DataSetName::parse("g_t").expect("a name"),
        data_group: DataGroup::parse("g").expect("a group"),
        data_type: DataType::parse("t").expect("a type"),
        partition: Partition(0),
        settings: DataSetSettings::default(),
        schema: None,
    };
    KnownDataSet { data_set, tokens: Vec::new() }
}

/// An entry with so many records, and what judging it takes.
fn work(n: u64, records: usize) -> Work {
    let envelope = Envelope::new(BatchKind::Append, Uuid::from_u128(n.into()), DataSetId(1), String::new());
    let records = format!("[{}]", vec!["{\"count\": 1}"; records].join(","));
    let id = EntryId { epoch: 1, n };
    let entry =
        DecodedEntry { id, accepted_at: Timestamp::UNIX_EPOCH, envelope, records: records.into_bytes() };
    let span = BatchSpan::of(&entry.envelope, None);
    let wanted = Wanted::Rules(Rules { known: Arc::new(known()), schema: None, stored: None });
    Work { decoded: Ok(entry), wanted, span }
}

fn run_within(seconds: u64, work: Vec<Work>) -> Vec<Effect> {
    NOW.set(0);
    let stint = Stint::begin(clock, Duration::from_secs(seconds));
    run(work, usize::MAX, stint).into_iter().map(|(decided, _)| decided.effect).collect()
}

#[test]
fn what_takes_all_the_time_by_itself_is_put_aside_and_the_slow_record_named() {
    let effects = run_within(20, vec![work(0, 50), work(1, 1)]);
    let [Effect::SetAside(violations), ..] = effects.as_slice() else { panic!("{effects:?}") };
    let message = &violations.listed[0].message;
    for part in ["more than 20 s", "before record 10", "the slowest was record 1, with 11.000 s"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(effects.len(), 1, "there was no time left for the next");
}

#[test]
fn what_has_no_time_left_comes_first_in_the_next_run() {
    let effects = run_within(20, vec![work(0, 5), work(1, 50), work(2, 1)]);
    assert!(
        matches!(effects.as_slice(), [Effect::Store(storing)] if storing.records.len() == 5),
        "{effects:?}"
    );
    assert_eq!(run_within(200, vec![work(1, 50), work(2, 1)]).len(), 2);
}
