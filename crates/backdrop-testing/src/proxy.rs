//! A TCP proxy between two processes, that can be told to misbehave.

use crate::eventually;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Requests,
    Answers,
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
    /// The first request that holds this makes answers be lost.
    trigger: Mutex<Option<&'static str>>,
    /// The first request that holds this is held back, and everything after it.
    stall_at: Mutex<Option<&'static str>>,
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

    /// Loses answers from the next request on that holds the text: what that request asked for is done,
    /// but who asked does not learn it. Returns when such a request has come.
    pub fn lose_answers_from(&self, text: &'static str) {
        *self.state.trigger() = Some(text);
        eventually("a request for which to lose the answer", Duration::from_secs(10), || {
            self.state.is(Traffic::AnswersLost)
        });
    }

    /// Passes nothing on any more from the first request on that holds the text, that one included.
    pub fn stall_at(&self, text: &'static str) {
        *self.state.stall_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// Whether it passes nothing on.
    pub fn is_stalled(&self) -> bool {
        self.state.is(Traffic::Stalled)
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
            (client.try_clone()?, server.try_clone()?, Direction::Requests),
            (server, client, Direction::Answers),
        ];
        for (from, to, direction) in directions {
            let state = Arc::clone(self);
            thread::spawn(move || state.pass(from, to, direction));
        }
        Ok(())
    }

    fn trigger(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.trigger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loses answers if these bytes hold what was waited for.
    fn notice(&self, request: &[u8]) {
        let mut trigger = self.trigger();
        if trigger.is_some_and(|text| request.windows(text.len()).any(|part| part == text.as_bytes())) {
            *trigger = None;
            self.traffic.store(Traffic::AnswersLost as u8, Ordering::Relaxed);
        }
    }

    /// Holds everything back if these bytes hold what was waited for, and as long as it is told to.
    fn hold_back(&self, request: &[u8]) {
        let mut stall_at = self.stall_at.lock().unwrap_or_else(PoisonError::into_inner);
        if stall_at.is_some_and(|text| request.windows(text.len()).any(|part| part == text.as_bytes())) {
            *stall_at = None;
            self.traffic.store(Traffic::Stalled as u8, Ordering::Relaxed);
            drop(stall_at);
            while self.is(Traffic::Stalled) && !self.ended.load(Ordering::Relaxed) {
                thread::sleep(TICK);
            }
        }
    }

    fn is(&self, traffic: Traffic) -> bool {
        self.traffic.load(Ordering::Relaxed) == traffic as u8
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, direction: Direction) {
        let mut buffer = [0; 16 * 1024];
        while !self.ended.load(Ordering::Relaxed) {
            if self.is(Traffic::Stalled) {
                thread::sleep(TICK);
                continue;
            }
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    if direction == Direction::Requests {
                        self.notice(&buffer[..length]);
                        self.hold_back(&buffer[..length]);
                    }
                    let is_swallowed = direction == Direction::Answers && self.is(Traffic::AnswersLost);
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
