//! A private Postgres.

mod copy;

use super::directory::Directory;
use super::server::Server;
use super::user::User;
use super::{free_port, installed, orphan, spawner};
use anyhow::{Context, bail};
use rustix::process::Signal;
use secrecy::SecretString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The user of the database, and the name of the database. The user may do everything: the whole
/// server is there for one Backdrop, and tests make databases of their own in it.
const NAME: &str = "backdrop";
/// Orderly: ends all connections, writes a checkpoint (30 s for a busy disk); then at once, as after a crash.
const STOP: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(30)),
    (Signal::QUIT, Duration::from_secs(10)),
    (Signal::KILL, Duration::from_secs(5)),
];
/// How long a server may take to answer on an open connection before it counts as not ready.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How a private Postgres runs.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// Settings of the server beyond its defaults, such as `("log_statement", "all")`.
    pub settings: Vec<(String, String)>,
}

impl PostgresOptions {
    /// For tests: survives the end of its process, not that of the machine, and is several times faster.
    pub fn without_fsync() -> Self {
        let off = |name: &str| (name.to_owned(), "off".to_owned());
        Self { settings: vec![off("fsync"), off("full_page_writes")] }
    }

    fn is_durable(&self) -> bool {
        !self.settings.iter().any(|(name, value)| name == "fsync" && value == "off")
    }
}

/// A Postgres of our own: started, and stopped when dropped.
#[derive(Debug)]
pub struct PrivatePostgres {
    // Dropped before the directory, whose lock must be the last thing to go.
    server: Server,
    directory: Directory,
    programs: PathBuf,
    options: PostgresOptions,
    password: String,
    port: u16,
}

impl PrivatePostgres {
    /// Starts a server with its data in `postgres` below the home, and makes the data the first time.
    ///
    /// # Errors
    /// If Postgres is not installed, another process uses the home, or the server does not start.
    pub fn start(home: &Path) -> anyhow::Result<Self> {
        Self::start_with(home, PostgresOptions::default())
    }

    /// Like [`start`](Self::start), with options.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(home: &Path, options: PostgresOptions) -> anyhow::Result<Self> {
        let directory = Directory::of_postgres(home)?;
        let data = directory.join("data");
        let version = std::fs::read_to_string(data.join("PG_VERSION")).ok();
        let programs = installed::postgres_programs(version.as_deref().map(str::trim))?;
        let password = directory.password()?;
        if version.is_none() {
            make_data(&directory, &programs, &options)?;
        }
        // One life's log is enough to see why this one does not start.
        let _ = std::fs::rename(directory.join("log"), directory.join("log.old"));
        let (server, port) = run(&directory, &programs, &options, None)?;
        Ok(Self { server, directory, programs, options, password, port })
    }

    /// The URL of the database, with the password.
    pub fn url(&self) -> SecretString {
        format!("postgres://{NAME}:{}@127.0.0.1:{}/{NAME}", self.password, self.port).into()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's first process, also after it has ended.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Whether the server has ended, by itself or by us.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        self.server.has_ended()
    }

    /// Stops the server in good order; if it does not follow within 30 s, by force.
    ///
    /// # Errors
    /// If its process cannot be waited for.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.server.stop(&STOP)
    }

    /// Stops the server at once, without a checkpoint (`SIGQUIT`): as after a crash, it recovers from its
    /// log when it starts again.
    ///
    /// # Errors
    /// If its process cannot be waited for.
    pub fn stop_immediately(&mut self) -> anyhow::Result<()> {
        self.server.stop(&STOP[1..])
    }

    /// Kills the server (`SIGKILL`). Its other processes notice and end a moment later.
    ///
    /// # Errors
    /// If its process cannot be waited for.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.server.stop(&STOP[2..])
    }

    /// Starts the server again on the same port, after stopping it in good order if it runs.
    ///
    /// # Errors
    /// If the server does not stop or start.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        (self.server, _) = run(&self.directory, &self.programs, &self.options, Some(self.port))?;
        Ok(())
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, "Postgres could not be stopped");
        }
    }
}

fn run(
    directory: &Directory,
    programs: &Path,
    options: &PostgresOptions,
    port: Option<u16>,
) -> anyhow::Result<(Server, u16)> {
    let data = directory.join("data");
    let command = || {
        orphan::end(&data.join("postmaster.pid"), &data, Signal::INT);
        let port = port.map_or_else(free_port, Ok)?;
        let mut command = spawner::command(&programs.join("postgres"), &[], directory.user(), "INT");
        command.current_dir(directory.path()).arg("-D").arg(&data);
        // No socket in the file system: a path to one has at most 107 bytes, and a clone may lie deep.
        let fixed = [("listen_addresses", "127.0.0.1"), ("unix_socket_directories", "")];
        let given = options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in given.chain(fixed).chain([("port", port.to_string().as_str())]) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        Ok((command, port))
    };
    Server::start("Postgres", &directory.join("log"), command, accepts_connections)
}

/// Makes the data of a new server. Only data that is complete gets its final name.
fn make_data(directory: &Directory, programs: &Path, options: &PostgresOptions) -> anyhow::Result<()> {
    let (data, fresh) = (directory.join("data"), directory.join("data.new"));
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).with_context(|| format!("cannot remove {}", fresh.display()))?;
    }
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.args(["--username", NAME, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"]);
    initdb.arg("--pwfile").arg(directory.join("password")).arg("--pgdata").arg(&fresh);
    if !options.is_durable() {
        initdb.arg("--no-sync");
    }
    run_to_end(initdb, directory, "")?;
    // A server without network, for one statement: nothing needs to be started and stopped for it.
    let mut single = Command::new(programs.join("postgres"));
    single.args(["--single", "-D"]).arg(&fresh).arg("postgres");
    run_to_end(single, directory, &format!("CREATE DATABASE {NAME}\n"))?;
    std::fs::rename(&fresh, &data).with_context(|| format!("cannot make {}", data.display()))
}

fn run_to_end(mut command: Command, directory: &Directory, input: &str) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.current_dir(directory.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    directory.user().into_iter().for_each(|user: User| user.applies_to(&mut command));
    let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that fails before it reads says why on its error output.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().with_context(|| format!("cannot wait for {program}"))?;
    if !output.status.success() {
        bail!("{program} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Whether the server would let a user in: it answers a startup message by asking for a password. While it
/// starts, recovers or stops it answers with an error; that it listens tells nothing.
fn accepts_connections(port: u16) -> bool {
    let ask = || -> std::io::Result<u8> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let mut message = 196_608_u32.to_be_bytes().to_vec(); // version 3.0 of the protocol
        for text in ["user", NAME, "database", NAME, ""] {
            message.extend_from_slice(text.as_bytes());
            message.push(0);
        }
        let len = u32::try_from(message.len() + 4).expect("a startup message is short");
        stream.write_all(&[&len.to_be_bytes()[..], &message].concat())?;
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        Ok(kind[0])
    };
    matches!(ask(), Ok(b'R'))
}
