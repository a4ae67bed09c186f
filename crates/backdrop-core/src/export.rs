//! Where a page of an export ended, so that the next one can begin there.
//!
//! Pages follow each other by `_id`, not by number: records that come and go between two pages shift nothing, so
//! that none shows twice, and none that stays is left out.

use crate::data_set::DataSetId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Goes with the form of cursors, so that a later one can tell them apart.
const VERSION: u8 = 1;

/// A place in the records of a data set, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportCursor {
    /// The data set: another of the same name, made since, is not gone on with.
    pub data_set: DataSetId,
    /// How often it had been emptied: what came after is another export.
    pub generation: i32,
    /// The id of the last record before the place.
    pub id: String,
}

impl ExportCursor {
    /// The text that a client gets, for URLs.
    pub fn encode(&self) -> String {
        let parts = (VERSION, self.data_set.0, self.generation, &self.id);
        URL_SAFE_NO_PAD.encode(serde_json::to_string(&parts).expect("numbers and texts can be written"))
    }

    /// Reads what [`encode`](Self::encode) made; `None` if it did not make this.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (version, data_set, generation, id): (u8, i64, i32, String) =
            serde_json::from_slice(&bytes).ok()?;
        // Postgres takes no NUL, and so no id has one.
        (version == VERSION && !id.contains('\0')).then_some(Self {
            data_set: DataSetId(data_set),
            generation,
            id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_made_and_nothing_else_is() {
        let cursor = ExportCursor { data_set: DataSetId(7), generation: 2, id: "é/+=\"".into() };
        let text = cursor.encode();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        assert_eq!(ExportCursor::decode(&text), Some(cursor.clone()));
        let with_nul = ExportCursor { id: "\0".into(), ..cursor }.encode();
        for text in ["", "x", "%%%", "W10", &text[1..], &with_nul] {
            assert_eq!(ExportCursor::decode(text), None, "{text}");
        }
    }
}
