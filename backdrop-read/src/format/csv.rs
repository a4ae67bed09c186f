//! CSV as RFC 4180 has it, in UTF-8 without byte order mark, as ever.
//!
//! **Invariant.** No text begins with a character by which a spreadsheet tells a formula: a record may come
//! from anyone, and whoever opens the file should not run what its author wrote.

use super::table::Table;
use crate::fault;
use backdrop_core::error::ApiError;
use csv::{ByteRecord, Terminator, WriterBuilder};

pub(super) fn render(table: &Table<'_>) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    // Without columns, the writer would make each row a pair of quotes.
    if !table.columns().is_empty() {
        write(table, &mut body).map_err(|error| fault::of_rendering(&error))?;
    }
    Ok(body)
}

fn write(table: &Table<'_>, body: &mut Vec<u8>) -> Result<(), csv::Error> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(body);
    writer.write_record(table.columns())?;
    let mut line = ByteRecord::new();
    for cells in table.rows() {
        line.clear();
        for cell in &cells {
            line.push_field(cell.csv_field().as_bytes());
        }
        writer.write_byte_record(&line)?;
    }
    writer.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::table::rows_of;
    use super::*;
    use backdrop_core::query::Format;
    use serde_json::{Value, json};

    fn rendered(rows: &Value) -> String {
        let rows = rows_of(rows);
        let table = Table::of(&rows, Format::Csv).expect("a table");
        String::from_utf8(render(&table).expect("CSV")).expect("UTF-8")
    }

    #[test]
    fn lines_end_and_fields_are_quoted_as_in_rfc_4180() {
        assert_eq!(
            rendered(&json!([
                {"name": "a,b", "_count": 1, "fee:mean": 1.0, "paid": true},
                {"name": "say \"hi\"\nor not", "_count": -2, "fee:mean": null, "paid": false},
                {"name": "Zoë 🐈", "_count": 18_446_744_073_709_551_615_u64, "fee:set": [1, "x"]},
            ])),
            "_count,fee:mean,fee:set,name,paid\r\n\
             1,1.0,,\"a,b\",true\r\n\
             -2,,,\"say \"\"hi\"\"\nor not\",false\r\n\
             18446744073709551615,,\"[1,\"\"x\"\"]\",Zoë 🐈,\r\n"
        );
    }

    #[test]
    fn texts_that_look_like_formulas_are_neutralised() {
        for (text, field) in [
            ("=1+1", "'=1+1"),
            ("+44 20", "'+44 20"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("a=1", "a=1"),
            ("'=1", "'=1"),
            (" =1", " =1"),
        ] {
            assert_eq!(rendered(&json!([{"key": text}])), format!("key\r\n{field}\r\n"), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_empty_and_a_lone_null_still_a_row() {
        assert_eq!(rendered(&json!([])), "");
        assert_eq!(rendered(&json!([{}, {}])), "");
        assert_eq!(rendered(&json!([{"key": null}])), "key\r\n\"\"\r\n");
    }
}
