//! A TCP proxy between two processes, that can be told to misbehave.

use crate::eventually;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
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
    /// Takes connections and passes nothing on, in either direction, while they stay open.
    Stalled = 2,
    /// Closes connections as soon as they are made.
    Refused = 3,
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

#[derive(Debug)]
struct State {
    target: Mutex<SocketAddr>,
    traffic: AtomicU8,
    /// How long bytes are held back in each direction, in milliseconds.
    delay_ms: AtomicU64,
    ended: AtomicBool,
    /// The first request that holds this makes answers be lost.
    lose_at: Mutex<Option<&'static str>>,
    /// The first request that holds this is held back, and everything after it.
    stall_at: Mutex<Option<&'static str>>,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
}

/// Two streams, joined.
#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
    /// Nothing is passed on any more, and neither side is told.
    is_silent: AtomicBool,
}

impl Proxy {
    /// Begins to pass on to the address.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(target));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for (number, client) in (0..).zip(listener.incoming().map_while(Result::ok)) {
                if shared.ended.load(Ordering::Relaxed) {
                    break;
                }
                // If the target is away, the client finds its connection closed.
                if !shared.is(Traffic::Refused)
                    && let Ok(server) = TcpStream::connect(shared.target())
                {
                    let _ = shared.join(number, client, server);
                }
            }
        });
        Ok(Self { address, state })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads to another address from the next connection on.
    pub fn lead_to(&self, target: SocketAddr) {
        *locked(&self.state.target) = target;
    }

    /// Says what to do with bytes from now on.
    pub fn set(&self, traffic: Traffic) {
        self.state.set(traffic);
    }

    /// Holds back bytes for at least so long in each direction, from now on.
    pub fn delay(&self, by: Duration) {
        let by_ms = by.as_millis().try_into().expect("a short time");
        self.state.delay_ms.store(by_ms, Ordering::Relaxed);
    }

    /// Passes nothing on any more over the connections that are open, for ever, and tells neither side; new ones
    /// work. Gives how many there were.
    pub fn silence(&self) -> usize {
        let connections = locked(&self.state.connections);
        let open = connections.values().filter(|one| !one.is_silent.swap(true, Ordering::Relaxed));
        open.count()
    }

    /// Loses answers from the next request on that holds the text: what that request asked for is done,
    /// but who asked does not learn it. Returns when such a request has come.
    pub fn lose_answers_from(&self, text: &'static str) {
        *locked(&self.state.lose_at) = Some(text);
        eventually("a request for which to lose the answer", Duration::from_secs(10), || {
            self.state.is(Traffic::AnswersLost)
        });
    }

    /// Passes nothing on any more from the first request on that holds the text, that one included.
    pub fn stall_at(&self, text: &'static str) {
        *locked(&self.state.stall_at) = Some(text);
    }

    /// Whether it passes nothing on.
    pub fn is_stalled(&self) -> bool {
        self.state.is(Traffic::Stalled)
    }

    /// Closes all connections; new ones are taken. Gives how many there were.
    pub fn cut(&self) -> usize {
        let connections: Vec<_> = locked(&self.state.connections).drain().collect();
        connections.iter().for_each(|(_, connection)| connection.close());
        connections.len()
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

impl Connection {
    fn close(&self) {
        for stream in [&self.client, &self.server] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl State {
    fn new(target: SocketAddr) -> Self {
        Self {
            target: Mutex::new(target),
            traffic: AtomicU8::default(),
            ended: AtomicBool::default(),
            lose_at: Mutex::default(),
            stall_at: Mutex::default(),
            delay_ms: AtomicU64::default(),
            connections: Mutex::default(),
        }
    }

    fn target(&self) -> SocketAddr {
        *locked(&self.target)
    }

    fn join(self: &Arc<Self>, number: u64, client: TcpStream, server: TcpStream) -> std::io::Result<()> {
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(TICK))?;
        }
        let connection = Arc::new(Connection { client, server, is_silent: AtomicBool::default() });
        locked(&self.connections).insert(number, Arc::clone(&connection));
        for direction in [Direction::Requests, Direction::Answers] {
            let (state, connection) = (Arc::clone(self), Arc::clone(&connection));
            thread::spawn(move || {
                state.pass(&connection, direction);
                // A silent connection stays open, without anybody at it.
                if !connection.is_silent.load(Ordering::Relaxed) {
                    connection.close();
                    locked(&state.connections).remove(&number);
                }
            });
        }
        Ok(())
    }

    /// Loses answers if these bytes hold what was waited for.
    fn notice(&self, request: &[u8]) {
        if has_come(&self.lose_at, request) {
            self.set(Traffic::AnswersLost);
        }
    }

    /// Holds everything back if these bytes hold what was waited for, and as long as it is told to.
    fn hold_back(&self, request: &[u8]) {
        if has_come(&self.stall_at, request) {
            self.set(Traffic::Stalled);
            while self.is(Traffic::Stalled) && !self.ended.load(Ordering::Relaxed) {
                thread::sleep(TICK);
            }
        }
    }

    fn set(&self, traffic: Traffic) {
        self.traffic.store(traffic as u8, Ordering::Relaxed);
    }

    fn is(&self, traffic: Traffic) -> bool {
        self.traffic.load(Ordering::Relaxed) == traffic as u8
    }

    /// Passes bytes on until the connection ends, or is to be silent.
    fn pass(&self, connection: &Connection, direction: Direction) {
        let (mut from, mut to) = match direction {
            Direction::Requests => (&connection.client, &connection.server),
            Direction::Answers => (&connection.server, &connection.client),
        };
        let is_silent = || connection.is_silent.load(Ordering::Relaxed);
        let mut buffer = [0; 16 * 1024];
        while !self.ended.load(Ordering::Relaxed) && !is_silent() {
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
                    thread::sleep(Duration::from_millis(self.delay_ms.load(Ordering::Relaxed)));
                    // What was on its way when the connection fell silent does not arrive.
                    let is_swallowed =
                        is_silent() || (direction == Direction::Answers && self.is(Traffic::AnswersLost));
                    if !is_swallowed && to.write_all(&buffer[..length]).is_err() {
                        break;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
    }
}

/// Whether these bytes hold the text that is waited for, if one is; from then on none is.
fn has_come(awaited: &Mutex<Option<&'static str>>, request: &[u8]) -> bool {
    let holds = |text: &mut &str| request.windows(text.len()).any(|part| part == text.as_bytes());
    locked(awaited).take_if(holds).is_some()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
