//! What a data set is set to, as columns.

use backdrop_core::data_set::DataSetSettings;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{Error, Row};

/// Binds the settings of a data set as the first values of a statement, `$1` to `$10`, in the order in which
/// [`DataSetSettings`] has them.
pub(super) fn bind<'q>(
    query: Query<'q, Postgres, PgArguments>,
    settings: &'q DataSetSettings,
) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(settings.raw_queries_allowed)
        .bind(settings.queryable)
        .bind(settings.published)
        .bind(settings.realtime)
        .bind(&settings.auto_ids)
        .bind(settings.max_age_expected)
        .bind(settings.capped_size)
        .bind(settings.retention_days)
        .bind(&settings.upload_format)
        .bind(&settings.upload_filters)
}

/// Reads them from a row that has all their columns.
pub(super) fn read(row: &PgRow) -> Result<DataSetSettings, Error> {
    Ok(DataSetSettings {
        raw_queries_allowed: row.try_get("raw_queries_allowed")?,
        queryable: row.try_get("queryable")?,
        published: row.try_get("published")?,
        realtime: row.try_get("realtime")?,
        auto_ids: row.try_get("auto_ids")?,
        max_age_expected: row.try_get("max_age_expected")?,
        capped_size: row.try_get("capped_size")?,
        retention_days: row.try_get("retention_days")?,
        upload_format: row.try_get("upload_format")?,
        upload_filters: row.try_get("upload_filters")?,
    })
}
