//! The texts of a column in their order, as many sets show them.

use crate::column::Kind;
use backdrop_core::shape::{Scalar, Subset, Values};
use std::sync::Arc;

/// Up to how many texts are put in order, and written down, once and not anew for each set.
const TEXTS_MAX: usize = 4_096;

/// The texts of a column in their order.
#[derive(Debug)]
pub(super) struct Ordered {
    /// Their codes.
    codes: Vec<u32>,
    texts: Arc<Values>,
}

impl Ordered {
    /// Of a column that has texts, and not too many.
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        let Kind::Texts(dictionary) = kind else { return None };
        if dictionary.texts.len() > TEXTS_MAX {
            return None;
        }
        let mut codes: Vec<u32> = (1..=dictionary.texts.len() as u32).collect();
        codes.sort_unstable_by_key(|code| dictionary.text(*code));
        let texts = codes.iter().map(|code| Scalar(kind.value(*code)));
        Some(Self { texts: Arc::new(Values::new(texts.collect())), codes })
    }

    /// The texts whose codes were seen.
    pub(super) fn subset(&self, seen: &[bool]) -> Subset {
        let places = self.codes.iter().zip(0..).filter(|(code, _)| seen[**code as usize]);
        Subset::new(&self.texts, places.map(|(_, place)| place).collect())
    }
}
