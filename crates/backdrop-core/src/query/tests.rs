use super::*;
use crate::data_set::DataSetSettings;
use crate::period::{EndCounts, Period};
use crate::time;
use proptest::prelude::*;

/// A Wednesday.
const NOW: &str = "2013-03-27T10:30:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    time::parse(text).expect("a time")
}

/// Parses `a=b&c=d`, in which nothing is encoded.
pub(crate) fn parse(query: &str) -> Result<Query, ApiError> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').expect("name=value"));
    let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Query::parse(&pairs, at(NOW))
}

pub(crate) fn grouping(query: &str) -> Grouping {
    match parse(query).expect("a valid query").answer() {
        Answer::Groups(grouping) => grouping.clone(),
        Answer::Rows(_) => panic!("{query} is not grouped"),
    }
}

fn range(query: &str) -> (String, String, EndCounts) {
    let query = parse(query).expect("a valid query");
    let range = query.selection().range().expect("a range");
    (time::format(range.start()), time::format(range.end()), range.end_counts())
}

const DAYS: &str = "start_at=2013-03-11T00:00:00Z&end_at=2013-03-25T00:00:00Z";

#[test]
fn nothing_at_all_asks_for_all_records_in_the_order_of_time() {
    let query = parse("").expect("valid");
    assert_eq!(query.selection(), &Selection { range: None, filters: vec![] });
    let Answer::Rows(listing) = query.answer() else { panic!("records") };
    assert_eq!(listing.order().to_string(), "_timestamp:ascending");
    assert_eq!((listing.limit(), listing.after()), (None, None));
    assert_eq!((listing.latest_by(), listing.fields()), ([].as_slice(), [].as_slice()));
    assert_eq!(query.format(), None);
    let named = parse("format=json").expect("valid");
    assert_eq!((named.answer(), named.format()), (query.answer(), Some(Format::Json)));
}

#[test]
fn a_range_is_half_open_unless_it_is_inclusive() {
    let (start, end) = ("2013-03-11T00:00:00+00:00".to_owned(), "2013-03-25T00:00:00+00:00".to_owned());
    assert_eq!(range(DAYS), (start.clone(), end.clone(), EndCounts::No));
    assert_eq!(range(&format!("{DAYS}&inclusive=true")), (start, end, EndCounts::Yes));
    let offsets = "start_at=2013-03-11T01:00:00+01:00&end_at=2013-03-24T23:00:00-0100";
    assert_eq!(range(offsets), range(DAYS));
}

#[test]
fn duration_counts_periods_forward_from_start_and_back_from_end_or_now() {
    for (query, start, end) in [
        ("period=week&duration=2", "2013-03-11", "2013-03-25"),
        ("period=week&duration=2&end_at=2013-03-31T23:00:00Z", "2013-03-11", "2013-03-25"),
        ("period=week&duration=2&start_at=2013-03-13T09:00:00Z", "2013-03-11", "2013-03-25"),
        ("period=week&duration=2&inclusive=true", "2013-03-11", "2013-03-25"),
        ("period=month&duration=3", "2012-12-01", "2013-03-01"),
    ] {
        let (from, to, end_counts) = range(query);
        assert_eq!((at(&from), at(&to), end_counts), (at(start), at(end), EndCounts::No), "{query}");
    }
    let weeks = grouping("period=week&duration=2").periods().expect("by period").clone();
    assert_eq!((weeks.period(), weeks.len()), (Period::Week, 2));
}

#[test]
fn groups_say_what_is_grouped_collected_and_sorted() {
    let query = format!(
        "{DAYS}&period=week&group_by=channel&group_by=sector&group_by=channel&collect=count:sum&collect=stage\
         &collect=stage:set&sort_by=count:sum:descending&limit=3&flatten=true"
    );
    let grouping = grouping(&query);
    assert_eq!(grouping.keys().iter().map(FieldName::as_str).collect::<Vec<_>>(), ["channel", "sector"]);
    let columns: Vec<_> = grouping.collect().iter().map(|c| (c.column(), c.is_plain())).collect();
    assert_eq!(columns, [("count:sum".to_owned(), false), ("stage:set".to_owned(), true)]);
    let order = GroupOrder { column: GroupColumn::Collected(0), direction: Direction::Descending };
    assert_eq!(grouping.order(), Some(&order));
    assert_eq!((grouping.limit(), grouping.layout()), (Some(3), Layout::Flat));
}

