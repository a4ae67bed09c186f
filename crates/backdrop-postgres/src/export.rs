//! All records of a data set, page by page in the order of their ids.
//!
//! **Invariant.** A page is read in one transaction that sees one state of the store, and holds no more bytes than
//! it was allowed, but for its last record: however large records are, a page takes bounded memory.

use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::export::ExportCursor;
use backdrop_core::shape::record_row;
use backdrop_core::time::Timestamp;
use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{PgPool, Row};

/// How many records are asked of the cursor at a time: a page that is full of bytes early leaves no more than
/// these unread, and a page of thousands of small ones does not wait for as many answers.
const STEP_RECORDS: usize = 64;

/// What to read.
#[derive(Clone, Debug)]
pub struct ExportQuery {
    /// The data set.
    pub data_set: DataSetId,
    /// Where the page before this one ended; `None`: this is the first.
    pub after: Option<ExportCursor>,
    /// How many records the page may hold.
    pub records_max: usize,
    /// After how many bytes the page ends, though there are more.
    pub bytes_max: usize,
}

/// Records that follow each other in the order of their ids.
#[derive(Debug, Default)]
pub struct ExportPage {
    /// One record a line, with `_id`, `_updated_at` and its fields as they are stored.
    pub lines: String,
    /// Where the next page begins, if there is one.
    pub next: Option<ExportCursor>,
}

impl Database {
    /// Reads a page; `None` if the data set was emptied, or made anew, since the page before.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn export_page(&self, query: ExportQuery) -> Result<Option<ExportPage>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move { read(&pool, &query).await }).await
    }
}

async fn read(pool: &PgPool, query: &ExportQuery) -> Result<Option<ExportPage>, StoreError> {
    let mut transaction = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let generation = sqlx::query_scalar("SELECT generation FROM data_set_state WHERE data_set_id = $1")
        .bind(query.data_set.0)
        .fetch_one(&mut *transaction)
        .await?;
    let goes_on = |after: &ExportCursor| after.data_set == query.data_set && after.generation == generation;
    if !query.after.as_ref().is_none_or(goes_on) {
        transaction.rollback().await?;
        return Ok(None);
    }
    // A cursor, because the rows of a statement that was begun are all sent, wanted or not.
    sqlx::query(
        "DECLARE page NO SCROLL CURSOR FOR
        SELECT id, updated_at, body::text AS body FROM record
        WHERE data_set_id = $1 AND generation = $2 AND id > $3
        ORDER BY data_set_id, generation, id
        LIMIT $4",
    )
    .bind(query.data_set.0)
    .bind(generation)
    // Every id has a character or more, and so comes after this.
    .bind(query.after.as_ref().map_or("", |after| &after.id))
    .bind(i64::try_from(query.records_max).unwrap_or(i64::MAX).saturating_add(1))
    .execute(&mut *transaction)
    .await?;
    let mut reader = PageReader { query, generation, page: ExportPage::default(), records: 0, last: None };
    while reader.page.next.is_none() && reader.step(&mut transaction).await? == STEP_RECORDS {}
    let page = reader.page;
    transaction.rollback().await?;
    Ok(Some(page))
}

/// A page that is being read.
struct PageReader<'q> {
    query: &'q ExportQuery,
    generation: i32,
    page: ExportPage,
    records: usize,
    /// The id of its last record so far.
    last: Option<String>,
}

impl PageReader<'_> {
    /// Reads some more records; how many there were.
    async fn step(&mut self, connection: &mut PgConnection) -> Result<usize, StoreError> {
        // As many as STEP_RECORDS.
        let mut rows = sqlx::query("FETCH FORWARD 64 FROM page").fetch(connection);
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            count += 1;
            self.take(&row)?;
        }
        Ok(count)
    }

    /// Takes one more record; the first that has no room in the page only shows that there are more.
    fn take(&mut self, row: &PgRow) -> Result<(), StoreError> {
        if self.page.next.is_some() {
            return Ok(());
        }
        if self.records >= self.query.records_max || self.page.lines.len() >= self.query.bytes_max {
            self.page.next = self.last.take().map(|id| ExportCursor {
                data_set: self.query.data_set,
                generation: self.generation,
                id,
            });
            return Ok(());
        }
        let id: String = row.try_get("id")?;
        let updated_at: Timestamp = row.try_get("updated_at")?;
        let record = record_row(&id, updated_at, row.try_get("body")?, &[])
            .map_err(|_| StoreError::corrupt(format!("record {id:?}"), "body"))?;
        self.page.lines.push_str(record.get());
        self.page.lines.push('\n');
        self.records += 1;
        self.last = Some(id);
        Ok(())
    }
}
