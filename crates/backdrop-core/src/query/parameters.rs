//! The parameters of a request by name: none that is unknown, none given twice that cannot be.

use super::invalid;
use crate::error::ApiError;

/// The names of all parameters of a query, in the order in which the contract has them.
pub const PARAMETERS: &[&str] = &[
    "start_at",
    "end_at",
    "inclusive",
    "filter_by",
    "filter_by_prefix",
    "filter_by_any",
    "filter_by_comparison",
    "latest_by",
    "sort_by",
    "limit",
    "cursor",
    "fields",
    "group_by",
    "period",
    "timezone",
    "duration",
    "collect",
    "flatten",
    "compare",
    "format",
];

/// The names, in the order in which the contract has them, for messages.
const NAMES: &str = "start_at, end_at, inclusive, period, duration, filter_by, filter_by_prefix, group_by, \
                     collect, sort_by, limit, flatten, format";

/// The texts of all parameters.
#[derive(Debug, Default)]
pub(super) struct Parameters<'q> {
    pub(super) start_at: Option<&'q str>,
    pub(super) end_at: Option<&'q str>,
    pub(super) inclusive: Option<&'q str>,
    pub(super) period: Option<&'q str>,
    pub(super) duration: Option<&'q str>,
    pub(super) filter_by: Vec<&'q str>,
    pub(super) filter_by_prefix: Vec<&'q str>,
    pub(super) group_by: Vec<&'q str>,
    pub(super) collect: Vec<&'q str>,
    pub(super) sort_by: Option<&'q str>,
    pub(super) limit: Option<&'q str>,
    pub(super) flatten: Option<&'q str>,
    pub(super) format: Option<&'q str>,
}

impl<'q> Parameters<'q> {
    pub(super) fn read(pairs: &'q [(String, String)]) -> Result<Self, ApiError> {
        let mut parameters = Self::default();
        for (name, value) in pairs {
            let single = match name.as_str() {
                "filter_by" => {
                    parameters.filter_by.push(value);
                    continue;
                }
                "filter_by_prefix" => {
                    parameters.filter_by_prefix.push(value);
                    continue;
                }
                "group_by" => {
                    parameters.group_by.push(value);
                    continue;
                }
                "collect" => {
                    parameters.collect.push(value);
                    continue;
                }
                "start_at" => &mut parameters.start_at,
                "end_at" => &mut parameters.end_at,
                "inclusive" => &mut parameters.inclusive,
                "period" => &mut parameters.period,
                "duration" => &mut parameters.duration,
                "sort_by" => &mut parameters.sort_by,
                "limit" => &mut parameters.limit,
                "flatten" => &mut parameters.flatten,
                "format" => &mut parameters.format,
                _ => {
                    return Err(invalid(format!(
                        "An unrecognised parameter was provided: {name:?}. There are: {NAMES}"
                    )));
                }
            };
            if single.replace(value).is_some() {
                return Err(invalid(format!("{name} was given more than once; it can have one value only")));
            }
        }
        Ok(parameters)
    }
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
