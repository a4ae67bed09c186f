//! A bare loop of `UNNEST` upserts into the table of records: what the store takes at best, batch by batch.

use crate::load::Measured;
use crate::records::Records;
use crate::stage::Stage;
use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnection, PgPool};
use std::ops::Range;
use std::time::{Duration, Instant};

/// The statement of the worker, without what it does for the sake of anything but the records.
const UPSERT: &str = r#"
    INSERT INTO record (data_set_id, generation, id, seq, "timestamp", updated_at, body)
    SELECT $1, 1, id, seq, "timestamp", now(), body::jsonb
    FROM UNNEST($2::text[], $3::bigint[], $4::timestamptz[], $5::text[]) AS i (id, seq, "timestamp", body)
    ON CONFLICT (data_set_id, generation, id) DO UPDATE
    SET seq = excluded.seq, "timestamp" = excluded."timestamp",
        updated_at = excluded.updated_at, body = excluded.body"#;

/// A data set that the services never write to.
#[derive(Debug)]
pub(super) struct Upserts {
    data_set_id: i64,
}

/// One batch, as columns.
struct Batch {
    ids: Vec<String>,
    seqs: Vec<i64>,
    times: Vec<DateTime<Utc>>,
    bodies: Vec<String>,
}

impl Batch {
    fn of(records: &Records, range: Range<u64>) -> Self {
        let time = |n| DateTime::from_timestamp(records.time(n), 0).expect("a time of this century");
        Self {
            ids: range.clone().map(|n| records.id(n)).collect(),
            seqs: range.clone().map(u64::cast_signed).collect(),
            times: range.clone().map(time).collect(),
            bodies: range.map(|n| records.body(n)).collect(),
        }
    }

    async fn upsert(self, connection: &mut PgConnection, data_set_id: i64) -> anyhow::Result<()> {
        let upsert = sqlx::query(UPSERT).bind(data_set_id).bind(self.ids).bind(self.seqs);
        upsert.bind(self.times).bind(self.bodies).execute(connection).await?;
        Ok(())
    }
}

impl Upserts {
    /// Makes the data set.
    pub(super) fn new(stage: &mut Stage, data_type: &str) -> anyhow::Result<Self> {
        stage.make(data_type);
        Ok(Self { data_set_id: stage.data_set_id(data_type)? })
    }

    /// Upserts the same records as the lists name, in as many loops, each over a connection of its own.
    pub(super) fn send(
        &self,
        stage: &Stage,
        lists: &[(String, Vec<Range<u64>>)],
        loops: usize,
    ) -> anyhow::Result<Measured> {
        let mut shares: Vec<Vec<Batch>> = (0..loops).map(|_| Vec::new()).collect();
        for (place, (name, ranges)) in lists.iter().enumerate() {
            let records = stage.records_of(name);
            shares[place % loops].extend(ranges.iter().map(|range| Batch::of(&records, range.clone())));
        }
        let (pool, id) = (&stage.stack.pool, self.data_set_id);
        stage.block_on(async {
            let began = Instant::now();
            let mut running = tokio::task::JoinSet::new();
            for share in shares {
                running.spawn(upsert_all(pool.clone(), id, share));
            }
            let latencies = running.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
            Measured::within(began.elapsed(), &latencies.concat())
        })
    }
}

async fn upsert_all(pool: PgPool, data_set_id: i64, share: Vec<Batch>) -> anyhow::Result<Vec<Duration>> {
    let mut connection = pool.acquire().await?;
    let mut latencies = Vec::new();
    for batch in share {
        let began = Instant::now();
        batch.upsert(&mut connection, data_set_id).await?;
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}