#[test]
fn the_rows_of_a_query_decide_what_it_can_be_sorted_by() {
    let by = |text: &str| grouping(text).order().expect("sorted").column;
    assert_eq!(by("group_by=kind&sort_by=kind:ascending"), GroupColumn::Key(0));
    assert_eq!(by("group_by=kind&sort_by=_count:ascending"), GroupColumn::Count);
    assert_eq!(by("group_by=kind&collect=aa&sort_by=aa:ascending"), GroupColumn::Collected(0));
    let nested = "group_by=kind&period=day&duration=9";
    assert_eq!(by(&format!("{nested}&sort_by=_group_count:ascending")), GroupColumn::GroupCount);
    assert_eq!(by(&format!("{nested}&flatten=true&sort_by=_end_at:ascending")), GroupColumn::Period);
}

#[test]
fn what_the_contract_refuses_is_refused_by_name() {
    for (query, parameter) in [
        ("colour=red", "colour"),
        ("START_AT=2013-03-11T00:00:00Z", "START_AT"),
        ("period=week&period=week&duration=2", "period"),
        ("limit=1&limit=1", "limit"),
        ("start_at=2013-03-11T00:00:00Z", "start_at"),
        ("end_at=2013-03-11T00:00:00Z", "end_at"),
        ("start_at=2013-03-25T00:00:00Z&end_at=2013-03-11T00:00:00Z", "start_at"),
        ("start_at=2013-03-11&end_at=2013-03-25", "start_at"),
        ("start_at=2013-03-11T00:00:00&end_at=2013-03-25T00:00:00Z", "start_at"),
        ("start_at=2013-03-11T00:00:00Z&end_at=2013-03-25T00:00:00 01:00", "end_at"),
        ("start_at=2013-02-30T00:00:00Z&end_at=2013-03-25T00:00:00Z", "start_at"),
        ("start_at=é2013-03-11T00:00:00Z&end_at=2013-03-25T00:00:00Z", "start_at"),
        ("start_at=&end_at=", "start_at"),
        ("inclusive=1", "inclusive"),
        ("period=week", "period"),
        ("period=fortnight&duration=2", "period"),
        ("period=week&start_at=2013-03-11T00:00:00Z", "start_at"),
        ("duration=2", "duration"),
        ("period=week&duration=0", "duration"),
        ("period=week&duration=-1", "duration"),
        ("period=week&duration=+1", "duration"),
        ("period=week&duration=1.5", "duration"),
        ("period=week&duration=99999999999", "duration"),
        ("period=hour&duration=100001", "duration"),
        ("period=year&duration=3000", "duration"),
        ("period=week&duration=2&start_at=2013-03-11T00:00:00Z&end_at=2013-03-25T00:00:00Z", "duration"),
        ("period=hour&start_at=0001-01-01T00:00:00Z&end_at=9999-12-31T00:00:00Z", "period"),
        ("filter_by=name", "filter_by"),
        ("filter_by=$where:1", "filter_by"),
        ("filter_by=name:a\0b", "filter_by"),
        ("filter_by=name:x&filter_by_prefix=name:x", "filter_by_prefix"),
        ("filter_by_prefix=name", "filter_by_prefix"),
        ("group_by=_timestamp", "group_by"),
        ("group_by=", "group_by"),
        ("group_by=a-b", "group_by"),
        ("collect=count:sum", "collect"),
        ("group_by=kind&collect=_id", "collect"),
        ("group_by=kind&collect=kind", "collect"),
        ("group_by=kind&collect=aa:bb:cc", "collect"),
        ("group_by=kind&collect=aa:sum:", "collect"),
        (
            "group_by=kind&collect=aa:mode",
            "sum, mean, count, set, min, max, median and the percentiles p1 to p99",
        ),
        ("group_by=kind&collect=aa:p0", "collect"),
        ("group_by=kind&collect=aa:p05", "collect"),
        ("group_by=kind&collect=aa:p100", "collect"),
        ("group_by=kind&collect=aa:p+5", "collect"),
        ("collect=aa", "`group_by` or `period`"),
        ("timezone=Europe/London", "timezone"),
        ("period=day&duration=9&timezone=Europe/Londinium", "timezone"),
        ("period=day&duration=9&timezone=", "timezone"),
        ("filter_by_any=name", "filter_by_any"),
        ("filter_by_comparison=name:x", "gt, gte, lt, lte and ne"),
        ("filter_by_comparison=name:eq:x", "gt, gte, lt, lte and ne"),
        ("filter_by_comparison=_timestamp:gt:soon", "_timestamp"),
        ("filter_by_comparison=_updated_at:ne:soon", "_updated_at"),
        ("filter_by_comparison=name:gt:a\0", "NUL"),
        ("latest_by=_id", "latest_by"),
        ("latest_by=kind&group_by=kind", "latest_by"),
        ("fields=", "fields"),
        ("fields=name,,count", "fields"),
        ("fields=name&period=day&duration=9", "fields"),
        ("cursor=abc&limit=2", "cursor"),
        ("cursor=WzEsIl90aW1lc3RhbXA6YXNjZW5kaW5nIiwiMjAxMy0wMy0xMSIsImEiXQ", "limit"),
        ("cursor=abc&group_by=kind", "cursor"),
        ("compare=year", "compare"),
        ("compare=year&group_by=kind", "compare"),
        ("compare=last&period=day&duration=9", "compare"),
        ("group_by=kind&collect=aa:", "collect"),
        ("group_by=kind&collect=$aa:sum", "collect"),
        ("group_by=values&period=day&duration=9", "group_by"),
        ("group_by=kind&collect=values&period=day&duration=9", "collect"),
        ("sort_by=name", "sort_by"),
        ("sort_by=name:up", "sort_by"),
        ("sort_by=na.me:ascending", "sort_by"),
        ("sort_by=value:sum:ascending", "sort_by"),
        ("group_by=kind&sort_by=value:sum:ascending", "sort_by"),
        ("group_by=kind&sort_by=_group_count:ascending", "sort_by"),
        ("period=day&duration=9&sort_by=_count:ascending", "sort_by"),
        ("period=day&duration=9&limit=3", "limit"),
        ("limit=-1", "limit"),
        ("limit=4294967296", "limit"),
        ("limit=", "limit"),
        ("flatten=yes", "flatten"),
        ("format=yaml", "json, csv, ndjson, xlsx"),
    ] {
        let error = parse(query).expect_err(query);
        assert_eq!(error.code, ErrorCode::InvalidQuery);
        assert!(error.message.contains(parameter), "{query}: {} does not name it", error.message);
    }
}

