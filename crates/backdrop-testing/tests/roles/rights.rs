//! What each role may do, and what it may not.

use backdrop_testing::{Stack, StackOptions, sqlx};
use sqlx::Acquire;
use sqlx::postgres::{PgConnection, PgPool};

/// Every table, with what `backdrop_read`, `backdrop_write` and `backdrop_worker` may do: who adds a table decides it
/// here and in `grant_to_roles`. Letters: a INSERT, r SELECT, w UPDATE, d DELETE; in brackets: of these columns alone.
const RIGHTS: [(&str, &str, &str, &str); 21] = [
    // The ledger of the migrations is the owner's.
    ("_sqlx_migrations", "", "", ""),
    ("audit_event", "", "ar", "a"),
    ("batch", "", "r", "adr"),
    ("configuration", "r", "r w(version)", "r w(version)"),
    ("data_group", "", "adr", ""),
    ("data_set", "r", "arw", "ar w(deleted_at)"),
    ("data_set_schema", "r", "ar", "ar"),
    ("data_set_state", "r", "ar", "arw"),
    ("data_set_token", "", "arw", ""),
    ("data_set_token_use", "", "arw", ""),
    ("document", "", "adrw", "r"),
    ("ingest_epoch", "", "ar w(tail_n, went_back)", "arw"),
    ("ingest_gap", "", "ar", "ar"),
    ("ingest_partition", "", "r w(epoch)", "rw"),
    ("record", "r", "r", "adrw"),
    ("record_deletion", "r", "", "adr"),
    ("rejected_batch", "", "dr", "adrw"),
    ("transform", "", "adrw", "r w(id)"),
    ("transform_run", "", "ar w(earliest, latest)", "adrw"),
    ("transform_type", "", "adrw", "r"),
    ("worker_heartbeat", "", "r", "adrw"),
];

/// A stack without workers: what is looked at here is done by hand.
async fn stack() -> Stack {
    Stack::start_with(StackOptions::default()).await.expect("a stack")
}

