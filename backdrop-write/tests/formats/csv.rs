//! CSV.

use super::{CSV, PATH, assert_says, send, stack, stored};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn values_are_typed_and_the_schema_is_asked() {
    let (stack, writer) = stack().await;
    let body = "\u{feff}# by hand\n_id,_timestamp,code,count,share,late,note,comment\n\
                1,2013-03-11,007,12,0.5,true,\"7\",for people\n\
                2,2013-03-12T09:30:00Z,7,,1.50,no,\"a \"\"b\"\",\nc\",\n";
    send(&writer, PATH, "text/csv; charset=utf-8", body).expect(200);
    let expected = [
        json!({"_id": "1", "_timestamp": "2013-03-11T00:00:00+00:00", "code": "007", "count": 12, "share": 0.5,
               "late": true, "note": "7"}),
        json!({"_id": "2", "_timestamp": "2013-03-12T09:30:00+00:00", "code": "7", "count": null, "share": 1.5,
               "late": "no", "note": "a \"b\",\nc"}),
    ];
    assert_eq!(stored(&stack), expected);
    let broken = send(&writer, PATH, CSV, "_id,count\na,1\nb,many\n").expect(400);
    assert_says(&broken, "line 3: count: ");
    assert_eq!(broken.json()["errors"][0]["line"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_refuse_the_whole_file_at_the_door_and_are_told_by_line() {
    let (stack, writer) = stack().await;
    let ragged = send(&writer, PATH, CSV, "_id,count\na,1\nb\nc,1\ne\n").expect(400);
    let answer = ragged.json();
    assert_says(&ragged, "line 3: the first line has 2 fields, this one 1");
    assert_eq!((&answer["code"], &answer["errors_total"]), (&json!("invalid_csv"), &json!(2)));
    let fault = &answer["errors"][0];
    assert_eq!(
        (&fault["line"], &fault["count"], &fault["also"][0]["line"]),
        (&json!(3), &json!(2), &json!(5))
    );
    let old_encoding = send(&writer, PATH, CSV, b"_id,place\na,Leeds\nb,Orl\xe9ans\n".as_slice()).expect(400);
    assert_says(&old_encoding, "line 3: the text is not UTF-8; save the file as \"CSV UTF-8\"");
    assert_eq!(stored(&stack), Vec::<Value>::new());
    let rejected = writer.get(&format!("{PATH}/rejected")).expect(200).json();
    assert_eq!(rejected["rejected"], json!([]), "what is refused at the door is not queued");
    send(&writer, PATH, CSV, "_id,count\n").expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_value_under_a_reserved_key_is_left_out_and_bad_names_are_told_once() {
    let (stack, writer) = stack().await;
    send(&writer, PATH, CSV, "_id,_timestamp,count\na,,1\n").expect(200);
    assert_eq!(stored(&stack)[0]["count"], 1);
    let refused = send(&writer, PATH, CSV, "_id,Date of visit\na,1\nb,2\n").expect(400);
    assert_says(&refused, "line 1: cannot be keys of records: \"Date of visit\" (column 2)");
    assert_eq!(refused.json()["code"], "invalid_key");
}
