//! Cursors: where a page of records ended, so that the next one can begin there.
//!
//! A cursor names a place in the order, not a number of rows: records that come and go before it shift
//! nothing. Clients are to hand it back as it is; it is not secret, and forging one only moves the place.

use super::{RowOrder, invalid};
use crate::error::ApiError;
use crate::time;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Goes with the form of cursors, so that a later one can tell them apart.
const VERSION: u8 = 1;

/// The place of a record in an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    value: Value,
    id: String,
}

impl Cursor {
    /// The place of the record with that id, which has that value where the order looks (null if none; a
    /// time as it is printed).
    pub const fn new(value: Value, id: String) -> Self {
        Self { value, id }
    }

    /// What the record has where the order looks.
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The id of the record.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text that a client gets, for URLs.
    pub fn encode(&self, order: &RowOrder) -> String {
        let parts = (VERSION, order.to_string(), &self.value, &self.id);
        let text = serde_json::to_string(&parts).expect("numbers and texts can be written");
        URL_SAFE_NO_PAD.encode(text)
    }

    /// Reads what [`encode`](Self::encode) made for that order.
    pub(super) fn decode(text: &str, order: &RowOrder) -> Result<Self, ApiError> {
        let unknown =
            || invalid("cursor is not one that this service gave; take it from the Link header of a page");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unknown())?;
        let (version, made_for, value, id): (u8, String, Value, String) =
            serde_json::from_slice(&bytes).map_err(|_| unknown())?;
        if version != VERSION || !is_possible(&value, order) || id.contains('\0') {
            return Err(unknown());
        }
        if made_for != order.to_string() {
            return Err(invalid(format!(
                "cursor belongs to sort_by={made_for}; leave the other parameters as they were for its page"
            )));
        }
        Ok(Self { value, id })
    }
}

/// Whether a record can have such a value there.
fn is_possible(value: &Value, order: &RowOrder) -> bool {
    match value {
        Value::String(text) if order.field.is_time_column() => time::parse(text).is_ok(),
        Value::String(text) => !text.contains('\0'),
        Value::Null | Value::Bool(_) | Value::Number(_) => !order.field.is_time_column(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parse;
    use super::*;
    use crate::query::Answer;
    use serde_json::json;

    fn order(sort_by: &str) -> RowOrder {
        match parse(&format!("sort_by={sort_by}")).expect("valid").answer() {
            Answer::Rows(listing) => listing.order().clone(),
            Answer::Groups(_) => panic!("records"),
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_made() {
        for (sort_by, value) in [
            ("count:descending", json!(9_007_199_254_740_993_i64)),
            ("count:ascending", json!(0.1)),
            ("name:ascending", json!("é\"")),
            ("name:ascending", json!(null)),
            ("paid:ascending", json!(true)),
            ("_timestamp:descending", json!("2013-03-11T00:00:00.5+00:00")),
            ("_id:ascending", json!("a/b+c=")),
        ] {
            let (order, cursor) = (order(sort_by), Cursor::new(value, "a/b+c=".into()));
            let text = cursor.encode(&order);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
            assert_eq!(Cursor::decode(&text, &order), Ok(cursor));
        }
    }

    #[test]
    fn what_was_not_made_here_or_for_another_order_is_refused() {
        let by_count = order("count:descending");
        let made = |value: Value, id: &str| Cursor::new(value, id.into()).encode(&by_count);
        let whole = made(json!(1), "a");
        for text in [
            "",
            "x",
            "%%%",
            "W10",
            &whole[1..],
            &made(json!([1]), "a"),
            &made(json!("a\0"), "a"),
            &made(json!(1), "\0"),
        ] {
            let error = Cursor::decode(text, &by_count).expect_err(text);
            assert!(error.message.contains("Link"), "{}", error.message);
        }
        let error = Cursor::decode(&whole, &order("count:ascending")).expect_err("another order");
        assert!(error.message.contains("sort_by=count:descending"), "{}", error.message);
        let by_time = order("_timestamp:ascending");
        for value in [json!(1), json!(null), json!("never")] {
            assert!(Cursor::decode(&Cursor::new(value, "a".into()).encode(&by_time), &by_time).is_err());
        }
    }
}
