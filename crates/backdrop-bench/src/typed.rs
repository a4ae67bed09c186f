//! The baseline of queries: a table made by hand for these questions and nothing else.
//!
//! Its columns have types, its indexes are those that serve each question best and hold what it asks for, and
//! statistics of the truncated times are kept, so that the planner groups by hash. Statements are prepared, on a
//! connection that is open.

use crate::figures::{Figures, Group};
use crate::questions::{Question, Window};
use crate::stage::Stage;
use chrono::{DateTime, NaiveDateTime};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

/// The table, from the records as they are stored. Its times are UTC without saying so: to truncate them then needs no
/// look at time zones.
const MAKE: [&str; 12] = [
    "DROP TABLE IF EXISTS typed",
    r#"CREATE TABLE typed (
        id text COLLATE "C" NOT NULL, time timestamp NOT NULL, channel text COLLATE "C" NOT NULL,
        region text COLLATE "C" NOT NULL, service text COLLATE "C" NOT NULL, count integer NOT NULL,
        duration_ms double precision NOT NULL, note text NOT NULL)"#,
    r#"INSERT INTO typed
       SELECT r.id, r."timestamp" AT TIME ZONE 'UTC', body->>'channel', body->>'region', body->>'service',
              (body->>'count')::integer, (body->>'duration_ms')::double precision, body->>'note'
       FROM record r JOIN data_set_state s USING (data_set_id, generation)
       JOIN data_set d ON d.id = data_set_id
       WHERE d.data_group = 'bench' AND d.data_type = 'big' AND d.deleted_at IS NULL
       ORDER BY r."timestamp", r.id"#,
    "ALTER TABLE typed ADD PRIMARY KEY (id)",
    "CREATE INDEX typed_latest ON typed (time, id)",
    "CREATE INDEX typed_counts ON typed (time) INCLUDE (count)",
    "CREATE INDEX typed_services ON typed (time) INCLUDE (service, count)",
    "CREATE INDEX typed_channels ON typed (time) INCLUDE (channel, count, duration_ms)",
    "CREATE INDEX typed_regions ON typed (region, time)",
    "CREATE STATISTICS typed_periods ON
       (date_trunc('hour', time)), (date_trunc('day', time)), (date_trunc('week', time)), (date_trunc('month', time))
     FROM typed",
    "CREATE STATISTICS typed_pairs (ndistinct) ON
       channel, service, (date_trunc('week', time)), (date_trunc('month', time)) FROM typed",
    "VACUUM ANALYZE typed",
];

/// What a hand sets on such a connection: each range is planned for itself, since a plan for any range is one for small
/// ones.
const SET: &str = "SET plan_cache_mode = force_custom_plan";

/// A connection on which each question is prepared when it is first asked.
#[derive(Debug)]
pub struct Typed {
    connection: PgConnection,
}

impl Typed {
    /// Makes the table of the large data set as it is now, and connects.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn make(stage: &Stage) -> anyhow::Result<Self> {
        stage.block_on(async {
            let mut connection = stage.stack.pool.acquire().await?.detach();
            for statement in MAKE {
                sqlx::query(statement).execute(&mut connection).await?;
            }
            sqlx::query(SET).execute(&mut connection).await?;
            Ok(Self { connection })
        })
    }

    /// Asks a variant of a question.
    ///
    /// # Errors
    /// If the store refuses.
    pub async fn ask(&mut self, question: Question, variant: u64) -> anyhow::Result<Vec<PgRow>> {
        let Window { start, end } = question.window(variant);
        let query = sqlx::query(statement(question)).bind(time(start)).bind(time(end));
        let query = match question.region(variant) {
            Some(region) => query.bind(region),
            None => query,
        };
        Ok(query.fetch_all(&mut self.connection).await?)
    }
}

fn time(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0).expect("a time of this century").naive_utc()
}

const fn statement(question: Question) -> &'static str {
    match question {
        Question::Q1 => {
            "SELECT date_trunc('month', time) AS at, sum(count) AS total FROM typed
             WHERE time >= $1 AND time < $2 GROUP BY 1 ORDER BY 1"
        }
        Question::Q2 => {
            "SELECT channel AS key, date_trunc('week', time) AS at, sum(count) AS total, avg(duration_ms) AS mean
             FROM typed WHERE time >= $1 AND time < $2 GROUP BY 1, 2 ORDER BY 1, 2"
        }
        Question::Q3 => {
            "SELECT service AS key, sum(count) AS total FROM typed
             WHERE time >= $1 AND time < $2 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"
        }
        Question::Q4 => {
            "SELECT date_trunc('day', time) AS at, count(*) AS total FROM typed
             WHERE region = $3 AND time >= $1 AND time < $2 GROUP BY 1 ORDER BY 1"
        }
        Question::Q5 => {
            "SELECT id AS key, time AS at, channel, region, service, count, duration_ms, note FROM typed
             WHERE time >= $1 AND time < $2 ORDER BY time DESC, id DESC LIMIT 100"
        }
        Question::Q6 => {
            "SELECT date_trunc('hour', time) AS at, sum(count) AS total FROM typed
             WHERE time >= $1 AND time < $2 GROUP BY 1 ORDER BY 1"
        }
        // In two steps: to sort the few different pairs is a third of the work of sorting all.
        Question::Q7 => {
            "SELECT at, array_agg(service ORDER BY service) AS services
             FROM (SELECT date_trunc('month', time) AS at, service FROM typed
                   WHERE time >= $1 AND time < $2 GROUP BY 1, 2) AS pairs
             GROUP BY 1 ORDER BY 1"
        }
    }
}

/// The figures of an answer.
///
/// # Errors
/// If it lacks one.
pub fn figures(rows: &[PgRow]) -> anyhow::Result<Figures> {
    rows.iter().map(group).collect()
}

fn group(row: &PgRow) -> anyhow::Result<Group> {
    let has = |column: &str| row.try_column(column).is_ok();
    Ok(Group {
        key: if has("key") { row.try_get("key")? } else { String::new() },
        at: if has("at") { Some(row.try_get::<NaiveDateTime, _>("at")?.and_utc().timestamp()) } else { None },
        total: if has("total") { Some(row.try_get("total")?) } else { None },
        mean: if has("mean") { Some(row.try_get("mean")?) } else { None },
        set: if has("services") { row.try_get("services")? } else { Vec::new() },
    })
}
