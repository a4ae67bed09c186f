//! Text in lines: CSV and JSON lines. The person is told which line.

use crate::row::{Row, STRICT};

pub(crate) fn rows() -> Vec<Row> {
    [csv(), ndjson()].into_iter().flatten().collect()
}

fn csv() -> Vec<Row> {
    let csv = |name: &str, body: &[u8]| Row::post(format!("CSV: {name}"), body).of_type("text/csv");
    let invalid =
        |name: &str, body: &[u8]| csv(name, body).refused(400, "invalid_csv").refused(400, "invalid_records");
    vec![
        invalid("a row with a field too many", b"aa,bb\n1,2\n1,2,3\n").says("line 3"),
        invalid("a row with a field too few", b"aa,bb\n1,2\n3,4\n5\n").says("line 4"),
        invalid("Windows-1252", b"aa,bb\n1,caf\xe9\n").says("line 2").says("UTF-8"),
        invalid("UTF-16", b"\xff\xfea\0a\0\n\x001\0\n\0").says("UTF-8"),
        invalid("a quote that does not end", b"aa,bb\n1,\"two\n3,4\n").says("line 2"),
        invalid("a column twice", b"aa,bb,aa\n1,2,3\n").says("aa"),
        invalid("a column without a name", b"aa,,bb\n1,2,3\n").says("column 2"),
        invalid("NUL", b"aa,bb\n1,t\0o\n").refused(400, "invalid_json").says("NUL"),
        csv("a name that is no key", b"aa,Bad Key\n1,2\n").refused(400, "invalid_key").says("Bad Key"),
        csv("semicolons", b"aa;bb\n1;2\n").refused(400, "invalid_csv").refused(400, "invalid_key"),
        csv("only an empty line", b"\n").refused(400, "empty_body").refused(400, "invalid_csv"),
        csv("an _id with a space", b"_id,aa\n\"a b\",1\n").blamed("invalid_id").says("line 2"),
        csv("a bad time after a comment", b"_timestamp,aa\n# two of them\n\n2013-03-11,1\nsoon,2\n")
            .blamed("invalid_time")
            .says("line 5")
            .says("_timestamp"),
        csv("a text for an integer", b"count\n1\nmany\n")
            .to(STRICT)
            .blamed("schema_violation")
            .says("line 3")
            .says("integer"),
        csv("a text for an integer, after a text of two lines", b"count,text\n1,\"a\nb\"\nmany,c\n")
            .to(STRICT)
            .blamed("schema_violation")
            .says("line 4"),
    ]
}

fn ndjson() -> Vec<Row> {
    let lines =
        |name: &str, body: &str| Row::post(format!("lines: {name}"), body).of_type("application/x-ndjson");
    let invalid = |name: &str, body: &str| {
        lines(name, body).refused(400, "invalid_json").refused(400, "invalid_records")
    };
    vec![
        invalid("line 7", &format!("{}{{borked!}}\n{{}}\n", "{\"aa\":1}\n".repeat(6))).says("line 7"),
        invalid("line 3 after an empty one", "{\"aa\":1}\n\n{\"aa\":}\n").says("line 3"),
        invalid("two records in a line", "{\"aa\":1} {\"aa\":2}\n").says("line 1"),
        invalid("a key twice", "{\"aa\":1}\n{\"aa\":1,\"aa\":2}\n").says("line 2").says("aa"),
        invalid("2^64", "{\"aa\":18446744073709551616}\n").says("64 bits"),
        invalid("NUL", "{\"aa\":\"\\u0000\"}\n").says("NUL"),
        Row::post("lines: invalid UTF-8", b"{\"aa\":1}\n{\"aa\":\"\xff\"}\n".to_vec())
            .of_type("application/x-ndjson")
            .refused(400, "invalid_json")
            .refused(400, "invalid_records")
            .says("UTF-8"),
        lines("a scalar", "{\"aa\":1}\n7\n")
            .refused(400, "not_records")
            .refused(400, "invalid_json")
            .refused(400, "invalid_records")
            .says("line 2"),
        lines("a list", "[{\"aa\":1}]\n")
            .refused(400, "not_records")
            .refused(400, "invalid_json")
            .refused(400, "invalid_records")
            .says("line 1"),
        lines("a text for an integer", "{\"count\":1}\n\n{\"count\":\"many\"}\n")
            .to(STRICT)
            .blamed("schema_violation")
            .says("line 3"),
    ]
}
