//! Columns: the values of one field, row by row.
//!
//! What a field holds is decided for the whole frame ([`Kind`]); each run of rows holds its part of the values in
//! the narrowest form they fit ([`Values`]). [`writing`] is the only place where either changes.
//!
//! **Invariant.** A number is kept as the decimal it is written as: a mantissa and the scale of the column, so
//! that sums are exact, as those of Postgres are. What does not fit makes the column unfit, never inexact.
//!
//! **Invariant.** The values of a column are of one form in all runs, the one that belongs to its kind: none for
//! empty and unfit, codes for booleans and texts, numbers for numbers.

mod codes;
mod decimal;
mod dictionary;
mod gathering;
mod literal;
mod numbers;
mod writing;

pub(crate) use codes::Codes;
pub(crate) use dictionary::Dictionary;
pub(crate) use gathering::{gather, keep_used_texts};
pub(crate) use literal::Literal;
pub(crate) use numbers::{Mantissas, Numbers};
pub(crate) use writing::{Bounds, Column};

use serde_json::Value;

/// What the values of a field are, over all rows of a frame. It never goes back: rows that are gone have had their
/// say in it.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// No row has a value yet.
    Empty,
    /// Booleans. Codes: 1 `false`, 2 `true`.
    Booleans,
    /// Strings. A code is 1 plus the place in the dictionary.
    Texts(Dictionary),
    /// Numbers: a mantissa `m` stands for `m / 10^scale`.
    Numbers {
        /// How many decimal places all mantissas have.
        scale: u8,
    },
    /// Values of several types, lists or objects, numbers beyond what a mantissa holds, or too many different
    /// texts. It stays so as long as the frame lives.
    Unfit,
}

/// The values of a field in one run of rows; as many as the run has rows.
#[derive(Debug)]
pub(crate) enum Values {
    /// Of an empty or unfit column: nothing is kept.
    None,
    /// Of booleans and texts.
    Codes(Codes),
    /// Of numbers.
    Numbers(Numbers),
}

impl Kind {
    /// How many codes there are, 0 (no value) included; `None` for numbers and what is unfit.
    pub(crate) fn codes(&self) -> Option<usize> {
        match self {
            Self::Empty => Some(1),
            Self::Booleans => Some(3),
            Self::Texts(dictionary) => Some(dictionary.texts.len() + 1),
            Self::Numbers { .. } | Self::Unfit => None,
        }
    }

    /// The JSON value of a code.
    pub(crate) fn value(&self, code: u32) -> Value {
        match self {
            Self::Booleans if code > 0 => Value::Bool(code == 2),
            Self::Texts(dictionary) => dictionary.text(code).map_or(Value::Null, Value::from),
            _ => Value::Null,
        }
    }

    /// The memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Texts(dictionary) => dictionary.bytes(),
            _ => 0,
        }
    }
}

impl Values {
    /// Of no rows, in the same form.
    pub(crate) fn empty_like(&self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Codes(_) => Self::Codes(Codes::zeros(0)),
            Self::Numbers(_) => Self::Numbers(Numbers::absent(0)),
        }
    }

    /// The memory they take.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Codes(codes) => codes.bytes(),
            Self::Numbers(numbers) => numbers.bytes(),
        }
    }

    pub(crate) fn shrink(&mut self) {
        match self {
            Self::None => {}
            Self::Codes(codes) => codes.shrink(),
            Self::Numbers(numbers) => numbers.shrink(),
        }
    }

    /// Forgets the value of a row that is not there any more, so that it does not keep a text or stand in the way of
    /// another scale. Whether there was one is not forgotten: that would cost bits where all rows have a value.
    pub(crate) fn erase(&mut self, row: usize) {
        match self {
            Self::None => {}
            Self::Codes(codes) => codes.put(row, 0),
            Self::Numbers(numbers) => numbers.mantissas.put(row, 0),
        }
    }
}