#[test]
fn filters_can_be_alternatives_and_comparisons() {
    let filters = |query: &str| parse(query).expect("valid").selection().filters().to_vec();
    let field = |name: &str| FieldName::parse("filter_by", name).expect("a field");
    assert_eq!(
        filters("filter_by_any=channel:a,b&filter_by_any=paid:true&filter_by_any=channel:7"),
        [
            Filter::OneOf { field: field("channel"), values: vec!["a,b".into(), "7".into(), 7.into()] },
            Filter::OneOf { field: field("paid"), values: vec!["true".into(), true.into()] },
        ]
    );
    let bound = |text: &str| match filters(&format!("filter_by_comparison={text}")).remove(0) {
        Filter::Compares { inequality, bound, .. } => (inequality, bound),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(bound("count:gte:10"), (Inequality::GreaterOrEqual, 10.into()));
    assert_eq!(bound("count:lt:-1.5"), (Inequality::Less, (-1.5).into()));
    assert_eq!(bound("name:gt:a:b"), (Inequality::Greater, "a:b".into()));
    assert_eq!(bound("_id:lte:10"), (Inequality::LessOrEqual, "10".into()));
    assert_eq!(bound("_timestamp:gt:2013-03-11"), (Inequality::Greater, "2013-03-11T00:00:00+00:00".into()));
    assert_eq!(
        filters("filter_by_comparison=status:ne:200"),
        [Filter::NoneOf { field: field("status"), values: vec!["200".into(), 200.into()] }]
    );
}

#[test]
fn records_can_be_the_latest_ones_with_the_fields_that_are_wanted() {
    let query =
        parse("latest_by=service&latest_by=kind&fields=service,count&fields=_id&limit=2").expect("valid");
    let Answer::Rows(listing) = query.answer() else { panic!("records") };
    let names = |fields: &[FieldName]| fields.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(listing.latest_by()), ["service", "kind"]);
    assert_eq!(names(listing.fields()), ["service", "count", "_id"]);
}

