//! JSON: the rows in an envelope.

use super::Warning;
use crate::answers::Rows;
use serde::Serialize;

#[derive(Serialize)]
struct Envelope<'r> {
    data: &'r Rows,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Warning>,
}

pub(super) fn render(rows: &Rows, warning: Option<Warning>) -> Vec<u8> {
    let envelope = Envelope { data: rows, warning };
    serde_json::to_vec(&envelope).expect("rows have texts for keys, so they can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::super::table::rows_of;
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_stand_in_an_envelope_with_the_warning_if_there_is_one() {
        let rows = rows_of(&json!([{"_count": 1}]));
        assert_eq!(render(&rows, None), br#"{"data":[{"_count":1}]}"#);
        assert_eq!(render(&rows, Some("Careful")), br#"{"data":[{"_count":1}],"warning":"Careful"}"#);
        assert_eq!(render(&Rows::Groups(vec![]), None), br#"{"data":[]}"#);
    }
}
