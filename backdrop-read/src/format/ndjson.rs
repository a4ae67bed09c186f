//! NDJSON: each row a line of JSON, without envelope.

use crate::answers::Rows;

pub(super) fn render(rows: &Rows) -> Vec<u8> {
    let mut body = Vec::new();
    match rows {
        // Postgres prints JSON in one line: a line break within a text is escaped.
        Rows::Records(records) => {
            for record in records {
                body.extend_from_slice(record.get().as_bytes());
                body.push(b'\n');
            }
        }
        Rows::Groups(groups) => {
            for group in groups {
                serde_json::to_writer(&mut body, group).expect("a row can be written, and so can memory");
                body.push(b'\n');
            }
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::super::table::{records_of, rows_of};
    use super::*;
    use serde_json::json;

    #[test]
    fn each_row_is_a_line() {
        let rows = rows_of(&json!([{"name": "two\nlines", "values": [{"_count": 1}]}, {"name": null}]));
        let lines = "{\"name\":\"two\\nlines\",\"values\":[{\"_count\":1}]}\n{\"name\":null}\n";
        assert_eq!(String::from_utf8(render(&rows)).as_deref(), Ok(lines));
        let records = records_of(&[r#"{"_id":"1", "fee": 1.50}"#, r#"{"_id":"2"}"#]);
        assert_eq!(render(&records), b"{\"_id\":\"1\", \"fee\": 1.50}\n{\"_id\":\"2\"}\n");
        assert_eq!(render(&Rows::Groups(vec![])), b"");
    }
}
