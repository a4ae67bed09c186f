//! One HTTP/1.1 connection that stays open.

use anyhow::{Context, bail, ensure};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Room for a whole answer of the usual size in bytes, so that it takes one read.
const BUFFER_BYTES: usize = 64 * 1024;

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back; valid until the next request.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'c> {
    /// The HTTP status.
    pub status: u16,
    /// Status line and headers.
    pub head: &'c [u8],
    /// The body.
    pub body: &'c [u8],
}

impl Answer<'_> {
    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }

    /// The headers, in the order in which they came.
    pub fn headers(&self) -> Vec<(String, String)> {
        let head = String::from_utf8_lossy(self.head);
        let pairs = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens there.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// If the connection ends, or the answer is of a kind that this cannot read.
    pub async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.buffer.clear();
        self.stream.write_all(request).await.context("cannot send")?;
        let head_bytes = self.read_head().await?;
        let head = Head::read(&self.buffer[..head_bytes])?;
        let end = head_bytes + head.body_bytes;
        while self.buffer.len() < end {
            self.read_more().await?;
        }
        ensure!(self.buffer.len() == end, "more came than was asked for");
        let (head_part, body) = self.buffer.split_at(head_bytes);
        Ok(Answer { status: head.status, head: head_part, body })
    }

    async fn read_head(&mut self) -> anyhow::Result<usize> {
        let mut searched = 0;
        loop {
            self.read_more().await?;
            let found = self.buffer[searched..].windows(4).position(|bytes| bytes == b"\r\n\r\n");
            if let Some(place) = found {
                return Ok(searched + place + 4);
            }
            searched = self.buffer.len().saturating_sub(3);
        }
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await.context("cannot read")?;
        ensure!(read > 0, "the connection was closed");
        Ok(())
    }
}

struct Head {
    status: u16,
    body_bytes: usize,
}

impl Head {
    fn read(head: &[u8]) -> anyhow::Result<Self> {
        let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        let status = status.and_then(|digits| digits.parse().ok()).context("no status")?;
        if status == 304 || status == 204 {
            return Ok(Self { status, body_bytes: 0 });
        }
        for line in head.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = line.split_at(colon);
            if name.eq_ignore_ascii_case(b"content-length") {
                let value = std::str::from_utf8(&value[1..]).context("the length is no number")?;
                return Ok(Self { status, body_bytes: value.trim().parse()? });
            }
        }
        bail!("an answer without a length")
    }
}
