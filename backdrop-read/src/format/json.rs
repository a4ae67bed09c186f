//! JSON: the rows in an envelope.

use super::Warning;
use crate::answers::JsonRows;
use serde::Serialize;

#[derive(Serialize)]
struct Envelope<'r> {
    data: &'r JsonRows,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Warning>,
}

pub(super) fn render(rows: &JsonRows, warning: Option<Warning>) -> Vec<u8> {
    let envelope = Envelope { data: rows, warning };
    serde_json::to_vec(&envelope).expect("rows have texts for keys, so they can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Material;
    use backdrop_core::query::{Answer, Query};
    use backdrop_core::shape::{Cell, Gathering};
    use backdrop_core::time;
    use serde_json::value::RawValue;

    fn counted(cells: Vec<Cell>) -> JsonRows {
        let pairs =
            [("period", "day"), ("start_at", "2026-01-01T00:00:00Z"), ("end_at", "2026-01-02T00:00:00Z")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let query = Query::parse(&pairs, time::parse("2026-01-02").expect("a time")).expect("a query");
        let Answer::Groups(grouping) = query.answer() else { panic!("groups") };
        let mut gathering = Gathering::new(query.selection(), grouping);
        gathering.answered(cells).expect("a good query");
        Material::Groups(Box::new(gathering)).json_rows().expect("few rows")
    }

    #[test]
    fn rows_stand_in_an_envelope_with_the_warning_if_there_is_one() {
        let rows = counted(vec![Cell { keys: vec![], period: Some(0), count: 1, collected: vec![] }]);
        let row =
            r#"{"_count":1,"_end_at":"2026-01-02T00:00:00+00:00","_start_at":"2026-01-01T00:00:00+00:00"}"#;
        let rendered = |rows, warning| String::from_utf8(render(rows, warning)).expect("UTF-8");
        assert_eq!(rendered(&rows, None), format!(r#"{{"data":[{row}]}}"#));
        let warned = format!(r#"{{"data":[{row}],"warning":"Careful"}}"#);
        assert_eq!(rendered(&rows, Some("Careful")), warned);
    }

    #[test]
    fn records_stand_there_as_they_are_stored() {
        let record = RawValue::from_string(r#"{"_id":"1", "fee": 1.50}"#.to_owned()).expect("JSON");
        let rows = Material::Records(vec![record]).json_rows().expect("few rows");
        assert_eq!(render(&rows, None), br#"{"data":[{"_id":"1", "fee": 1.50}]}"#);
        let nothing = Material::Records(vec![]).json_rows().expect("few rows");
        assert_eq!(render(&nothing, None), br#"{"data":[]}"#);
    }
}
