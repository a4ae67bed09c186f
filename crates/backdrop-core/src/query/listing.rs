//! Raw queries: records, one by one.

use super::parameters::{Parameters, read_flag};
use super::{Cursor, FieldName, RowOrder, invalid, sort};
use crate::error::ApiError;

/// How many fields one query may ask for by name.
const FIELDS_MAX: usize = 100;

/// How records are listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    order: RowOrder,
    limit: Option<u32>,
    after: Option<Cursor>,
    latest_by: Vec<FieldName>,
    fields: Vec<FieldName>,
}

impl Listing {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<Self, ApiError> {
        for (name, is_given, reason) in [
            ("collect", !parameters.collect.is_empty(), "`group_by` or `period`: it collects over groups"),
            ("compare", parameters.compare.is_some(), "`period`: it compares periods with earlier ones"),
        ] {
            if is_given {
                return Err(invalid(format!("{name} needs {reason}")));
            }
        }
        read_flag("flatten", parameters.flatten)?;
        let order = sort::read_row_order(parameters.sort_by)?;
        let limit = parameters.read_limit()?;
        let after = parameters.cursor.map(|text| Cursor::decode(text, &order)).transpose()?;
        if after.is_some() && limit.is_none() {
            return Err(invalid("cursor needs `limit`: it goes on after a page of that many rows"));
        }
        let latest_by = FieldName::parse_keys("latest_by", &parameters.latest_by)?;
        Ok(Self { order, limit, after, latest_by, fields: read_fields(&parameters.fields)? })
    }

    /// In which order.
    pub const fn order(&self) -> &RowOrder {
        &self.order
    }

    /// How many of them at most; `None`: all.
    pub const fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// After which place of the order they begin.
    pub const fn after(&self) -> Option<&Cursor> {
        self.after.as_ref()
    }

    /// The fields of which each combination of values is shown once, by its newest record. If there are
    /// none, all records are shown.
    pub fn latest_by(&self) -> &[FieldName] {
        &self.latest_by
    }

    /// The fields that are shown of each record; none: all.
    pub fn fields(&self) -> &[FieldName] {
        &self.fields
    }
}

fn read_fields(texts: &[&str]) -> Result<Vec<FieldName>, ApiError> {
    let mut fields = Vec::new();
    for name in texts.iter().flat_map(|text| text.split(',')) {
        let field = FieldName::parse("fields", name)?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    if fields.len() > FIELDS_MAX {
        return Err(invalid(format!("fields can name at most {FIELDS_MAX} fields, found {}", fields.len())));
    }
    Ok(fields)
}
