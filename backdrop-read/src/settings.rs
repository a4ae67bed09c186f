//! What the query service can be told.

use backdrop_service::settings::{ServeArgs, StoreArgs};
use clap::Args;
use std::net::SocketAddr;

/// The settings of the query service.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Where queries are answered; port 0 takes a free one
    #[arg(long, env = "BACKDROP_READ_LISTEN", default_value = "127.0.0.1:3038")]
    pub read_listen: SocketAddr,
    /// How many bytes of answers are kept to be given again; 0: none
    #[arg(long, env = "BACKDROP_CACHE_MEMORY", default_value_t = 64 * 1024 * 1024)]
    pub cache_memory: u64,
    /// How many bytes of data sets are held in memory; 0: none. By default a quarter of the memory of the machine
    #[arg(long, env = "BACKDROP_FRAME_MEMORY")]
    pub frame_memory: Option<usize>,
    /// How to reach Postgres.
    #[command(flatten)]
    pub store: StoreArgs,
    /// How it stops.
    #[command(flatten)]
    pub serve: ServeArgs,
}
