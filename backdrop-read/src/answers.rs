//! Answering: brings a query and the store together. Knows nothing of HTTP.

use crate::frames::{Checked, Frames};
use crate::metrics::Metrics;
use backdrop_core::data_set::DataSet;
use backdrop_core::error::ApiError;
use backdrop_core::query::{Answer, Grouping, Query, Selection};
use backdrop_core::shape::{Gathering, GroupedRows, Row};
use backdrop_postgres::{Catalogue, Found, KnownDataSet, ReadError, RecordReader, StoreError};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// How many bytes of a record stand for a field, about.
const RECORD_BYTES_A_VALUE: usize = 32;

/// Finds data sets and answers queries about them.
#[derive(Debug)]
pub struct Answers {
    catalogue: Catalogue,
    reader: RecordReader,
    frames: Frames,
    metrics: Metrics,
}

/// The rows of an answer, for forms that look into them.
#[derive(Debug)]
pub enum Rows {
    /// Records as they are stored.
    Records(Vec<Box<RawValue>>),
    /// Groups of them.
    Groups(Vec<Row>),
}

/// The rows of an answer, to be written as JSON and no more.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum JsonRows {
    /// Records as they are stored.
    Records(Vec<Box<RawValue>>),
    /// Groups of them.
    Groups(Box<GroupedRows>),
}

/// What answers a query.
#[derive(Debug)]
pub struct Answered {
    /// What was found.
    pub material: Material,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// Who found it.
    pub engine: Engine,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// It was at hand, or was just being made for somebody else.
    Cache,
    /// A frame, held in memory.
    Frame,
    /// Postgres.
    Sql,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cache, Self::Frame, Self::Sql];

    /// What metrics and events call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Frame => "frame",
            Self::Sql => "sql",
        }
    }
}

/// What was found, of which rows are still to be made.
#[derive(Debug)]
pub enum Material {
    /// Records as they are stored.
    Records(Vec<Box<RawValue>>),
    /// Cells of groups.
    Groups(Box<Gathering>),
}

impl Material {
    /// How many values its rows have, about.
    pub fn values(&self) -> usize {
        match self {
            // A field has a name and a value, mostly some dozen bytes.
            Self::Records(records) => {
                records.iter().map(|record| 1 + record.get().len() / RECORD_BYTES_A_VALUE).sum()
            }
            Self::Groups(gathering) => gathering.values(),
        }
    }

    /// The rows. Making them may take a core a second.
    ///
    /// # Errors
    /// If there would be too many.
    pub fn rows(self) -> Result<Rows, ApiError> {
        match self {
            Self::Records(records) => Ok(Rows::Records(records)),
            Self::Groups(gathering) => gathering.rows().map(Rows::Groups),
        }
    }

    /// The rows as JSON has them, which takes much less than making each of them first.
    ///
    /// # Errors
    /// If there would be too many.
    pub fn json_rows(self) -> Result<JsonRows, ApiError> {
        match self {
            Self::Records(records) => Ok(JsonRows::Records(records)),
            Self::Groups(gathering) => gathering.grouped_rows().map(|rows| JsonRows::Groups(Box::new(rows))),
        }
    }
}

/// How a request names a data set.
#[derive(Clone, Copy, Debug)]
pub enum Address<'a> {
    /// By its data group and data type.
    GroupAndType(&'a str, &'a str),
    /// By its name.
    Name(&'a str),
}

impl Answers {
    /// Answers from the given store.
    pub const fn new(catalogue: Catalogue, reader: RecordReader, frames: Frames, metrics: Metrics) -> Self {
        Self { catalogue, reader, frames, metrics }
    }

    /// What is counted of answers.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The data set at an address, if it is there and may be queried.
    ///
    /// # Errors
    /// If it is not known and the store cannot be asked.
    pub async fn find(&self, address: Address<'_>) -> Result<Option<Arc<KnownDataSet>>, StoreError> {
        let known = match address {
            Address::GroupAndType(group, data_type) => {
                self.catalogue.by_group_and_type(group, data_type).await?
            }
            Address::Name(name) => self.catalogue.by_name(name).await?,
        };
        Ok(known.filter(|known| known.data_set.settings.queryable))
    }

    /// What answers a query, and the version of the data set it comes from: the one that was just checked, or a newer
    /// one.
    ///
    /// # Errors
    /// If the query asks for what the records do not allow, or the store fails.
    pub async fn answer(
        &self,
        data_set: &DataSet,
        query: &Query,
        checked: Checked,
    ) -> Result<Found<Answered>, ReadError> {
        match query.answer() {
            Answer::Rows(listing) => {
                let page = self.reader.rows(data_set.id, query.selection(), listing).await?;
                let next = page.found.next.map(|next| next.encode(listing.order()));
                let material = Material::Records(page.found.rows);
                Ok(Found { version: page.version, found: Answered { material, next, engine: Engine::Sql } })
            }
            Answer::Groups(grouping) => {
                let (gathered, engine) = self.groups(data_set, query.selection(), grouping, checked).await?;
                let material = Material::Groups(Box::new(gathered.found));
                Ok(Found { version: gathered.version, found: Answered { material, next: None, engine } })
            }
        }
    }

    /// From the frame, if there is one that can; else from the records, and then a frame is loaded for the next time.
    async fn groups(
        &self,
        data_set: &DataSet,
        selection: &Selection,
        grouping: &Grouping,
        checked: Checked,
    ) -> Result<(Found<Gathering>, Engine), ReadError> {
        if let Some(answer) = self.frames.answer(data_set.id, selection, grouping, checked).await {
            return Ok((answer?, Engine::Frame));
        }
        let _beside = self.frames.beside();
        let found = self.reader.groups(data_set.id, selection, grouping).await?;
        self.frames.wish(data_set.id, selection, grouping);
        Ok((found, Engine::Sql))
    }
}
