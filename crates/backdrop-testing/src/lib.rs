//! What tests need to try the real thing: private servers, the services as processes, a client, a balancer, and a
//! proxy that cuts connections.
//!
//! A test starts a [`Stack`]: a database of its own in a Postgres that all tests of a run share, a Redis
//! of its own, and the services it asks for, as the processes one deploys. Everything listens on
//! loopback, and ends with the test.

mod append_only_file;
mod balancer;
mod client;
mod clock;
mod engines;
mod findings;
mod pairs;
mod port;
mod process;
mod proxy;
mod scripted;
mod servers;
mod stack;
mod users;

pub use append_only_file::{AppendOnlyFile, Cut};
pub use balancer::Balancer;
pub use client::{Answer, Client};
pub use clock::an_hour_back;
pub use engines::{Engines, ask_frame};
pub use findings::{measured_on, table};
pub use pairs::{Connections, Pair};
pub use process::{PROGRAMS, Process, wake_children};
pub use proxy::{Proxy, Traffic};
pub use scripted::{Reply, Request, answering, scripted};
pub use servers::{SHARED_POSTGRES, SharedPostgres};
pub use stack::{ADMIN_TOKEN, PostgresKind, Service, Stack, StackOptions, connect_to, eventually};

/// The Redis of a stack, and how it can be told to run.
pub use backdrop_cli::private::{PostgresOptions, PrivatePostgres, PrivateRedis, RedisOptions, versions};

// Tests look behind the services with these, but no crate of a service depends on them, not even for its tests.
pub use {redis, sqlx, tempfile};
