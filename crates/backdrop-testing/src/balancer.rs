//! A load balancer as small as one can be: it sends new connections to instances that say that they are ready.
//!
//! It knows nothing of HTTP: bytes are passed on as they are, no request is repeated, and a connection that cannot
//! be made fails. So whatever a client sees go wrong behind it, the services have let go wrong.

use crate::client::Client;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How often each instance is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Listens on loopback, for some instances of a service.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    instances: Vec<Instance>,
    turn: AtomicUsize,
    ended: AtomicBool,
}

#[derive(Debug)]
struct Instance {
    address: SocketAddr,
    is_ready: AtomicBool,
}

impl Balancer {
    /// Begins to pass on to instances, each as soon as it is ready.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start(instances: &[SocketAddr]) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let instance =
            |address: &SocketAddr| Instance { address: *address, is_ready: AtomicBool::new(false) };
        let state = Arc::new(State {
            instances: instances.iter().map(instance).collect(),
            turn: AtomicUsize::default(),
            ended: AtomicBool::default(),
        });
        for index in 0..instances.len() {
            let state = Arc::clone(&state);
            thread::spawn(move || state.ask(index));
        }
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if accepting.ended.load(Ordering::Relaxed) {
                    break;
                }
                // Who cannot be passed on finds the connection closed.
                if let Some(server) = accepting.next().and_then(|address| TcpStream::connect(address).ok()) {
                    let _ = join(client, server);
                }
            }
        });
        Ok(Self { address, state })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many instances were ready when they were last asked.
    pub fn ready(&self) -> usize {
        self.state.instances.iter().filter(|instance| instance.is_ready.load(Ordering::Relaxed)).count()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        // Wakes the listener, so that its thread ends.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn ask(&self, index: usize) {
        let instance = &self.instances[index];
        // As a balancer does: each question on a connection of its own.
        let client = Client::new(instance.address).with_header("Connection", "close");
        while !self.ended.load(Ordering::Relaxed) {
            let answer = client.send("GET", "/_status/ready", Vec::new());
            instance.is_ready.store(answer.is_ok_and(|answer| answer.status == 200), Ordering::Relaxed);
            thread::sleep(ASK_EVERY);
        }
    }

    /// The next instance whose turn it is, of those that are ready.
    fn next(&self) -> Option<SocketAddr> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.instances.len();
        let in_turn = (0..count).map(|step| &self.instances[(turn + step) % count]);
        in_turn.filter(|instance| instance.is_ready.load(Ordering::Relaxed)).map(|ready| ready.address).next()
    }
}

fn join(client: TcpStream, server: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (client_too, server_too) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || pass(client, server));
    thread::spawn(move || pass(server_too, client_too));
    Ok(())
}

/// Passes bytes on until there are no more, and then the end of them.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
