//! Where everything is measured: a stack with its data.
//!
//! The services are the programs that one deploys, with the settings they have by themselves. Postgres and Redis
//! write to the disk before they acknowledge, as in production.

mod loading;

use crate::load::Connection;
use crate::records::Records;
use anyhow::{Context, ensure};
use backdrop_testing::{PostgresKind, PostgresOptions, Stack, StackOptions};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The data set that is asked.
pub const BIG: &str = "big";
/// Further data sets, each with a tenth as many records.
const SMALL: [&str; 9] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"];
/// More than that they never have, however many the large one has.
const SMALL_MAX: u64 = 100_000;
/// Over how many records of a data set that is filled by a measurement the two years are spread.
const WRITTEN: u64 = 1_000_000;
/// The Postgres of a small production machine: a few gigabytes for itself, on a disk that has no seek time. No query
/// here is worth compiling.
const POSTGRES: [(&str, &str); 7] = [
    ("shared_buffers", "2GB"),
    ("effective_cache_size", "8GB"),
    ("work_mem", "64MB"),
    ("maintenance_work_mem", "512MB"),
    ("max_wal_size", "8GB"),
    ("random_page_cost", "1.1"),
    ("jit", "off"),
];

/// How much is measured, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many records the large data set has.
    pub records: u64,
    /// How long each side of a row is measured in each round.
    pub time: Duration,
    /// How often baseline and Backdrop take turns.
    pub rounds: usize,
    /// What the records follow from.
    pub seed: u64,
    /// How sure Postgres is before it acknowledges.
    pub durability: Durability,
}

/// How sure Postgres is before it acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As in production.
    OnDisk,
    /// As in tests, which share a server without fsync.
    InMemory,
}

/// A stack, and what was put into it.
#[derive(Debug)]
pub struct Stage {
    /// How much is measured.
    pub options: Options,
    /// The services.
    pub stack: Stack,
    // After the stack, which uses it.
    runtime: Runtime,
    /// The data sets that were made, with the first number that no record has yet.
    made: BTreeMap<String, u64>,
    /// The first variant of a question that was not asked yet.
    next_variant: u64,
}

impl Stage {
    /// Starts the services, without data.
    ///
    /// # Errors
    /// If they do not start.
    pub fn build(options: Options) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let settings = POSTGRES.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let stack_options = StackOptions {
            postgres: match options.durability {
                Durability::OnDisk => PostgresKind::Own,
                Durability::InMemory => PostgresKind::Shared,
            },
            postgres_options: (options.durability == Durability::OnDisk)
                .then(|| PostgresOptions { settings: settings.into() }),
            workers: 1,
            environment: vec![("BACKDROP_LOG_FORMAT".into(), "json".into())],
            ..StackOptions::default()
        };
        let stack = runtime.block_on(Stack::start_with(stack_options))?;
        Ok(Self { options, stack, runtime, made: BTreeMap::new(), next_variant: 1 })
    }

    /// Runs something asynchronous to its end.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Makes a data set, unless it was made.
    pub fn make(&mut self, data_type: &str) {
        if !self.made.contains_key(data_type) {
            self.stack.create_data_set_with("bench", data_type, &json!({}));
            self.made.insert(data_type.into(), 0);
        }
    }

    /// So many new numbers for records of a data set.
    pub fn numbers(&mut self, data_type: &str, count: u64) -> std::ops::Range<u64> {
        let next = self.made.entry(data_type.into()).or_default();
        *next += count;
        *next - count..*next
    }

    /// So many variants of questions that were not asked yet.
    pub const fn variants(&mut self, count: u64) -> std::ops::Range<u64> {
        self.next_variant += count;
        self.next_variant - count..self.next_variant
    }

    /// The records of a data set.
    pub fn records_of(&self, data_type: &str) -> Records {
        let total = match data_type {
            BIG => self.options.records,
            small if SMALL.contains(&small) => (self.options.records / 10).min(SMALL_MAX),
            _ => WRITTEN,
        };
        Records { prefix: data_type.into(), total, seed: self.options.seed }
    }

    /// The id of a data set in the store.
    ///
    /// # Errors
    /// If there is none of that type.
    pub fn data_set_id(&self, data_type: &str) -> anyhow::Result<i64> {
        let sql =
            "SELECT id FROM data_set WHERE data_group = 'bench' AND data_type = $1 AND deleted_at IS NULL";
        let found =
            self.block_on(sqlx::query_scalar(sql).bind(data_type).fetch_optional(&self.stack.pool))?;
        found.with_context(|| format!("a data set {data_type}"))
    }

    /// A connection to the query service.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub fn reader(&self) -> anyhow::Result<Connection> {
        self.block_on(Connection::open(self.stack.read.address()))
    }

    /// Waits until all is stored that was accepted for a data set: writes to it are applied in their order.
    ///
    /// # Errors
    /// If that takes too long.
    pub fn settle(&mut self, data_type: &str) -> anyhow::Result<()> {
        let records = self.records_of(data_type);
        let numbers = self.numbers(data_type, 1);
        let request = post(data_type, "wait=60", &records.array(numbers));
        let address = self.stack.write.address();
        self.block_on(async {
            let mut connection = Connection::open(address).await?;
            let answer = connection.ask(&request).await?;
            ensure!(answer.status == 200, "not settled: {} {}", answer.status, answer.text());
            Ok(())
        })
    }
}

/// A write of records, as bytes.
pub fn post(data_type: &str, prefer: &str, records: &str) -> Vec<u8> {
    let head = format!(
        "POST /data/bench/{data_type} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer token-for-{data_type}\r\n\
         Content-Type: application/json\r\nPrefer: {prefer}\r\nContent-Length: {}\r\n\r\n",
        records.len()
    );
    [head.as_bytes(), records.as_bytes()].concat()
}

/// A question, as bytes; with a further header, if it is not empty.
pub fn get(path: &str, header: &str) -> Vec<u8> {
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{header}\r\n").into_bytes()
}
