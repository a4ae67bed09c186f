//! Data sets that were filled behind the services' back, because a million records take too long by the front door.

use backdrop_testing::{Stack, sqlx};

/// A generation that the janitor believes to be clean.
const SWEPT: i32 = 1_000_000;

/// A data set with records in its first generation.
pub(crate) struct Filled {
    id: i64,
    records: i64,
}

impl Filled {
    /// Fills a data set as if that many records had been stored, one by one. The janitor leaves it alone until it is
    /// let in.
    pub(crate) async fn with(stack: &Stack, data_type: &str, records: i64) -> Self {
        let id = sqlx::query_scalar("SELECT id FROM data_set WHERE data_type = $1")
            .bind(data_type)
            .fetch_one(&stack.pool)
            .await
            .expect("an id");
        sqlx::query(
            r#"INSERT INTO record (data_set_id, generation, id, seq, "timestamp", updated_at, body)
               SELECT $1, 1, 'r' || lpad(n::text, 7, '0'), n, at, now(), jsonb_build_object('count', n)
               FROM generate_series(1, $2) n, LATERAL (SELECT '2013-03-11Z'::timestamptz + n * interval '1 minute' AS at) t"#,
        )
        .bind(id)
        .bind(records)
        .execute(&stack.pool)
        .await
        .expect("filled");
        let filled = Self { id, records };
        filled.restore(stack).await;
        // Tables that grow so at once are looked at by autovacuum sooner or later; plans must not depend on when.
        sqlx::query("ANALYZE record").execute(&stack.pool).await.expect("analysed");
        filled
    }

    /// Makes the data set hold its records again, as if it had never been emptied.
    pub(crate) async fn restore(&self, stack: &Stack) {
        sqlx::query(
            "UPDATE data_set_state SET generation = 1, swept_generation = $3, version = version + $2, records = $2,
                    version_tag = gen_random_uuid()
             WHERE data_set_id = $1",
        )
        .bind(self.id)
        .bind(self.records)
        .bind(SWEPT)
        .execute(&stack.pool)
        .await
        .expect("restored");
    }

    /// Lets the janitor see that there is something to do.
    pub(crate) async fn let_sweep(&self, stack: &Stack) {
        let sql = "UPDATE data_set_state SET swept_generation = 1 WHERE data_set_id = $1";
        sqlx::query(sql).bind(self.id).execute(&stack.pool).await.expect("dirty");
    }

    /// Whether the janitor has found nothing more to remove.
    pub(crate) async fn is_swept(&self, stack: &Stack) -> bool {
        let sql = "SELECT swept_generation = generation FROM data_set_state WHERE data_set_id = $1";
        sqlx::query_scalar(sql).bind(self.id).fetch_one(&stack.pool).await.expect("the state")
    }

    /// How many records of its first generation are still in the table.
    pub(crate) async fn left(&self, stack: &Stack) -> i64 {
        let sql = "SELECT count(*) FROM record WHERE data_set_id = $1 AND generation = 1";
        sqlx::query_scalar(sql).bind(self.id).fetch_one(&stack.pool).await.expect("a number")
    }
}
