//! What is wrong before anybody looks at what the body says: sizes, encodings, slowness, lengths.

use crate::bytes::{TOO_MANY_BYTES, gzip, gzip_bomb, zstd, zstd_bomb, zstd_with_large_window};
use crate::row::{RECORDS, Row};
use crate::wire::Body;

pub(crate) fn rows() -> Vec<Row> {
    [bodies(), encodings(), sizes(), slow(), heads()].into_iter().flatten().collect()
}

fn bodies() -> Vec<Row> {
    let zero = "received zero bytes";
    vec![
        Row::post("zero bytes", "").refused(400, "empty_body").says(zero),
        Row::post("no body at all", "").body(Body::Nothing).refused(400, "empty_body").says(zero),
        Row::post("zero bytes in no chunk", "")
            .body(Body::Chunked(Vec::new()))
            .refused(400, "empty_body")
            .says(zero),
        Row::post("zero bytes as gzip", "")
            .header("Content-Encoding", "gzip")
            .refused(400, "empty_body")
            .says(zero),
        Row::post("zero bytes, no type", "").without("Content-Type").refused(400, "empty_body").says(zero),
        Row::post("zero bytes as CSV", "").of_type("text/csv").refused(400, "empty_body").says("zero bytes"),
        Row::post("white space only", " \r\n\t ").refused(400, "invalid_json").refused(400, "empty_body"),
        Row::post("no content type", "[{}]")
            .without("Content-Type")
            .refused(400, "unsupported_content_type")
            .says("Expected header: Content-type: application/json"),
        Row::post("text/plain", "[{}]")
            .of_type("text/plain")
            .refused(400, "unsupported_content_type")
            .says("Expected header: Content-type: application/json"),
        Row::post("a form", "aa=1")
            .of_type("application/x-www-form-urlencoded")
            .refused(400, "unsupported_content_type")
            .says("application/json"),
        Row::post("a content type that is none", "[{}]")
            .of_type("json")
            .refused(400, "unsupported_content_type")
            .says("application/json"),
        Row::of("PUT of CSV", "PUT", RECORDS, Body::Announced(b"aa\r\n".to_vec()))
            .of_type("text/csv")
            .refused(400, "unsupported_content_type")
            .says("application/json"),
    ]
}

fn encodings() -> Vec<Row> {
    let good = b"[{\"_id\":\"bad\"}]";
    let encoded = |name: &str, encoding: &str, body: Vec<u8>| {
        Row::post(name, body).header("Content-Encoding", encoding)
    };
    let cut = |whole: Vec<u8>| whole[..whole.len() - 6].to_vec();
    vec![
        encoded("an encoding nobody knows", "br", good.to_vec())
            .refused(415, "unsupported_encoding")
            .says("gzip"),
        encoded("gzip twice", "gzip, gzip", gzip(&gzip(good)))
            .refused(415, "unsupported_encoding")
            .says("gzip"),
        encoded("gzip, then zstd", "gzip, zstd", zstd(&gzip(good)))
            .refused(415, "unsupported_encoding")
            .says("gzip"),
        encoded("two headers of encoding", "gzip", gzip(good))
            .header("Content-Encoding", "gzip")
            .refused(415, "unsupported_encoding"),
        encoded("an encoding of bytes", "\u{e9}", good.to_vec()).refused(415, "unsupported_encoding"),
        encoded("truncated gzip", "gzip", cut(gzip(good))).refused(400, "invalid_encoding").says("gzip"),
        encoded("half a head of gzip", "gzip", gzip(good)[..4].to_vec())
            .refused(400, "invalid_encoding")
            .says("gzip"),
        encoded("gzip with another checksum", "gzip", {
            let mut bytes = gzip(good);
            let at = bytes.len() - 8;
            bytes[at] ^= 1;
            bytes
        })
        .refused(400, "invalid_encoding")
        .says("gzip"),
        encoded("bytes after the end of gzip", "gzip", [gzip(good), b"more".to_vec()].concat())
            .refused(400, "invalid_encoding")
            .says("after the end"),
        encoded("plain JSON called gzip", "gzip", good.to_vec())
            .refused(400, "invalid_encoding")
            .says("gzip"),
        encoded("gzip called nothing", "identity", gzip(good)).refused(400, "invalid_json").says("UTF-8"),
        encoded("truncated zstd", "zstd", cut(zstd(good))).refused(400, "invalid_encoding").says("zstd"),
        encoded("bytes after the end of zstd", "zstd", [zstd(good), b"more".to_vec()].concat())
            .refused(400, "invalid_encoding"),
        encoded("plain JSON called zstd", "zstd", good.to_vec())
            .refused(400, "invalid_encoding")
            .says("zstd"),
        encoded("zstd with a window of 2 GiB", "zstd", zstd_with_large_window())
            .refused(400, "invalid_encoding")
            .refused(413, "too_large"),
    ]
}

