//! Pages of records, as the statement of [`super::statement::rows`] gives them.

use super::ReadError;
use crate::StoreError;
use backdrop_core::query::{Cursor, Listing};
use backdrop_core::shape::{ROWS_MAX, record_row, too_many_rows};
use backdrop_core::time::{self, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::postgres::PgRow;

/// Records that follow each other in some order.
#[derive(Debug, Default)]
pub struct Page {
    /// The records as rows of an answer.
    pub rows: Vec<Box<RawValue>>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// A page that is being read.
#[derive(Debug)]
pub(super) struct PageReader {
    listing: Listing,
    page: Page,
    last: Option<PgRow>,
}

impl PageReader {
    pub(super) fn new(listing: Listing) -> Self {
        Self { listing, page: Page::default(), last: None }
    }

    /// Takes one more row; the one after the last of the page only shows that there are more.
    pub(super) fn take(&mut self, row: PgRow) -> Result<(), ReadError> {
        let is_full = self.listing.limit().is_some_and(|limit| self.page.rows.len() >= limit as usize);
        if is_full {
            self.page.next = self.last.as_ref().map(|last| self.place(last)).transpose()?;
            return Ok(());
        }
        if self.page.rows.len() >= ROWS_MAX as usize {
            return Err(too_many_rows().into());
        }
        self.page.rows.push(self.read(&row)?);
        self.last = Some(row);
        Ok(())
    }

    pub(super) fn finish(self) -> Page {
        self.page
    }

    fn read(&self, row: &PgRow) -> Result<Box<RawValue>, ReadError> {
        let id: &str = row.try_get("id")?;
        let updated_at: Timestamp = row.try_get("updated_at")?;
        let body: &str = row.try_get("body")?;
        record_row(id, updated_at, body, self.listing.fields()).map_err(|_| corrupt(id))
    }

    /// The place of a record in the order of the listing.
    fn place(&self, row: &PgRow) -> Result<Cursor, ReadError> {
        let id: String = row.try_get("id")?;
        let value = match self.listing.order().field.as_str() {
            "_id" => Value::Null,
            "_timestamp" => time::format(row.try_get("timestamp")?).into(),
            "_updated_at" => time::format(row.try_get("updated_at")?).into(),
            name => {
                let mut body: Value = serde_json::from_str(row.try_get("body")?).map_err(|_| corrupt(&id))?;
                body[name].take()
            }
        };
        Ok(Cursor::new(value, id))
    }
}

fn corrupt(id: &str) -> ReadError {
    StoreError::corrupt(format!("record {id:?}"), "body").into()
}
