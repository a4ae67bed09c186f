//! The paths of data sets. Their handlers are in [`crate::routes::data`].

use super::Refusals;
use super::answers::Rows;
use super::parameters::QueryParameters;

/// Asks a data set
///
/// Three kinds of query: raw ones list records; with `group_by` they group them by fields; with
/// `period` by time; with both by both. Data sets that do not allow raw queries answer only with
/// `period` or `group_by`, and, unless by the hour, only for whole days and 7 days or more.
#[utoipa::path(
    get,
    path = "/data/{data_group}/{data_type}",
    tag = "data",
    params(
        ("data_group" = String, Path, description = "Whose figures", example = "transactional-services"),
        ("data_type" = String, Path, description = "Which figures", example = "transactions-by-channel"),
        QueryParameters,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
    ),
    responses(Rows, Refusals),
)]
#[expect(dead_code, reason = "carries the description only")]
pub(super) const fn by_group_and_type() {}

/// Asks a data set by its name
///
/// The path of the first version, for clients that were written for it. The header `Link` with
/// `rel="successor-version"` has the one to use.
#[utoipa::path(
    get,
    path = "/{data_set}",
    tag = "data",
    params(
        (
            "data_set" = String, Path, description = "The name of the data set",
            example = "transactional_services_transactions_by_channel"
        ),
        QueryParameters,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
    ),
    responses(Rows, Refusals),
)]
#[deprecated = "since the path by group and type came"]
#[expect(dead_code, reason = "carries the description only")]
pub(super) const fn by_name() {}