fn sizes() -> Vec<Row> {
    let too_many = vec![b' '; TOO_MANY_BYTES];
    let several = "several requests";
    vec![
        Row::post("a length over the limit", too_many.clone()).refused(413, "too_large").says(several),
        Row::post("a length of 2^63, and nothing after it", "")
            .header("Content-Length", "9223372036854775808")
            .body(Body::Raw(Vec::new()))
            .refused(413, "too_large"),
        Row::post("chunks over the limit", "")
            .body(Body::Chunked(too_many))
            .refused(413, "too_large")
            .says(several),
        Row::post("a bomb of gzip", gzip_bomb())
            .header("Content-Encoding", "gzip")
            .refused(413, "too_large")
            .says(several),
        Row::post("a bomb of zstd", zstd_bomb())
            .header("Content-Encoding", "zstd")
            .refused(413, "too_large")
            .says(several),
        Row::post("a bomb of gzip in chunks", "")
            .header("Content-Encoding", "gzip")
            .body(Body::Chunked(gzip_bomb()))
            .refused(413, "too_large"),
        Row::post("30,001 records", format!("[{}{{}}]", "{},".repeat(30_000)))
            .refused(413, "too_large")
            .says("30001")
            .says("30000"),
        Row::post("30,001 lines", "{}\n".repeat(30_001))
            .of_type("application/x-ndjson")
            .refused(413, "too_large")
            .says("30000"),
        Row::post("30,001 rows", format!("aa\n{}", "1\n".repeat(30_001)))
            .of_type("text/csv")
            .refused(413, "too_large")
            .says("30000"),
    ]
}

fn slow() -> Vec<Row> {
    let slow = Body::Slow(b"[{\"_id\":\"bad\"}]                                            ".to_vec());
    vec![
        Row::post("a body that drips", "").body(slow).refused(408, "slow_body").says("within"),
        Row::bare("a head that drips", "GET", "/_status").body(Body::SlowHead).refused(408, ""),
        Row::post("a chunk that never comes", "")
            .header("Transfer-Encoding", "chunked")
            .body(Body::Raw(b"10\r\n[{".to_vec()))
            .refused(408, "slow_body"),
    ]
}

/// Heads that HTTP itself does not allow are answered before there is a request, without a body of ours.
fn heads() -> Vec<Row> {
    let long = |bytes: usize| "x".repeat(bytes);
    let chunks = || Body::Raw(b"2\r\n[]\r\n0\r\n\r\n".to_vec());
    vec![
        Row::post("both a length and chunks", "")
            .header("Content-Length", "2")
            .header("Transfer-Encoding", "chunked")
            .body(chunks())
            .refused(400, ""),
        Row::post("two lengths", "")
            .header("Content-Length", "2")
            .header("Content-Length", "3")
            .body(chunks())
            .refused(400, ""),
        Row::post("a length that is none", "").header("Content-Length", "-1").body(chunks()).refused(400, ""),
        Row::post("a chunk whose size is none", "")
            .header("Transfer-Encoding", "chunked")
            .body(Body::Raw(b"zz\r\n[]\r\n0\r\n\r\n".to_vec()))
            .refused(400, "invalid_encoding"),
        Row::bare("a header of 200 KB", "GET", "/_status")
            .header("X-Long", long(200_000))
            .refused(431, "")
            .refused(400, ""),
        Row::bare("200 headers", "GET", "/_status")
            .header("X-Many", format!("1{}", "\r\nX-Many: 1".repeat(200)))
            .refused(431, "")
            .refused(400, ""),
        Row::post("10 KB of header, and no token", "[{}]")
            .without("Authorization")
            .header("X-Long", long(10_240))
            .refused(401, "missing_token"),
        Row::bare("a URL of 64 KB", "GET", format!("/{}", long(65_536))).refused(414, "uri_too_long"),
        Row::post("a URL of 64 KB with a body", "[]")
            .to(format!("{RECORDS}?{}", long(65_536)))
            .refused(414, "uri_too_long"),
        Row::bare("a broken percent-encoding", "GET", "/data/bad/%ff/rejected")
            .refused(404, "data_set_not_found")
            .refused(400, "invalid_query"),
        Row::bare("a path that is none", "GET", "/nothing/here").refused(404, "not_found"),
        Row::bare("a slash too many", "POST", "/data/bad/records/").refused(404, "not_found"),
        Row::bare("POST /_status", "POST", "/_status").refused(405, "method_not_allowed").says("GET"),
        Row::bare("GET of what takes writes", "GET", RECORDS).refused(405, "method_not_allowed").says("POST"),
        Row::bare("DELETE of all records", "DELETE", RECORDS).refused(405, "method_not_allowed").says("PUT"),
        Row::bare("a method nobody knows", "FROBNICATE", RECORDS).refused(405, "method_not_allowed"),
        Row::post("a preference that cannot be followed", "[]")
            .header("Prefer", "wait=61")
            .refused(400, "invalid_header")
            .says("Prefer")
            .says("60"),
        Row::post("a wait that is no number", "[]")
            .header("Prefer", "wait=soon")
            .refused(400, "invalid_header")
            .says("wait"),
    ]
}