#[test]
fn a_window_moves_only_if_it_is_counted_and_not_flat() {
    assert_eq!(grouping("period=day&duration=9").moving_window(), Some(Counted::Back));
    let forward = "period=day&duration=9&start_at=2013-03-11T00:00:00Z";
    assert_eq!(grouping(forward).moving_window(), Some(Counted::Forward));
    assert_eq!(grouping("period=day&duration=9&flatten=true").moving_window(), None);
    assert_eq!(grouping(&format!("{DAYS}&period=day")).moving_window(), None);
}

#[test]
fn repetition_is_bounded() {
    let many = |pair: &str, count: usize| (0..count).map(|n| format!("&{pair}{n:03}")).collect::<String>();
    assert!(parse(&format!("group_by=kind{}", many("collect=field", 100))).is_ok());
    for query in [many("group_by=field", 11), many("filter_by=field:", 101)] {
        assert!(parse(&query).is_err());
    }
    assert!(parse(&format!("group_by=kind{}", many("collect=field", 101))).is_err());
}

#[test]
fn a_protected_data_set_asks_for_groups_of_whole_days_over_a_week() {
    let protected = DataSetSettings::default();
    let open = DataSetSettings { raw_queries_allowed: true, ..DataSetSettings::default() };
    let ends = |start: &str, end: &str| format!("&start_at={start}&end_at={end}");
    for (query, expected) in [
        (String::new(), Err("raw")),
        (ends("2013-03-11T00:00:00Z", "2013-03-25T00:00:00Z"), Err("raw")),
        ("&group_by=kind".into(), Ok(())),
        ("&group_by=kind&filter_by=_id:x".into(), Err("_id")),
        ("&group_by=kind&filter_by_prefix=_timestamp:2013".into(), Err("_timestamp")),
        ("&group_by=kind&filter_by_comparison=_updated_at:gt:2013-03-11".into(), Err("_updated_at")),
        ("&group_by=kind&filter_by_any=_start_at:2013-03-11".into(), Err("_start_at")),
        ("&period=hour&duration=9&filter_by=_id:x".into(), Ok(())),
        ("&period=day&duration=1".into(), Ok(())),
        (format!("&group_by=kind{}", ends("2013-03-11T00:00:00Z", "2013-03-18T00:00:00Z")), Ok(())),
        (format!("&group_by=kind{}", ends("2013-03-11T00:00:01Z", "2013-03-25T00:00:00Z")), Err("start_at")),
        (
            format!("&group_by=kind{}", ends("2013-03-11T00:00:00Z", "2013-03-25T01:00:00+02:00")),
            Err("end_at"),
        ),
        (format!("&period=day{}", ends("2013-03-11T00:00:00Z", "2013-03-17T00:00:00Z")), Err("7 days")),
        (format!("&period=week{}", ends("2013-03-12T00:00:00Z", "2013-03-25T00:00:00Z")), Err("Monday")),
        (format!("&period=month{}", ends("2013-03-01T00:00:00Z", "2013-04-02T00:00:00Z")), Err("first")),
        (format!("&period=month{}", ends("2013-03-01T00:00:00Z", "2013-04-01T00:00:00Z")), Ok(())),
        (format!("&period=quarter{}", ends("2013-03-02T00:00:00Z", "2013-06-02T00:00:00Z")), Ok(())),
        (format!("&period=hour{}", ends("2013-03-11T01:30:00Z", "2013-03-11T04:00:00Z")), Ok(())),
        ("&period=day&duration=9&end_at=2013-03-11T01:30:00Z".into(), Err("end_at")),
        (
            "&period=day&duration=9&end_at=2013-07-11T00:00:00Z&timezone=Europe/London".into(),
            Err("Europe/London"),
        ),
        ("&period=day&duration=9&end_at=2013-07-11T00:00:00+01:00&timezone=Europe/London".into(), Ok(())),
    ] {
        let parsed = parse(query.trim_start_matches('&')).expect("valid");
        assert_eq!(parsed.check_allowed(&open), Ok(()), "{query}");
        match (parsed.check_allowed(&protected), expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(part)) => assert!(error.message.contains(part), "{query}: {}", error.message),
            (found, expected) => panic!("{query}: expected {expected:?}, found {found:?}"),
        }
    }
}

