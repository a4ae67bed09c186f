//! Columns: the values of one field, row by row.
//!
//! What a field holds is decided for the whole frame ([`Kind`]); each run of rows holds its part of the values in
//! the narrowest form they fit ([`Values`]).
//!
//! **Invariant.** A number is kept as the decimal it is written as: a mantissa and the scale of the column, so
//! that sums are exact, as those of Postgres are. What does not fit makes the column unfit, never inexact.

use crate::bitmap::Bitmap;
use serde_json::Value;

/// What the values of a field are, over all rows of a frame.
#[derive(Debug)]
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

/// Codes of rows; 0: the row has no value there, or null.
#[derive(Debug)]
pub(crate) enum Codes {
    /// Up to 255 different values.
    Narrow(Vec<u8>),
    /// Up to 65,535.
    Medium(Vec<u16>),
    /// More.
    Wide(Vec<u32>),
}

/// Mantissas of rows; 0 where there is no value.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) mantissas: Mantissas,
    /// Which rows have a value; `None`: all.
    pub(crate) present: Option<Bitmap>,
    /// Which rows have a number that is written as an integer (no decimal places); `None`: all that have a value, as
    /// is so wherever the scale is 0. `1` and `1.0` are equal, but sums of integers print as integers.
    pub(crate) whole: Option<Bitmap>,
}

/// Mantissas in the narrowest form that holds all of them.
#[derive(Debug)]
pub(crate) enum Mantissas {
    /// Up to 32 bits, with sign.
    Narrow(Vec<i32>),
    /// Up to 64 bits, with sign.
    Wide(Vec<i64>),
}

/// The different texts of a column, in the order in which they were first seen.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    pub(crate) texts: Vec<Box<str>>,
}

impl Dictionary {
    /// The text of a code; a code of 0 has none.
    pub(crate) fn text(&self, code: u32) -> Option<&str> {
        code.checked_sub(1).map(|place| &*self.texts[place as usize])
    }
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
}
