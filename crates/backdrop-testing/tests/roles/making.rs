//! How the roles come to be: several databases share them, and not every owner of a database may make them.

use backdrop_postgres::{Database, DatabaseSettings, StoreError, migrate};
use backdrop_testing::{SharedPostgres, sqlx};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgPool, PgPoolOptions};
use std::process::{Command, Output};
use std::time::Duration;

const ROLES: [&str; 3] = ["backdrop_read", "backdrop_write", "backdrop_worker"];

async fn connect(url: &str) -> PgPool {
    PgPoolOptions::new().max_connections(1).connect(url).await.expect("a connection")
}

async fn execute(pool: &PgPool, sql: &str) {
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(pool).await.expect(sql);
}

async fn migrated(url: String) -> Result<(), StoreError> {
    let database = Database::new(&DatabaseSettings {
        url: SecretString::from(url),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(30),
        statement_timeout: Duration::from_secs(30),
        application_name: "backdrop-testing".into(),
    })?;
    let result = migrate(&database, 2).await;
    database.close().await;
    result
}

/// Which of the roles there are, and which of them may read records in this database.
async fn reading(pool: &PgPool) -> Vec<(String, bool)> {
    let sql = "SELECT rolname::text, has_table_privilege(rolname, 'record', 'SELECT')
               FROM pg_roles WHERE rolname = ANY($1) ORDER BY oid";
    sqlx::query_as(sql).bind(&ROLES[..]).fetch_all(pool).await.expect("roles")
}

fn all_read() -> Vec<(String, bool)> {
    ROLES.map(|role| (role.to_owned(), true)).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_are_migrated_at_once_make_the_roles_once() {
    let server = SharedPostgres::start().expect("a Postgres");
    let url = server.url().expose_secret().to_owned();
    let (base, _) = url.rsplit_once('/').expect("a URL with a database");
    let pool = connect(&url).await;
    let mut migrating = Vec::new();
    for database in 0..8 {
        execute(&pool, &format!("CREATE DATABASE at_once_{database}")).await;
        // And two processes on each: they wait for each other.
        for _ in 0..2 {
            let url = format!("{base}/at_once_{database}");
            // Each in a runtime of its own, as it is in a process of its own.
            migrating.push(std::thread::spawn(|| {
                tokio::runtime::Runtime::new().expect("a runtime").block_on(migrated(url))
            }));
        }
    }
    for ended in migrating {
        ended.join().expect("no panic").expect("migrated");
    }
    for database in 0..8 {
        let pool = connect(&format!("{base}/at_once_{database}")).await;
        assert_eq!(reading(&pool).await, all_read());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_may_make_no_roles_migrates_and_an_administrator_makes_them_later() {
    let server = SharedPostgres::start().expect("a Postgres");
    let url = server.url().expose_secret().to_owned();
    let administrator = connect(&url).await;
    execute(&administrator, "CREATE ROLE landlord LOGIN PASSWORD 'secret' NOCREATEROLE NOSUPERUSER").await;
    execute(&administrator, "CREATE DATABASE managed OWNER landlord").await;
    let (_, place) = url.rsplit_once('@').expect("a URL with a user");
    let (host, _) = place.rsplit_once('/').expect("a URL with a database");
    let owners = format!("postgres://landlord:secret@{host}/managed");
    migrated(owners.clone()).await.expect("migrated without the roles");
    let pool = connect(&owners).await;
    assert_eq!(reading(&pool).await, []);

    for role in ROLES {
        execute(&administrator, &format!("CREATE ROLE {role} NOLOGIN")).await;
    }
    migrated(owners).await.expect("migrated again");
    assert_eq!(reading(&pool).await, all_read());
}

/// Runs what operators run, with the passwords of read, write and worker in its environment.
fn make_users(owners: &str, passwords: [&str; 3]) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/postgres/users.sql");
    let mut psql = Command::new("psql");
    psql.envs(["READ_PASSWORD", "WRITE_PASSWORD", "WORKER_PASSWORD"].into_iter().zip(passwords));
    psql.args(["--quiet", "--file", script, owners]).output().expect("psql is installed")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_for_operators_makes_users_and_changes_their_passwords() {
    let server = SharedPostgres::start().expect("a Postgres");
    let url = server.url().expose_secret().to_owned();
    migrated(url.clone()).await.expect("migrated");
    let (_, place) = url.rsplit_once('@').expect("a URL with a user");
    for password in ["first", "it's another"] {
        let made = make_users(&url, [password; 3]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        for role in ROLES {
            let encoded = password.replace(' ', "%20");
            let pool = connect(&format!("postgres://{role}_service:{encoded}@{place}")).await;
            let is_member: bool = sqlx::query_scalar("SELECT pg_has_role($1, 'USAGE')")
                .bind(role)
                .fetch_one(&pool)
                .await
                .expect("a member");
            assert!(is_member, "{role}");
        }
    }
    assert!(!make_users(&url, ["third", "", "third"]).status.success(), "a password is lacking");
    connect(&format!("postgres://backdrop_read_service:it's%20another@{place}")).await;
    let with_the_old = format!("postgres://backdrop_read_service:first@{place}");
    assert!(PgPoolOptions::new().max_connections(1).connect(&with_the_old).await.is_err());
}
