//! A TCP proxy between two processes, that can be told to misbehave.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a direction waits for bytes before it looks at what it is told.
const TICK: Duration = Duration::from_millis(20);

/// What the proxy does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Traffic {
    /// Passes them on.
    Flowing = 0,
    /// Passes requests on, and swallows the answers.
    AnswersLost = 1,
    /// Passes nothing on, in either direction, while connections stay open.
    Stalled = 2,
}

/// Listens on loopback and passes on to another address.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    traffic: AtomicU8,
    ended: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Begins to pass on to the address.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.ended.load(Ordering::Relaxed) {
                    break;
                }
                // If the target is away, the client finds its connection closed.
                if let Ok(server) = TcpStream::connect(target) {
                    let _ = shared.join(client, server);
                }
            }
        });
        Ok(Self { address, state })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what to do with bytes from now on.
    pub fn set(&self, traffic: Traffic) {
        self.state.traffic.store(traffic as u8, Ordering::Relaxed);
    }

    /// Closes all connections; new ones are taken.
    pub fn cut(&self) {
        let mut connections = self.state.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        self.cut();
        // Wakes the listener, so that its thread ends.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) -> std::io::Result<()> {
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(TICK))?;
        }
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.extend([client.try_clone()?, server.try_clone()?]);
        let directions = [
            (client.try_clone()?, server.try_clone()?, [Traffic::Stalled].as_slice(), None),
            (server, client, [Traffic::Stalled].as_slice(), Some(Traffic::AnswersLost)),
        ];
        for (from, to, held_by, swallowed_by) in directions {
            let state = Arc::clone(self);
            thread::spawn(move || state.pass(from, to, held_by, swallowed_by));
        }
        Ok(())
    }

    fn is(&self, traffic: Traffic) -> bool {
        self.traffic.load(Ordering::Relaxed) == traffic as u8
    }

    fn pass(
        &self,
        mut from: TcpStream,
        mut to: TcpStream,
        held_by: &[Traffic],
        swallowed_by: Option<Traffic>,
    ) {
        let mut buffer = [0; 16 * 1024];
        while !self.ended.load(Ordering::Relaxed) {
            if held_by.iter().any(|traffic| self.is(*traffic)) {
                thread::sleep(TICK);
                continue;
            }
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    let is_swallowed = swallowed_by.is_some_and(|traffic| self.is(traffic));
                    if !is_swallowed && to.write_all(&buffer[..length]).is_err() {
                        break;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
