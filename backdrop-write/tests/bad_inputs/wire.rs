//! HTTP by hand: a client library would refuse to send what is sent here.

use crate::row::Row;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longer than any limit of the service.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long a slow sender pauses after each byte. That is what is tried, not a way to wait for something.
const PAUSE: Duration = Duration::from_millis(500);
/// How large a chunk of a chunked body is.
const CHUNK_BYTES: usize = 64 * 1024;

/// How the body is sent.
#[derive(Clone)]
pub(crate) enum Body {
    /// None, and nothing says that there is one.
    Nothing,
    /// With its length in front.
    Announced(Vec<u8>),
    /// In chunks.
    Chunked(Vec<u8>),
    /// Byte by byte, slowly, with its length in front.
    Slow(Vec<u8>),
    /// None; the head itself is what comes slowly.
    SlowHead,
    /// These bytes after the head, whatever its headers say.
    Raw(Vec<u8>),
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

/// Sends a request; sends and receives at the same time, as a client must: who refuses a body early does not read
/// it to its end.
pub(crate) fn send(address: SocketAddr, row: &Row) -> Result<Reply, String> {
    let mut stream = TcpStream::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    stream.set_write_timeout(Some(TIMEOUT)).expect("a timeout");
    let mut sender = stream.try_clone().expect("a second handle");
    let began = Instant::now();
    let received = std::thread::scope(|scope| {
        // A refusal may come before all is sent; then there is nobody left to send the rest to.
        let sending = scope.spawn(move || drop(write(&mut sender, row)));
        let received = receive(&mut stream);
        // Nothing more is read, so that what is still being sent ends, too.
        let _ = stream.shutdown(Shutdown::Both);
        sending.join().expect("it does not panic");
        received
    })?;
    let took = began.elapsed();
    let broken = || format!("no answer: {:?}", String::from_utf8_lossy(&received));
    let end = head_end(&received).ok_or_else(broken)?;
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    Ok(Reply { status, head, body: received[end + 4..].to_vec(), took })
}

fn write(stream: &mut TcpStream, row: &Row) -> std::io::Result<()> {
    let mut head =
        format!("{} {} HTTP/1.1\r\nHost: backdrop\r\nConnection: close\r\n", row.method, row.target)
            .into_bytes();
    for (name, value) in &row.headers {
        head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    match &row.body {
        Body::Nothing | Body::Raw(_) | Body::SlowHead => {}
        Body::Announced(body) | Body::Slow(body) => {
            head.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
        }
        Body::Chunked(_) => head.extend(b"Transfer-Encoding: chunked\r\n"),
    }
    head.extend(b"\r\n");
    match &row.body {
        Body::SlowHead => return drip(stream, &head),
        _ => stream.write_all(&head)?,
    }
    match &row.body {
        Body::Nothing | Body::SlowHead => Ok(()),
        Body::Announced(body) | Body::Raw(body) => stream.write_all(body),
        Body::Slow(body) => drip(stream, body),
        Body::Chunked(body) => {
            for chunk in body.chunks(CHUNK_BYTES) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
    }
}

fn drip(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte])?;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Reads until the answer is whole, or the connection ends.
fn receive(stream: &mut TcpStream) -> Result<Vec<u8>, String> {
    let (mut received, mut piece) = (Vec::new(), [0; 8 * 1024]);
    while !is_whole(&received) {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => received.extend(&piece[..read]),
            Err(error) if received.is_empty() => return Err(format!("the connection broke: {error}")),
            Err(_) => break,
        }
    }
    Ok(received)
}

fn head_end(received: &[u8]) -> Option<usize> {
    received.windows(4).position(|window| window == b"\r\n\r\n")
}

fn is_whole(received: &[u8]) -> bool {
    let Some(end) = head_end(received) else { return false };
    let head = String::from_utf8_lossy(&received[..end]);
    let length = header(&head, "content-length").and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| received.len() >= end + 4 + length)
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

impl Reply {
    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header's value, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}
