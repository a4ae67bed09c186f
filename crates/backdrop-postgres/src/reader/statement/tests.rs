use super::*;
use backdrop_core::query::{Answer, Cursor, Query};
use backdrop_core::time;
use sqlx::types::Uuid;

const HOSTILE: &str = "x'); DROP TABLE record; --";

fn rendered(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let now = time::parse("2013-03-27T10:30:00Z").expect("a time");
    let query = Query::parse(&pairs, now).expect("a valid query");
    let version = DataVersion { generation: 3, version: 7, version_tag: Uuid::nil() };
    let statement = match query.answer() {
        Answer::Rows(listing) => rows(DataSetId(1), version, query.selection(), listing),
        Answer::Groups(grouping) => groups(DataSetId(1), version, query.selection(), grouping),
    };
    statement.into_string()
}

#[test]
fn records_are_listed_by_time_through_the_index() {
    assert_eq!(
        rendered(&[("start_at", "2013-03-11T00:00:00Z"), ("end_at", "2013-03-25T00:00:00Z")]),
        r#"SELECT id, "timestamp", updated_at, body::text AS body FROM record WHERE data_set_id = $1 AND generation = $2 AND "timestamp" >= $3 AND "timestamp" < $4 ORDER BY "timestamp" ASC, id COLLATE "C" ASC LIMIT $5"#
    );
    assert_eq!(
        rendered(&[("sort_by", "_timestamp:descending"), ("limit", "100")]),
        r#"SELECT id, "timestamp", updated_at, body::text AS body FROM record WHERE data_set_id = $1 AND generation = $2 ORDER BY "timestamp" DESC, id COLLATE "C" DESC LIMIT $3"#
    );
}

#[test]
fn a_field_is_sorted_by_type_then_by_value() {
    let statement = rendered(&[("sort_by", "pageviews:descending")]);
    let order = statement.split_once("ORDER BY ").expect("sorted").1;
    assert_eq!(
        order,
        "CASE jsonb_typeof(body -> $3) WHEN 'number' THEN 1 WHEN 'string' THEN 2 WHEN 'boolean' THEN 3 END \
         DESC NULLS LAST, \
         CASE WHEN jsonb_typeof(body -> $4) = 'number' THEN (body -> $5)::numeric END DESC NULLS LAST, \
         CASE WHEN jsonb_typeof(body -> $6) = 'string' THEN (body ->> $7) COLLATE \"C\" END DESC NULLS LAST, \
         CASE WHEN jsonb_typeof(body -> $8) = 'boolean' THEN (body -> $9)::boolean END DESC NULLS LAST, \
         id COLLATE \"C\" DESC LIMIT $10"
    );
}

#[test]
fn groups_are_made_of_fields_that_are_picked_once() {
    assert_eq!(
        rendered(&[
            ("period", "week"),
            ("duration", "9"),
            ("group_by", "channel"),
            ("group_by", "sector"),
            ("collect", "count:sum"),
            ("collect", "count:p90"),
            ("collect", "stage"),
        ]),
        "SELECT f0, f1, period, count(*) AS records\
         , sum(CASE WHEN jsonb_typeof(f2) = 'number' THEN f2::numeric END)::text\
         , count(*) FILTER (WHERE jsonb_typeof(f2) = 'number')\
         , bool_or(jsonb_typeof(f2) NOT IN ('number', 'null'))\
         , percentile_cont(0.90) WITHIN GROUP (ORDER BY CASE WHEN jsonb_typeof(f2) = 'number' THEN f2::float8 END)::text\
         , count(*) FILTER (WHERE jsonb_typeof(f2) = 'number')\
         , bool_or(jsonb_typeof(f2) NOT IN ('number', 'null'))\
         , jsonb_agg(DISTINCT f3) FILTER (WHERE jsonb_typeof(f3) <> 'null') \
         FROM (SELECT body -> $1 AS f0, body -> $2 AS f1, body -> $3 AS f2, body -> $4 AS f3, \
         width_bucket(\"timestamp\", $5) AS period \
         FROM record WHERE data_set_id = $6 AND generation = $7 \
         AND \"timestamp\" >= $8 AND \"timestamp\" < $9 \
         UNION ALL SELECT NULL::jsonb, NULL::jsonb, NULL::jsonb, NULL::jsonb, 0 FROM record WHERE data_set_id = 0) \
         AS selected WHERE jsonb_typeof(f0) <> 'null' AND jsonb_typeof(f1) <> 'null' \
         GROUP BY GROUPING SETS ((f0, f1, period), (f0, f1)) LIMIT 200001"
    );
}

#[test]
fn the_values_of_a_set_are_grouped_by_before_they_are_collected() {
    assert_eq!(
        rendered(&[
            ("group_by", "channel"),
            ("collect", "stage"),
            ("collect", "count:mean"),
            ("collect", "stage:count")
        ]),
        "SELECT f0, sum(records)::bigint AS records\
         , jsonb_agg(DISTINCT f1) FILTER (WHERE jsonb_typeof(f1) <> 'null')\
         , sum(value1)::text, sum(count1)::bigint, bool_or(others1), sum(count2)::bigint FROM (\
         SELECT f0, f1, count(*) AS records\
         , sum(CASE WHEN jsonb_typeof(f2) = 'number' THEN f2::numeric END) AS value1\
         , count(*) FILTER (WHERE jsonb_typeof(f2) = 'number') AS count1\
         , bool_or(jsonb_typeof(f2) NOT IN ('number', 'null')) AS others1\
         , count(*) FILTER (WHERE jsonb_typeof(f1) <> 'null') AS count2 \
         FROM (SELECT body -> $1 AS f0, body -> $2 AS f1, body -> $3 AS f2 \
         FROM record WHERE data_set_id = $4 AND generation = $5 \
         UNION ALL SELECT NULL::jsonb, NULL::jsonb, NULL::jsonb FROM record WHERE data_set_id = 0) \
         AS selected WHERE jsonb_typeof(f0) <> 'null' GROUP BY f0, f1) AS parts GROUP BY f0 LIMIT 100001"
    );
}

