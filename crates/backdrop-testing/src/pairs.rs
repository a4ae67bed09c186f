//! Who talks with whom, and a proxy between each two.

use crate::proxy::Proxy;
use std::net::SocketAddr;

/// Two that are connected, the one that connects first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    /// Clients and the ingest service.
    ClientWrite,
    /// Clients and the query service.
    ClientRead,
    /// The ingest service and the queue.
    WriteRedis,
    /// The ingest service and the store.
    WritePostgres,
    /// The workers and the queue.
    WorkerRedis,
    /// The workers and the store.
    WorkerPostgres,
    /// The query service and the store.
    ReadPostgres,
}

impl Pair {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::ClientWrite,
        Self::ClientRead,
        Self::WriteRedis,
        Self::WritePostgres,
        Self::WorkerRedis,
        Self::WorkerPostgres,
        Self::ReadPostgres,
    ];
    /// Those with the store.
    pub const POSTGRES: [Self; 3] = [Self::WritePostgres, Self::WorkerPostgres, Self::ReadPostgres];
}

/// How those of a stack are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connections {
    /// Directly.
    #[default]
    Direct,
    /// Each pair by a proxy of its own.
    Proxied,
}

/// The proxies of a stack.
#[derive(Debug, Default)]
pub(crate) struct Proxies(Vec<(Pair, Proxy)>);

impl Proxies {
    /// A proxy before the queue and the store for each service.
    pub(crate) fn before(queue: SocketAddr, store: SocketAddr) -> std::io::Result<Self> {
        let mut proxies = Self::default();
        for pair in [Pair::WriteRedis, Pair::WorkerRedis] {
            proxies.put(pair, queue)?;
        }
        for pair in Pair::POSTGRES {
            proxies.put(pair, store)?;
        }
        Ok(proxies)
    }

    /// Puts a proxy before an address, for one pair.
    pub(crate) fn put(&mut self, pair: Pair, target: SocketAddr) -> std::io::Result<()> {
        self.0.push((pair, Proxy::start(target)?));
        Ok(())
    }

    /// The proxy of a pair, if it has one.
    pub(crate) fn get(&self, pair: Pair) -> Option<&Proxy> {
        self.0.iter().find(|(of, _)| *of == pair).map(|(_, proxy)| proxy)
    }

    /// A URL with the address of the pair's proxy instead of the one it has.
    pub(crate) fn url(&self, pair: Pair, url: &str, address: SocketAddr) -> String {
        match self.get(pair) {
            Some(proxy) => url.replace(&address.to_string(), &proxy.address().to_string()),
            None => url.to_owned(),
        }
    }
}
