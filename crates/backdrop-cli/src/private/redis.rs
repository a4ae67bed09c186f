//! A private Redis that loses nothing it has acknowledged: every write is synced before its answer, and
//! full memory refuses writes instead of forgetting keys.

use super::directory::Directory;
use super::server::Server;
use super::{free_port, installed, orphan, spawner};
use anyhow::Context;
use rustix::process::Signal;
use secrecy::SecretString;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Orderly: writes its files. Everything acknowledged is synced already, so there is little to wait for.
const STOP: [(Signal, Duration); 2] =
    [(Signal::TERM, Duration::from_secs(20)), (Signal::KILL, Duration::from_secs(5))];
/// How long a server may take to answer on an open connection before it counts as not ready.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How a private Redis runs.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// Further arguments of the server, such as `["--maxmemory", "64mb"]`. They win over what is set here.
    pub arguments: Vec<String>,
    /// A command to run the server behind, such as `["env", "LD_PRELOAD=…"]`. It must become the server
    /// (`exec`), not start it.
    pub prefix: Vec<String>,
}

/// A Redis of our own: started, and stopped when dropped.
#[derive(Debug)]
pub struct PrivateRedis {
    // Dropped before the directory, whose lock must be the last thing to go.
    server: Server,
    directory: Directory,
    program: PathBuf,
    options: RedisOptions,
    password: String,
    port: u16,
}

impl PrivateRedis {
    /// Starts a server with its data in `redis` below the home.
    ///
    /// # Errors
    /// If Redis is not installed, another process uses the home, or the server does not start.
    pub fn start(home: &Path) -> anyhow::Result<Self> {
        Self::start_with(home, RedisOptions::default())
    }

    /// Like [`start`](Self::start), with options.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(home: &Path, options: RedisOptions) -> anyhow::Result<Self> {
        let program = installed::on_path("redis-server").context(
            "redis-server is not installed (looked on the PATH); run scripts/install-dependencies, or set \
             REDIS_URL to use a server of yours",
        )?;
        let directory = Directory::ours(home, "redis")?;
        let data = directory.join("data");
        std::fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
        let password = directory.password()?;
        let _ = std::fs::rename(directory.join("log"), directory.join("log.old"));
        let (server, port) = run(&directory, &program, &options, &password, None)?;
        Ok(Self { server, directory, program, options, password, port })
    }

    /// The URL of the server, with the password.
    pub fn url(&self) -> SecretString {
        format!("redis://:{}@127.0.0.1:{}/", self.password, self.port).into()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process, also after it has ended.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Where the server keeps its data, to be copied or replaced while it is stopped.
    pub fn data_directory(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Whether the server has ended, by itself or by us.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        self.server.has_ended()
    }

    /// Stops the server in good order; if it does not follow within 20 s, by force.
    ///
    /// # Errors
    /// If its process cannot be waited for.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.server.stop(&STOP)
    }

    /// Kills the server (`SIGKILL`).
    ///
    /// # Errors
    /// If its process cannot be waited for.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.server.stop(&STOP[1..])
    }

    /// Starts the server again on the same port, after stopping it in good order if it runs.
    ///
    /// # Errors
    /// If the server does not stop or start.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.restart_with(self.options.clone())
    }

    /// Like [`restart`](Self::restart), with other options from now on.
    ///
    /// # Errors
    /// As [`restart`](Self::restart).
    pub fn restart_with(&mut self, options: RedisOptions) -> anyhow::Result<()> {
        self.stop()?;
        self.options = options;
        let Self { directory, program, options, password, port, .. } = &*self;
        (self.server, _) = run(directory, program, options, password, Some(*port))?;
        Ok(())
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, "Redis could not be stopped");
        }
    }
}

fn run(
    directory: &Directory,
    program: &Path,
    options: &RedisOptions,
    password: &str,
    port: Option<u16>,
) -> anyhow::Result<(Server, u16)> {
    let command = || {
        orphan::end(&directory.join("pid"), &directory.join("redis.conf"), Signal::TERM);
        let port = port.map_or_else(free_port, Ok)?;
        let configuration =
            directory.write_private("redis.conf", &configuration(directory, port, password))?;
        let mut command = spawner::command(program, &options.prefix, directory.user(), "TERM");
        command.current_dir(directory.path()).arg(configuration).args(&options.arguments);
        Ok((command, port))
    };
    Server::start("Redis", &directory.join("log"), command, |port| answers(port, password))
}

/// The server's configuration. In a file, since a password on the command line shows in every list of
/// processes; the server's title stays its command line, by which an orphan is recognised.
fn configuration(directory: &Directory, port: u16, password: &str) -> String {
    let quoted =
        |path: PathBuf| format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = format!("bind 127.0.0.1\nport {port}\nrequirepass {password}\nset-proc-title no\n");
    text.push_str("appendonly yes\nappendfsync always\nsave \"\"\nmaxmemory-policy noeviction\n");
    for (name, path) in [("dir", "data"), ("pidfile", "pid")] {
        writeln!(text, "{name} {}", quoted(directory.join(path))).expect("a text can be written to");
    }
    text
}

/// Whether the server takes commands; while it loads its data it refuses them.
fn answers(port: u16, password: &str) -> bool {
    let ask = || -> std::io::Result<Vec<u8>> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.write_all(format!("AUTH {password}\r\nPING\r\nQUIT\r\n").as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with(b"+OK\r\n+PONG\r\n"))
}