#[test]
fn queries_that_ask_for_something_else_have_another_fingerprint() {
    let queries = [
        "",
        "limit=1",
        "format=csv",
        "filter_by=kind:1",
        "filter_by_prefix=kind:1",
        "sort_by=kind:ascending",
        "sort_by=kind:descending",
        "group_by=kind",
        "group_by=sector",
        "group_by=kind&collect=aa",
        "group_by=kind&collect=aa:set",
        "period=week&duration=2",
        "period=week&duration=3",
        "period=week&duration=2&end_at=2013-03-31T23:00:00Z&group_by=kind",
        "period=week&duration=2&end_at=2013-03-31T23:00:00Z&group_by=kind&flatten=true",
    ];
    let fingerprints: Vec<_> = queries.map(|query| parse(query).expect(query).fingerprint()).into();
    for (index, fingerprint) in fingerprints.iter().enumerate() {
        assert!(!fingerprints[..index].contains(fingerprint), "{}", queries[index]);
    }
    let again = parse("group_by=kind&period=week&duration=2").expect("valid");
    assert_eq!(
        again.fingerprint(),
        parse("period=week&duration=2&group_by=kind").expect("valid").fingerprint()
    );
}

#[test]
fn only_what_counts_back_from_now_follows_the_clock() {
    for (query, follows) in [
        ("period=week&duration=2", true),
        ("period=week&duration=2&group_by=kind&format=csv", true),
        ("period=week&duration=2&end_at=2013-03-31T23:00:00Z", false),
        ("period=week&duration=2&start_at=2013-03-31T23:00:00Z", false),
        ("period=week&start_at=2013-03-31T23:00:00Z&end_at=2013-04-30T23:00:00Z", false),
        ("start_at=2013-03-31T23:00:00Z&end_at=2013-04-30T23:00:00Z", false),
        ("", false),
    ] {
        let parsed = parse(query).expect(query);
        assert_eq!(parsed.follows_the_clock(), follows, "{query}");
        let pairs: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let later = Query::parse(&pairs, at("2031-05-05T05:05:05Z")).expect(query);
        assert_eq!(later != parsed, follows, "{query}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(
        name in prop::sample::select(vec![
            "other",
        ].into_iter().chain(PARAMETERS.iter().copied()).collect::<Vec<_>>()),
        value in "\\PC*",
    ) {
        for with in ["", "period=week&duration=2", "group_by=kind"] {
            let mut pairs: Vec<_> = with.split('&').filter_map(|pair| pair.split_once('=')).collect();
            pairs.push((name, &value));
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            let _ = Query::parse(&pairs, at(NOW));
        }
    }
}
