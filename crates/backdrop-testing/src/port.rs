//! Ports on which services of tests listen.
//!
//! A service that is started again listens where it did before, and meanwhile nobody else may: neither a test that runs
//! at the same time, nor a connection, which the system gives any free port of a range. So ports are below that range,
//! and whoever has one holds a name, which the system takes back when the process ends, however that comes about.

use anyhow::bail;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// The lowest of them, and how many there are. Linux gives connections those from 32,768 on.
const LOWEST: u16 = 20_000;
const COUNT: u16 = 10_000;
/// How far apart those lie at which two processes begin to look, if they were started one after the other.
const APART: u32 = 61;

/// How many this process has taken: one that was let go of is not taken again at once, as logs are called by ports.
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// A port that is ours as long as this is held.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _name: UnixListener,
}

impl Port {
    /// One on which nobody listens, nor will.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn take() -> anyhow::Result<Self> {
        let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
        let first = process::id().wrapping_mul(APART).wrapping_add(taken) % u32::from(COUNT);
        for place in first..first + u32::from(COUNT) {
            let number = LOWEST + u16::try_from(place % u32::from(COUNT))?;
            let name = UnixAddr::from_abstract_name(format!("backdrop-test-port-{number}"))?;
            let Ok(name) = UnixListener::bind_addr(&name) else { continue };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _name: name });
            }
        }
        bail!("all ports from {LOWEST} on are taken")
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_let_go_of_is_not_taken_again_at_once() {
        let before = Port::take().expect("a port").number;
        assert_ne!(Port::take().expect("a port").number, before);
    }

    #[test]
    fn nobody_gets_a_port_that_somebody_holds() {
        let held: Vec<Port> = (0..20).map(|_| Port::take().expect("a port")).collect();
        let mut numbers: Vec<u16> = held.iter().map(|port| port.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), held.len());
    }
}
