//! Filling the data sets that are asked, through the ingest service.

use super::{BIG, SMALL, Stage, post};
use crate::load::{Load, Requests};
use crate::records::Records;
use anyhow::ensure;
use std::ops::Range;
use std::time::{Duration, Instant};

/// How many records a request has: about 1 MB.
const AT_ONCE: u64 = 5_000;
/// Over how many connections they are sent.
const CONNECTIONS: usize = 8;
/// How long all of it may take: ten million records on a busy machine.
const WITHIN: Duration = Duration::from_secs(1_800);
/// Each write waits until it is stored.
const PREFER: &str = "wait=60";

/// A part of a data set that is still to be written.
#[derive(Debug)]
struct Part {
    data_type: &'static str,
    records: Records,
    numbers: Range<u64>,
}

/// Requests that are made when it is their turn: all of them would not fit into memory.
#[derive(Debug)]
struct Parts {
    left: std::vec::IntoIter<Part>,
    request: Vec<u8>,
}

impl Requests for Parts {
    fn next(&mut self) -> Option<&[u8]> {
        let Part { data_type, records, numbers } = self.left.next()?;
        self.request = post(data_type, PREFER, &records.array(numbers));
        Some(&self.request)
    }
}

impl Stage {
    /// Fills the data sets that are asked, if they are not yet.
    ///
    /// # Errors
    /// If a write is refused, or something is not stored.
    pub fn load(&mut self) -> anyhow::Result<()> {
        if self.made.contains_key(BIG) {
            return Ok(());
        }
        let began = Instant::now();
        let parts = self.parts();
        let (count, mut shares) = (parts.len(), Vec::new());
        shares.resize_with(CONNECTIONS, Vec::new);
        parts.into_iter().enumerate().for_each(|(n, part)| shares[n % CONNECTIONS].push(part));
        shares.retain(|share| !share.is_empty());
        let sources = shares.into_iter().map(|share| {
            Box::new(Parts { left: share.into_iter(), request: Vec::new() }) as Box<dyn Requests>
        });
        let load = Load { address: self.stack.write.address(), status: 200, time: WITHIN };
        let sent = load.send(sources.collect())?.requests();
        ensure!(sent == count, "only {sent} of {count} writes in {WITHIN:?}");
        self.block_on(self.check())?;
        // What autovacuum would have done by the time that somebody asks.
        self.block_on(sqlx::query("VACUUM ANALYZE record").execute(&self.stack.pool))?;
        eprintln!("  loaded in {:.0} s", began.elapsed().as_secs_f64());
        Ok(())
    }

    /// All there is to be written. The data sets take turns, so that more than one partition has work.
    fn parts(&mut self) -> Vec<Part> {
        let mut numbered = Vec::new();
        for data_type in names() {
            self.make(data_type);
            let records = self.records_of(data_type);
            let numbers = self.numbers(data_type, records.total);
            for (turn, start) in (0_u64..).zip(numbers.clone().step_by(AT_ONCE as usize)) {
                let numbers = start..numbers.end.min(start + AT_ONCE);
                // As far through its data set as the others are through theirs.
                let progress = turn * AT_ONCE * 1_000 / records.total.max(1);
                numbered.push((progress, Part { data_type, records: records.clone(), numbers }));
            }
        }
        numbered.sort_by_key(|(progress, _)| *progress);
        numbered.into_iter().map(|(_, part)| part).collect()
    }

    /// That everything is there that was written.
    async fn check(&self) -> anyhow::Result<()> {
        for data_type in names() {
            let sql = "SELECT s.records FROM data_set_state s JOIN data_set d ON d.id = s.data_set_id
                       WHERE d.data_group = 'bench' AND d.data_type = $1";
            let stored: i64 = sqlx::query_scalar(sql).bind(data_type).fetch_one(&self.stack.pool).await?;
            let expected = self.records_of(data_type).total;
            ensure!(u64::try_from(stored)? == expected, "{data_type} holds {stored} records, not {expected}");
        }
        Ok(())
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once(BIG).chain(SMALL)
}
