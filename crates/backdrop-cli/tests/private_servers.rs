//! The private servers live through restarts with their data, and leave no process behind.

use backdrop_cli::private::{PostgresOptions, PrivatePostgres, PrivateRedis, RedisOptions};
use secrecy::ExposeSecret;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

fn postgres(home: &Path) -> PrivatePostgres {
    PrivatePostgres::start_with(home, PostgresOptions::without_fsync()).expect("Postgres starts")
}

/// Runs a statement with psql, which comes with the server.
fn psql(server: &PrivatePostgres, statement: &str) -> String {
    let url = server.url();
    let output = Command::new("psql").args(["-XAtc", statement, url.expose_secret()]).output().expect("psql");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// Sends one line to Redis and returns the answer.
fn redis(server: &PrivateRedis, line: &str) -> String {
    let url = server.url();
    let password = url.expose_secret().split([':', '@']).nth(2).expect("a password").to_owned();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("Redis listens");
    write!(stream, "AUTH {password}\r\n{line}\r\nQUIT\r\n").expect("a line is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let lines: Vec<&str> = answer.lines().collect();
    lines[1..lines.len() - 1].join("\n")
}

fn is_running(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn postgres_keeps_its_data_and_leaves_no_process() {
    let home = tempfile::tempdir().expect("a directory");
    let mut server = postgres(home.path());
    psql(&server, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)");
    assert_eq!(psql(&server, "SHOW listen_addresses"), "127.0.0.1");
    let (first_pid, port) = (server.pid(), server.port());

    server.kill().expect("killed");
    assert!(server.has_ended().expect("known"));
    server.restart().expect("starts after a crash");
    assert_eq!(server.port(), port);
    psql(&server, "INSERT INTO kept VALUES (2)");
    server.stop_immediately().expect("stopped");
    server.restart().expect("starts after an immediate stop");
    let refused = PrivatePostgres::start(home.path()).expect_err("the home is in use").to_string();
    assert!(refused.contains("in use by another backdrop process"), "{refused}");

    let last_pid = server.pid();
    drop(server);
    let server = postgres(home.path());
    assert_eq!(psql(&server, "SELECT count(*) FROM kept"), "2");
    let pid = server.pid();
    drop(server);
    for pid in [first_pid, last_pid, pid] {
        assert!(!is_running(pid), "{pid} still runs");
    }
}

#[test]
fn redis_keeps_its_data_and_leaves_no_process() {
    let home = tempfile::tempdir().expect("a directory");
    let mut server = PrivateRedis::start(home.path()).expect("Redis starts");
    assert_eq!(redis(&server, "SET kept 1"), "+OK");
    for (name, value) in [("appendfsync", "always"), ("maxmemory-policy", "noeviction")] {
        assert!(redis(&server, &format!("CONFIG GET {name}")).ends_with(value), "{name}");
    }
    let (first_pid, port) = (server.pid(), server.port());

    server.kill().expect("killed");
    server.restart().expect("starts after a crash");
    assert_eq!((redis(&server, "GET kept").as_str(), server.port()), ("$1\n1", port));
    let arguments = vec!["--maxmemory".into(), "64mb".into()];
    server.restart_with(RedisOptions { arguments, ..RedisOptions::default() }).expect("restarts");
    assert!(redis(&server, "CONFIG GET maxmemory").ends_with("67108864"));

    let last_pid = server.pid();
    drop(server);
    let server = PrivateRedis::start(home.path()).expect("Redis starts again");
    assert_eq!(redis(&server, "GET kept"), "$1\n1");
    drop(server);
    for pid in [first_pid, last_pid] {
        assert!(!is_running(pid), "{pid} still runs");
    }
}

#[test]
fn what_a_killed_run_left_behind_is_stopped_at_the_next_start() {
    let home = tempfile::tempdir().expect("a directory");
    let postgres_pid = {
        let server = postgres(home.path());
        psql(&server, "CREATE TABLE kept (n int)");
        // As if the run had been killed where nothing tells its children: the handle is gone, not the server.
        let pid = server.pid();
        std::mem::forget(server);
        pid
    };
    // The lock of the forgotten handle is still held by this process; another home on the same data
    // stands for the next process.
    let again = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink(home.path().join("postgres"), again.path().join("postgres")).expect("a link");
    std::fs::remove_file(home.path().join("postgres/lock")).expect("unlocked");
    let server = postgres(again.path());
    assert_eq!(psql(&server, "SELECT count(*) FROM kept"), "0");
    assert!(server.pid() != postgres_pid);
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let home = tempfile::tempdir().expect("a directory");
    let settings = vec![("shared_buffers".to_owned(), "nonsense".to_owned())];
    let error = PrivatePostgres::start_with(home.path(), PostgresOptions { settings }).expect_err("nonsense");
    assert!(error.to_string().contains("invalid value for parameter \"shared_buffers\""), "{error:#}");
}
