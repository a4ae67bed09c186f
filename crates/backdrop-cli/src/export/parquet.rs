//! Parquet: one typed column for every field, compressed.
//!
//! **Invariant.** A group of rows, which is held in memory until it is written, is bounded in rows, cells and bytes.

use super::columns::{Columns, Kind, moment};
use super::records::{Fields, Records};
use anyhow::Context;
use backdrop_core::shape::TableCell;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use std::io::Write;
use std::sync::Arc;

/// How many rows a group has at most.
const GROUP_ROWS: usize = 100_000;
/// How many cells it has at most, empty ones too, each of which takes two bytes: records that share no fields make
/// thousands of columns.
const GROUP_CELLS: usize = 8_000_000;
/// How many bytes of values it holds at most.
const GROUP_BYTES: usize = 32 * 1024 * 1024;

/// Writes the records as a table with these columns.
pub(super) fn write(
    records: &mut Records<'_>,
    columns: &Columns,
    file: impl Write + Send,
) -> anyhow::Result<()> {
    let fields = columns.iter().map(|(name, kind)| column_type(name, kind).map(Arc::new));
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("record").with_fields(fields).build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("backdrop ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
    let mut group = Group::new(columns);
    records.each(|fields| {
        group.add(&fields)?;
        if group.is_full() { group.write(&mut writer) } else { Ok(()) }
    })?;
    if group.rows > 0 {
        group.write(&mut writer)?;
    }
    writer.close()?;
    Ok(())
}

/// The type of a column; any of its values may be missing.
fn column_type(name: &str, kind: Kind) -> parquet::errors::Result<Type> {
    let (physical, logical) = match kind {
        Kind::Integer => (Physical::INT64, None),
        Kind::Number => (Physical::DOUBLE, None),
        Kind::Boolean => (Physical::BOOLEAN, None),
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

/// Rows that are being gathered.
struct Group {
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

struct Column {
    name: String,
    values: Values,
    /// 1 for every row that has a value, else 0.
    is_there: Vec<i16>,
}

enum Values {
    Integers(Vec<i64>),
    Times(Vec<i64>),
    Numbers(Vec<f64>),
    Booleans(Vec<bool>),
    Texts(Vec<ByteArray>),
}

impl Group {
    fn new(columns: &Columns) -> Self {
        let column = |(name, kind): (&str, Kind)| Column {
            name: name.to_owned(),
            values: match kind {
                Kind::Integer => Values::Integers(Vec::new()),
                Kind::Time => Values::Times(Vec::new()),
                Kind::Number => Values::Numbers(Vec::new()),
                Kind::Boolean => Values::Booleans(Vec::new()),
                Kind::Text => Values::Texts(Vec::new()),
            },
            is_there: Vec::new(),
        };
        Self { columns: columns.iter().map(column).collect(), rows: 0, bytes: 0 }
    }

    fn add(&mut self, fields: &Fields<'_>) -> anyhow::Result<()> {
        for column in &mut self.columns {
            let value =
                fields.get(column.name.as_str()).map(|value| value.get()).filter(|value| *value != "null");
            column.is_there.push(i16::from(value.is_some()));
            if let Some(value) = value {
                self.bytes += value.len();
                column
                    .values
                    .push(value)
                    .with_context(|| format!("{} has the value {value}", column.name))?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.rows >= GROUP_ROWS || self.rows * self.columns.len() >= GROUP_CELLS || self.bytes >= GROUP_BYTES
    }

    /// Writes the rows, and is empty then.
    fn write<W: Write + Send>(&mut self, writer: &mut SerializedFileWriter<W>) -> anyhow::Result<()> {
        let mut group = writer.next_row_group()?;
        for column in &mut self.columns {
            let mut sink = group.next_column()?.context("there is a column for each of the schema")?;
            column.write(&mut sink)?;
            sink.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Column {
    fn write(&mut self, sink: &mut SerializedColumnWriter<'_>) -> anyhow::Result<()> {
        let is_there = std::mem::take(&mut self.is_there);
        match &mut self.values {
            Values::Integers(values) | Values::Times(values) => put::<Int64Type>(sink, values, &is_there),
            Values::Numbers(values) => put::<DoubleType>(sink, values, &is_there),
            Values::Booleans(values) => put::<BoolType>(sink, values, &is_there),
            Values::Texts(values) => put::<ByteArrayType>(sink, values, &is_there),
        }
    }
}

fn put<T: DataType>(
    sink: &mut SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    is_there: &[i16],
) -> anyhow::Result<()> {
    sink.typed::<T>().write_batch(values, Some(is_there), None)?;
    values.clear();
    Ok(())
}

impl Values {
    /// Adds a value, which was looked at before and fits the kind of the column.
    fn push(&mut self, value: &str) -> anyhow::Result<()> {
        match self {
            Self::Integers(values) => values.push(value.parse()?),
            Self::Times(values) => values.push(moment(value).context("it is no time")?),
            Self::Numbers(values) => values.push(value.parse()?),
            Self::Booleans(values) => values.push(value.parse()?),
            Self::Texts(values) => values.push(match TableCell::of_json(value) {
                TableCell::Text(text) => ByteArray::from(text.into_owned().into_bytes()),
                _ => ByteArray::from(value.as_bytes().to_vec()),
            }),
        }
        Ok(())
    }
}
