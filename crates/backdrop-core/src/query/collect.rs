//! What is collected over each group: a field and a method.

use super::{FieldName, invalid};
use crate::error::ApiError;
use std::fmt;

/// How the values of a field are brought together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Their sum; values must be numbers.
    Sum,
    /// Their arithmetic mean; values must be numbers.
    Mean,
    /// How many there are.
    Count,
    /// Which ones there are, each once.
    Set,
    /// The least one; values must be numbers.
    Min,
    /// The greatest one; values must be numbers.
    Max,
    /// The middle one, which is the 50th percentile; values must be numbers.
    Median,
    /// The value below which that many of a hundred lie, interpolated between the two nearest; values
    /// must be numbers.
    Percentile(Percent),
}

/// A number from 1 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Percent(u8);

impl Percent {
    /// The half of a hundred.
    pub const HALF: Self = Self(50);

    /// Reads one or two digits, the first of which is not 0.
    fn parse(digits: &str) -> Option<Self> {
        let is_plain = digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let percent = if is_plain && !digits.starts_with('0') { digits.parse().ok()? } else { return None };
        Some(Self(percent))
    }

    /// How many of a hundred.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Method {
    /// All methods that have one name.
    pub const NAMED: [Self; 7] =
        [Self::Sum, Self::Mean, Self::Count, Self::Set, Self::Min, Self::Max, Self::Median];

    /// The method of that name.
    fn parse(name: &str) -> Option<Self> {
        let percentile = || name.strip_prefix('p').and_then(Percent::parse).map(Self::Percentile);
        Self::NAMED.into_iter().find(|known| known.to_string() == name).or_else(percentile)
    }
}

/// The name, as queries and columns have it.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Count => "count",
            Self::Set => "set",
            Self::Min => "min",
            Self::Max => "max",
            Self::Median => "median",
            Self::Percentile(percent) => return write!(f, "p{}", percent.0),
        })
    }
}

/// A field, the method by which its values are collected, and how the result is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    field: FieldName,
    method: Method,
    plain: bool,
}

impl Collect {
    /// Reads `field`, which is short for its set, or `field:method`.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let (field, method) = match text.split_once(':') {
            None => (text, None),
            Some((field, method)) => (field, Some(read_method(text, method)?)),
        };
        let field = FieldName::parse("collect", field)?;
        if field.is_internal() {
            return Err(invalid(format!(
                "collect={text}: fields that begin with an underscore are internal and cannot be collected"
            )));
        }
        Ok(Self { field, method: method.unwrap_or(Method::Set), plain: method.is_none() })
    }

    /// The field whose values are collected.
    pub const fn field(&self) -> &FieldName {
        &self.field
    }

    /// How they are.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Whether the result also stands under the name of the field alone.
    pub const fn is_plain(&self) -> bool {
        self.plain
    }

    /// The name of the column: `field:method`.
    pub fn column(&self) -> String {
        format!("{}:{}", self.field, self.method)
    }

    pub(super) fn is_same_column(&self, other: &Self) -> bool {
        self.field == other.field && self.method == other.method
    }

    /// Takes another request for the same column in.
    pub(super) const fn merge(&mut self, other: &Self) {
        self.plain |= other.plain;
    }

    /// What is answered if a value is not a number although the method needs one.
    pub fn not_a_number(&self) -> ApiError {
        invalid(format!(
            "collect={}: {} is an invalid collect function for the field `{}`, because it holds values that \
             are not numbers; use count or set, or filter them out",
            self.column(),
            self.method,
            self.field
        ))
    }
}

fn read_method(text: &str, method: &str) -> Result<Method, ApiError> {
    if method.contains(':') {
        return Err(invalid(format!(
            "collect={text}: expected a field, or a field and a method with one colon"
        )));
    }
    Method::parse(method).ok_or_else(|| {
        invalid(format!(
            "collect={text}: unknown collection method {method:?}; there are sum, mean, count, set, min, max, \
             median and the percentiles p1 to p99"
        ))
    })
}
