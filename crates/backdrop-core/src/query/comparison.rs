//! With which earlier periods those of a query are compared.

use super::invalid;
use crate::error::ApiError;
use std::fmt;

/// Which earlier period goes with a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The one just before it.
    Previous,
    /// The one that had its place a year before; for weeks, 52 weeks before.
    Year,
}

impl Comparison {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "previous" => Ok(Self::Previous),
            "year" => Ok(Self::Year),
            other => Err(invalid(format!("compare must be previous or year, not {other:?}"))),
        }
    }
}

/// The name, as queries and columns have it.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Previous => "previous",
            Self::Year => "year",
        })
    }
}
