//! A TCP connection that reads URLs mended, and else is as it is.

use super::url::UrlMender;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How many bytes are read at once: more than most requests have.
const READ_BYTES: usize = 8 * 1024;

/// The connection, and how far its requests were read.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    mender: UrlMender,
    /// What was mended; so many bytes of it were handed over.
    mended: Vec<u8>,
    handed_over: usize,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, mender: UrlMender::default(), mended: Vec::new(), handed_over: 0 }
    }

    /// Hands over what fits; whether there was anything.
    fn hand_over(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let waiting = &self.mended[self.handed_over..];
        let fits = waiting.len().min(buffer.remaining());
        buffer.put_slice(&waiting[..fits]);
        self.handed_over += fits;
        if self.handed_over == self.mended.len() {
            self.mended.clear();
            self.handed_over = 0;
        }
        fits > 0
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // Nothing handed over means the end to whoever reads, so what was cut altogether is not. A sender
        // who never stops does not hold the thread: tokio makes a stream pending now and then.
        while buffer.remaining() > 0 && !this.hand_over(buffer) {
            let mut bytes = [0; READ_BYTES];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                break;
            }
            this.mender.mend(read.filled(), &mut this.mended);
            if this.mender.is_endless() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