/// What a role may do with each table, in the words of [`RIGHTS`].
async fn rights(pool: &PgPool, role: &str) -> Vec<(String, String)> {
    // Rights that everybody has are each role's, too: grantee 0.
    let sql = "
        WITH given AS (
            SELECT c.oid, NULL AS column, a.grantee, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
            UNION ALL
            SELECT t.attrelid, t.attname, a.grantee, a.privilege_type FROM pg_attribute t, aclexplode(t.attacl) a
        ), told AS (
            SELECT oid, \"column\" IS NOT NULL AS is_partial,
                   CASE privilege_type WHEN 'INSERT' THEN 'a' WHEN 'SELECT' THEN 'r' WHEN 'UPDATE' THEN 'w'
                                       WHEN 'DELETE' THEN 'd' ELSE ' ' || privilege_type END AS letter,
                   string_agg(\"column\", ', ' ORDER BY \"column\") AS columns
            FROM given
            WHERE grantee = 0 OR grantee = (SELECT oid FROM pg_roles WHERE rolname = $1)
            GROUP BY 1, 2, 3
        )
        SELECT c.relname::text,
               concat_ws(' ', string_agg(letter, '' ORDER BY letter) FILTER (WHERE NOT is_partial),
                         string_agg(format('%s(%s)', letter, columns), ' ' ORDER BY letter) FILTER (WHERE is_partial))
        FROM pg_class c LEFT JOIN told USING (oid)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        GROUP BY c.relname ORDER BY c.relname COLLATE \"C\"";
    sqlx::query_as(sql).bind(role).fetch_all(pool).await.expect("rights")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_granted_deliberately() {
    let stack = stack().await;
    let expected = |of: fn(&(&str, &str, &str, &str)) -> String| {
        RIGHTS.iter().map(|row| (row.0.to_owned(), of(row))).collect::<Vec<_>>()
    };
    assert_eq!(rights(&stack.pool, "backdrop_read").await, expected(|row| row.1.to_owned()));
    assert_eq!(rights(&stack.pool, "backdrop_write").await, expected(|row| row.2.to_owned()));
    assert_eq!(rights(&stack.pool, "backdrop_worker").await, expected(|row| row.3.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_log_in_as_members_of_their_roles() {
    let stack = Stack::start().await.expect("a stack");
    let roles: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT a.application_name, g.rolname::text
         FROM pg_stat_activity a
         JOIN pg_auth_members m ON m.member = a.usesysid JOIN pg_roles g ON g.oid = m.roleid
         WHERE a.datname = current_database() ORDER BY 1",
    )
    .fetch_all(&stack.pool)
    .await
    .expect("sessions");
    let expected = [
        ("backdrop-read", "backdrop_read"),
        ("backdrop-worker", "backdrop_worker"),
        ("backdrop-write", "backdrop_write"),
    ];
    assert_eq!(roles, expected.map(|(service, role)| (service.to_owned(), role.to_owned())));
}

/// The SQLSTATE with which a statement is refused; none if it is not.
async fn refusal(connection: &mut PgConnection, sql: &str) -> Option<String> {
    let mut attempt = connection.begin().await.expect("a transaction");
    let refused = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut *attempt).await.err();
    attempt.rollback().await.expect("rolled back");
    refused.and_then(|error| Some(error.as_database_error()?.code()?.into_owned()))
}

/// What Postgres answers to those who may not.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_changes_nothing_and_sees_no_token() {
    let stack = stack().await;
    stack.create_data_set("group", "kind");
    let mut connection = stack.pool.acquire().await.expect("a connection");
    sqlx::query("SET ROLE backdrop_read").execute(&mut *connection).await.expect("the role");
    for (table, allowed, ..) in RIGHTS {
        for sql in [
            format!("INSERT INTO {table} DEFAULT VALUES"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
            format!("DROP TABLE {table}"),
        ] {
            let refused = refusal(&mut connection, &sql).await;
            assert_eq!(refused.as_deref(), Some(INSUFFICIENT_PRIVILEGE), "{sql}");
        }
        let columns: Vec<String> = sqlx::query_scalar(
            "SELECT attname::text FROM pg_attribute
             WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped",
        )
        .bind(table)
        .fetch_all(&mut *connection)
        .await
        .expect("columns");
        for column in columns {
            let sql = format!("UPDATE {table} SET \"{column}\" = DEFAULT");
            let refused = refusal(&mut connection, &sql).await;
            assert_eq!(refused.as_deref(), Some(INSUFFICIENT_PRIVILEGE), "{sql}");
            let sql = format!("SELECT \"{column}\" FROM {table}");
            let expected = (allowed != "r").then_some(INSUFFICIENT_PRIVILEGE);
            assert_eq!(refusal(&mut connection, &sql).await.as_deref(), expected, "{sql}");
        }
    }
    let create = refusal(&mut connection, "CREATE TABLE mine ()").await;
    assert_eq!(create.as_deref(), Some(INSUFFICIENT_PRIVILEGE));
    sqlx::query("RESET ROLE").execute(&mut *connection).await.expect("the owner again");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_service_can_rewrite_the_trail_or_read_what_is_not_its_own() {
    let stack = stack().await;
    let mut connection = stack.pool.acquire().await.expect("a connection");
    for (role, statements) in [
        (
            "backdrop_write",
            &[
                "UPDATE audit_event SET action = ''",
                "DELETE FROM audit_event",
                "DELETE FROM record",
                "UPDATE ingest_partition SET cursor_n = 0",
                "DELETE FROM batch",
            ][..],
        ),
        (
            "backdrop_worker",
            &[
                "UPDATE audit_event SET action = ''",
                "DELETE FROM audit_event",
                "SELECT sha256 FROM data_set_token",
                "UPDATE data_set SET name = ''",
            ][..],
        ),
    ] {
        let sql = format!("SET ROLE {role}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await.expect("the role");
        for sql in statements {
            let refused = refusal(&mut connection, sql).await;
            assert_eq!(refused.as_deref(), Some(INSUFFICIENT_PRIVILEGE), "{role}: {sql}");
        }
        sqlx::query("RESET ROLE").execute(&mut *connection).await.expect("the owner again");
    }
}
