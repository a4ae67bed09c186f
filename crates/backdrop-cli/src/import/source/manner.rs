//! In which manner a file is read, kept beside it: read in another one, the same file makes other records.

use super::Format;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What decides, besides its bytes, which records a file makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::import) struct Manner {
    /// What it is taken to be made of.
    pub(in crate::import) format: Format,
    /// The sheet that is read.
    pub(in crate::import) sheet: Option<String>,
    /// Those of its fields whose values are texts, because the schema or the command line says so. Of other fields
    /// the schema may say what it likes.
    pub(in crate::import) texts: BTreeSet<String>,
}

impl Manner {
    /// JSON says itself what is a text.
    pub(super) fn json() -> Self {
        Self { format: Format::Json, sheet: None, texts: BTreeSet::new() }
    }

    /// How another one differs from this earlier one, in words.
    pub(in crate::import) fn difference(&self, now: &Self) -> Option<String> {
        let parts = [
            ("its format", self.format.name().to_owned(), now.format.name().to_owned()),
            ("the sheet", listed(self.sheet.iter()), listed(now.sheet.iter())),
            (
                "the fields that are texts",
                listed(self.texts.difference(&now.texts)),
                listed(now.texts.difference(&self.texts)),
            ),
        ];
        let parts = parts.into_iter().filter(|(_, then, now)| then != now);
        let told: Vec<String> =
            parts.map(|(what, then, now)| format!("{what} (then {then}, now {now})")).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

/// Names one after the other.
fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let sheet = |texts: &[&str]| Manner {
            format: Format::Sheet,
            sheet: Some("Figures".into()),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        };
        assert_eq!(sheet(&["_id"]).difference(&sheet(&["_id"])), None);
        assert_eq!(
            sheet(&["_id", "code"]).difference(&sheet(&["_id"])).as_deref(),
            Some("the fields that are texts (then code, now none)")
        );
        assert_eq!(
            sheet(&[]).difference(&Manner::json()).as_deref(),
            Some("its format (then sheet, now json), the sheet (then Figures, now none)")
        );
    }
}
