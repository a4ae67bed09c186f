//! The parameters of a request by name: none that is unknown, none given twice that cannot be.

use super::invalid;
use crate::error::ApiError;

macro_rules! parameters {
    (once: $($once:ident)+; repeatable: $($repeatable:ident)+;) => {
        /// The names of all parameters of queries.
        pub const PARAMETERS: &[&str] = &[$(stringify!($once),)+ $(stringify!($repeatable),)+];

        /// The texts of all parameters.
        #[derive(Debug, Default)]
        pub(super) struct Parameters<'q> {
            $(pub(super) $once: Option<&'q str>,)+
            $(pub(super) $repeatable: Vec<&'q str>,)+
        }

        impl<'q> Parameters<'q> {
            pub(super) fn read(pairs: &'q [(String, String)]) -> Result<Self, ApiError> {
                let mut parameters = Self::default();
                for (name, value) in pairs {
                    let previous = match name.as_str() {
                        $(stringify!($once) => parameters.$once.replace(value),)+
                        $(stringify!($repeatable) => {
                            parameters.$repeatable.push(value);
                            None
                        })+
                        _ => return Err(unknown(name)),
                    };
                    if previous.is_some() {
                        return Err(invalid(format!(
                            "{name} was given more than once; it can have one value only"
                        )));
                    }
                }
                Ok(parameters)
            }
        }
    };
}

parameters! {
    once: start_at end_at inclusive period timezone duration sort_by limit cursor flatten compare format;
    repeatable: filter_by filter_by_prefix filter_by_any filter_by_comparison latest_by fields group_by collect;
}

impl Parameters<'_> {
    pub(super) fn read_limit(&self) -> Result<Option<u32>, ApiError> {
        self.limit.map(|text| read_count("limit", text)).transpose()
    }
}

fn unknown(name: &str) -> ApiError {
    invalid(format!("An unrecognised parameter was provided: {name:?}. There are: {}", PARAMETERS.join(", ")))
}

/// Reads `true` or `false`; absent means false.
pub(super) fn read_flag(name: &str, text: Option<&str>) -> Result<bool, ApiError> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(invalid(format!("{name} must be true or false, not {other:?}"))),
    }
}

/// Reads a number of things.
pub(super) fn read_count(name: &str, text: &str) -> Result<u32, ApiError> {
    // `u32::from_str` takes a sign, which a client does not mean: in a URL `+` is a space.
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(count) = text.parse()
    {
        return Ok(count);
    }
    Err(invalid(format!("{name} must be a whole number from 0 to {}, not {text:?}", u32::MAX)))
}
