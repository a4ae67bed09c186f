//! Names of data sets, data groups and data types.

use serde::Serialize;
use std::fmt;

/// The longest name of a data set, in bytes: what the original's administration allowed.
const NAME_BYTES_MAX: usize = 200;
/// The longest data group or data type, in bytes: two of them and a joint fit into a name.
const PART_BYTES_MAX: usize = 60;

/// Paths of the services; a data set of that name could not be addressed by its name.
const RESERVED: &[&str] = &[
    "audit",
    "collector",
    "dashboard",
    "dashboards",
    "data",
    "data-groups",
    "data-sets",
    "docs",
    "health",
    "metrics",
    "module-type",
    "organisation",
    "public",
    "receipts",
    "transform",
    "transform-type",
    "users",
];

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It holds characters that names do not have, or none at all.
    #[error("a data set's name consists of letters, digits, `_` and `-`, and has 1 to 200 of them")]
    Name,
    /// The name begins with an underscore or is a path of the services.
    #[error("this name is reserved for the service itself; choose another")]
    Reserved,
    /// It holds characters that groups and types do not have, or none at all.
    #[error("a data group or data type consists of small letters, digits and `-`, and has 1 to 60 of them")]
    Part,
}

macro_rules! name_type {
    ($(#[doc = $doc:literal])+ $name:ident, $check:ident) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks a text and takes it as a name.
            ///
            /// # Errors
            /// If the text cannot be such a name; the error says what one looks like.
            pub fn parse(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type! {
    /// The name of a data set: letters, digits, `_` and `-`; not a path of the services.
    DataSetName, check_name
}
name_type! {
    /// A data group, such as `carers-allowance`: small letters, digits and `-`.
    DataGroup, check_part
}
name_type! {
    /// A data type, such as `transactions-by-channel`: small letters, digits and `-`.
    DataType, check_part
}

impl DataSetName {
    /// The name a data set gets if none is given: `{group}_{type}`, hyphens to underscores.
    ///
    /// # Errors
    /// If that is reserved, because the group begins with a hyphen.
    pub fn of(group: &DataGroup, data_type: &DataType) -> Result<Self, NameError> {
        Self::parse(format!("{group}_{data_type}").replace('-', "_"))
    }

    /// A name that was given before: it stays one, also if it has been reserved since.
    ///
    /// # Errors
    /// If the text has not the form of a name.
    pub fn given_before(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        check_form(&text)?;
        Ok(Self(text))
    }
}

fn check_name(text: &str) -> Result<(), NameError> {
    check_form(text)?;
    if text.starts_with('_') || RESERVED.contains(&text) {
        return Err(NameError::Reserved);
    }
    Ok(())
}

fn check_form(text: &str) -> Result<(), NameError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if text.is_empty() || text.len() > NAME_BYTES_MAX || !text.bytes().all(allowed) {
        return Err(NameError::Name);
    }
    Ok(())
}

fn check_part(text: &str) -> Result<(), NameError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > PART_BYTES_MAX || !text.bytes().all(allowed) {
        return Err(NameError::Part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_joins_group_and_type() {
        let group = DataGroup::parse("carers-allowance").expect("a group");
        let data_type = DataType::parse("transactions-by-channel").expect("a type");
        let name = DataSetName::of(&group, &data_type).expect("a name");
        assert_eq!(name.as_str(), "carers_allowance_transactions_by_channel");
        assert_eq!(DataSetName::parse(name.as_str()), Ok(name));
    }

    #[test]
    fn names_that_the_services_need_are_refused() {
        assert_eq!(DataSetName::parse("_status"), Err(NameError::Reserved));
        assert_eq!(DataSetName::parse("data-sets"), Err(NameError::Reserved));
        assert_eq!(DataSetName::parse("audit"), Err(NameError::Reserved));
        assert!(DataSetName::given_before("audit").is_ok() && DataSetName::given_before("a/b").is_err());
        assert_eq!(DataSetName::parse("a/b"), Err(NameError::Name));
        assert_eq!(DataSetName::parse(""), Err(NameError::Name));
        assert_eq!(DataGroup::parse("Upper"), Err(NameError::Part));
        assert!(DataSetName::parse("monitoring-data-set").is_ok());
    }
}
