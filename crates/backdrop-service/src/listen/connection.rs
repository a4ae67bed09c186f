//! A TCP connection that reads over-long URLs shortened, and else is as it is.

use super::cut::UrlCut;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The connection, and how far its requests were read.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    cut: UrlCut,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, cut: UrlCut::default() }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let begin = buffer.filled().len();
        loop {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            let read = &mut buffer.filled_mut()[begin..];
            if read.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let kept = self.cut.keep(read);
            buffer.set_filled(begin + kept);
            // Nothing read means the end to whoever reads, so what was cut altogether is not handed
            // over. A sender who never stops does not hold the thread: tokio makes a stream pending now
            // and then.
            if kept > 0 || self.cut.is_endless() {
                return Poll::Ready(Ok(()));
            }
        }
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