#[test]
fn filters_bind_every_meaning_of_their_text() {
    let condition = |name: &str, value: &str| {
        let statement = rendered(&[(name, value)]);
        let (_, rest) = statement.split_once("generation = $2 AND ").expect("a filter");
        rest.split_once(" ORDER BY").expect("sorted").0.to_owned()
    };
    assert_eq!(condition("filter_by", "name:x"), "body -> $3 = ANY($4)");
    assert_eq!(condition("filter_by_any", "name:x"), "body -> $3 = ANY($4)");
    assert_eq!(condition("filter_by", "_id:x"), "id = ANY($3)");
    assert_eq!(condition("filter_by", "_updated_at:x"), "updated_at = ANY($3)");
    assert_eq!(
        condition("filter_by_comparison", "name:ne:x"),
        "jsonb_typeof(body -> $3) <> 'null' AND body -> $4 <> ALL($5)"
    );
    assert_eq!(
        condition("filter_by_comparison", "count:gte:7"),
        "jsonb_typeof(body -> $3) = 'number' AND body -> $4 >= $5"
    );
    assert_eq!(
        condition("filter_by_comparison", "name:lt:x"),
        "jsonb_typeof(body -> $3) = 'string' AND body ->> $4 COLLATE \"C\" < $5"
    );
    assert_eq!(
        condition("filter_by_prefix", "name:x"),
        "jsonb_typeof(body -> $3) = 'string' AND starts_with(body ->> $4, $5)"
    );
    assert_eq!(condition("filter_by_prefix", "_id:x"), "starts_with(id, $3)");
}

#[test]
fn the_latest_records_are_picked_before_they_are_sorted() {
    assert_eq!(
        rendered(&[("latest_by", "service"), ("filter_by", "kind:x")]),
        "SELECT id, \"timestamp\", updated_at, body::text AS body FROM (SELECT DISTINCT ON (f0) * FROM \
         (SELECT *, body -> $1 AS f0 FROM record WHERE data_set_id = $2 AND generation = $3 \
         AND body -> $4 = ANY($5)) AS selected WHERE jsonb_typeof(f0) <> 'null' \
         ORDER BY f0, \"timestamp\" DESC, id COLLATE \"C\" DESC) AS latest WHERE true \
         ORDER BY \"timestamp\" ASC, id COLLATE \"C\" ASC LIMIT $6"
    );
}

#[test]
fn a_page_begins_after_the_place_of_its_cursor() {
    let after = |sort_by: &str, value: serde_json::Value| {
        let sorted = [("sort_by".to_owned(), sort_by.to_owned()), ("limit".to_owned(), "2".to_owned())];
        let now = time::parse("2013-03-27").expect("a time");
        let parse = |pairs: &[(String, String)]| Query::parse(pairs, now).expect("a valid query");
        let Answer::Rows(listing) = parse(&sorted).answer().clone() else { panic!("records") };
        let cursor = Cursor::new(value, "x".into()).encode(listing.order());
        let statement = rendered(&[("sort_by", sort_by), ("limit", "2"), ("cursor", &cursor)]);
        let (_, rest) = statement.split_once("generation = $2 AND ").expect("a condition");
        rest.split_once(" ORDER BY").expect("sorted").0.to_owned()
    };
    let now = "2013-03-27T00:00:00+00:00".into();
    assert_eq!(after("_timestamp:descending", now), r#"("timestamp", id COLLATE "C") < ($3, $4)"#);
    assert_eq!(after("_id:ascending", "x".into()), r#"id COLLATE "C" > $3"#);
    let rank =
        "CASE jsonb_typeof(body -> $3) WHEN 'number' THEN 1 WHEN 'string' THEN 2 WHEN 'boolean' THEN 3 END";
    assert_eq!(
        after("count:ascending", 7.into()),
        format!(
            "({rank} IS NULL OR {} > 1 OR (CASE WHEN jsonb_typeof(body -> $5) = 'number' \
             THEN (body -> $6)::numeric END, id COLLATE \"C\") > ($7::numeric, $8))",
            rank.replace("$3", "$4")
        )
    );
    assert_eq!(
        after("count:ascending", serde_json::Value::Null),
        format!(r#"({rank} IS NULL AND id COLLATE "C" > $4)"#)
    );
}

#[test]
fn nothing_of_a_client_stands_in_the_text_of_a_statement() {
    let filter = format!("secret_field:{HOSTILE}");
    for pairs in [
        &[("filter_by", filter.as_str()), ("sort_by", "secret_field:ascending")][..],
        &[
            ("filter_by_prefix", filter.as_str()),
            ("group_by", "secret_field"),
            ("collect", "secret_value:max"),
        ],
        &[("group_by", "secret_field"), ("sort_by", "secret_field:ascending"), ("limit", "31")],
    ] {
        let statement = rendered(pairs);
        for secret in ["secret", "DROP", "31"] {
            assert!(!statement.contains(secret), "{statement} contains {secret}");
        }
    }
}
