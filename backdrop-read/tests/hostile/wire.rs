//! HTTP by hand: a client library would refuse to send what is sent here.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any limit of the service.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Gets whatever is given as the target of the request, byte by byte.
///
/// Sends and receives at the same time, as a client must: who refuses a long request does not read it to
/// its end.
pub(crate) fn get(address: SocketAddr, target: &[u8]) -> Result<Reply, String> {
    let mut stream = TcpStream::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    stream.set_write_timeout(Some(TIMEOUT)).expect("a timeout");
    let request = [b"GET ", target, b" HTTP/1.1\r\nHost: backdrop\r\nConnection: close\r\n\r\n"].concat();
    let mut sender = stream.try_clone().expect("a second handle");
    let mut received = Vec::new();
    let outcome = std::thread::scope(|scope| {
        // A refusal may come before all is sent; then there is nobody left to send the rest to.
        let sending = scope.spawn(move || drop(sender.write_all(&request)));
        let outcome = stream.read_to_end(&mut received);
        // Nothing more is read, so that what is still being sent ends, too.
        let _ = stream.shutdown(std::net::Shutdown::Both);
        sending.join().expect("it does not panic");
        outcome
    });
    if let (Err(error), true) = (outcome, received.is_empty()) {
        return Err(format!("the connection broke: {error}"));
    }
    Reply::read(&received).ok_or_else(|| format!("no answer: {:?}", String::from_utf8_lossy(&received)))
}

impl Reply {
    fn read(received: &[u8]) -> Option<Self> {
        let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&received[..end]).into_owned();
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        Some(Self { status, head, body: received[end + 4..].to_vec() })
    }

    /// The body as JSON, if it is.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The message of an error; empty if it is none.
    pub(crate) fn message(&self) -> String {
        self.json().and_then(|error| error["message"].as_str().map(ToOwned::to_owned)).unwrap_or_default()
    }

    /// A header's value, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
