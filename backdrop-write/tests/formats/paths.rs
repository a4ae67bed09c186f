//! The ways in: by content type, as an upload, by name.

use super::{CSV, PATH, assert_says, send, stack, stored};
use backdrop_testing::{Answer, Client};
use serde_json::json;

/// A form with these parts: headers and contents.
fn upload(writer: &Client, path: &str, parts: &[(&str, &str)]) -> Answer {
    let mut body = String::new();
    for (headers, content) in parts {
        body.push_str(&format!("--frontier\r\n{headers}\r\n\r\n{content}\r\n"));
    }
    body.push_str("--frontier--\r\n");
    send(writer, path, "multipart/form-data; boundary=frontier", body)
}

const FILE: &str = "Content-Disposition: form-data; name=\"file\"; filename=";

#[tokio::test(flavor = "multi_thread")]
async fn one_file_is_uploaded_in_any_format() {
    let (stack, writer) = stack().await;
    let path = format!("{PATH}/upload");
    let by_name = format!("{FILE}\"figures.csv\"\r\nContent-Type: application/octet-stream");
    let token = ("Content-Disposition: form-data; name=\"csrf\"", "abc");
    upload(&writer, &path, &[token, (&by_name, "_id,count\na,1\n")]).expect(200);
    let by_type = format!("{FILE}\"figures\"\r\nContent-Type: application/json");
    upload(&writer, &path, &[(&by_type, r#"{"_id":"b","count":2}"#)]).expect(200);
    assert_eq!(stored(&stack), [json!({"_id": "a", "count": 1}), json!({"_id": "b", "count": 2})]);

    for (parts, code, part) in [
        (vec![], "invalid_upload", "found none"),
        (vec![token], "invalid_upload", "found none"),
        (vec![(by_name.as_str(), "_id\na"), (by_name.as_str(), "_id\nb")], "invalid_upload", "more than one"),
        (vec![(by_name.as_str(), "")], "empty_body", "The file is empty"),
        (vec![(by_name.as_str(), "_id,count\na\n")], "invalid_csv", "line 2: "),
    ] {
        let answer = upload(&writer, &path, &parts).expect(400);
        assert_says(&answer, part);
        assert_eq!(answer.json()["code"], code);
    }
    let text = format!("{FILE}\"figures.txt\"\r\nContent-Type: text/plain");
    assert_says(&upload(&writer, &path, &[(&text, "a")]).expect(400), ".csv, .xlsx");
    let broken_off =
        "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n_id\na";
    let answer = send(&writer, &path, "multipart/form-data; boundary=frontier", broken_off).expect(400);
    assert_eq!(answer.json()["code"], "invalid_upload");
    assert_says(&send(&writer, &path, CSV, "_id\na\n").expect(400), "multipart/form-data");
    assert_eq!(writer.get(&path).expect(405).header("allow"), Some("POST, PATCH, DELETE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_by_name_is_deprecated_and_works() {
    let (stack, writer) = stack().await;
    let answer = writer.post("/group_kind", &json!({"_id": "a"})).expect(200);
    assert_eq!(answer.header("deprecation"), Some("@1388534400"));
    assert_eq!(answer.header("link"), Some("</data/group/kind>; rel=\"successor-version\""));
    let message = answer.json()["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("Deprecated") && message.contains("/data/group/kind"), "{message}");
    send(&writer, "/group_kind", CSV, "_id\nb\n").expect(200);
    assert_eq!(stored(&stack).len(), 2);
    let refused = send(&writer, "/group_kind", CSV, "_id,_id\nb,b\n").expect(400);
    assert_eq!(refused.header("deprecation"), Some("@1388534400"));

    assert_eq!(writer.post("/nothing", &json!({})).expect(404).json()["code"], "data_set_not_found");
    writer.post("/_private", &json!({})).expect(404);
    writer.post("/metrics", &json!({})).expect(405);
    assert_eq!(writer.post("/_status", &json!({})).expect(405).header("allow"), Some("GET, HEAD"));
    assert_eq!(writer.get("/group_kind").expect(405).header("allow"), Some("POST"));
    assert_eq!(stack.administrator().get("/data-sets").expect(200).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn types_and_encodings_that_are_not_taken_are_told_from_those_that_are() {
    let (_stack, writer) = stack().await;
    for content_type in ["text/plain", "application/xml", "multipart/form-data; boundary=a"] {
        let answer = send(&writer, PATH, content_type, "{}").expect(400);
        assert_says(&answer, "Expected header: Content-type: application/json");
        assert_eq!(answer.json()["code"], "unsupported_content_type");
    }
    let csv = writer.with_header("Content-Type", CSV);
    csv.send("PUT", PATH, b"_id\n".to_vec()).expect("an answer").expect(400);
    for encoding in ["br", "gzip, zstd", "zstd, zstd"] {
        let writer = writer.with_header("Content-Encoding", encoding);
        let answer = send(&writer, PATH, "application/json", "{}").expect(415);
        assert_eq!(answer.header("accept-encoding"), Some("gzip, zstd"));
    }
    let zstd = writer.with_header("Content-Encoding", "zstd");
    assert_says(&send(&zstd, PATH, "application/json", "{}").expect(400), "not zstd as announced");
    // `[]` as one raw block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x02, 0x11, 0x00, 0x00, b'[', b']'];
    send(&zstd, PATH, "application/json", frame).expect(200);
    assert_says(
        &send(&zstd, PATH, "application/json", [&frame[..], b" "].concat()).expect(400),
        "There is more",
    );
}
