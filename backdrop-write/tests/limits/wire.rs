//! Requests byte by byte: for connections that are kept, and senders that are slow.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any of the services' own limits.
const TIMEOUT: Duration = Duration::from_secs(40);

/// One connection.
pub(crate) struct Wire(TcpStream);

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// Whether the service closes the connection after it.
    pub(crate) fn closes(&self) -> bool {
        self.head.to_ascii_lowercase().contains("connection: close")
    }
}

impl Wire {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self(stream))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes)
    }

    /// The same connection once more, to send while somebody waits for the answer.
    pub(crate) fn clone_of_connection(&self) -> Self {
        Self(self.0.try_clone().expect("a handle"))
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Reply> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes())?;
        self.reply()
    }

    /// Reads one answer, whose length is told.
    pub(crate) fn reply(&mut self) -> Result<Reply> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
                break end + 4;
            }
            self.more(&mut bytes)?;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let field = |name: &str| {
            let line = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix(name).map(str::to_owned))?;
            line.trim().parse::<usize>().ok()
        };
        let length = field("content-length:").expect("a length");
        while bytes.len() < end + length {
            self.more(&mut bytes)?;
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Ok(Reply { status, head, body: String::from_utf8_lossy(&bytes[end..]).into_owned() })
    }

    fn more(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let mut buffer = [0; 4096];
        match self.0.read(&mut buffer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => {
                bytes.extend_from_slice(&buffer[..read]);
                Ok(())
            }
        }
    }
}
