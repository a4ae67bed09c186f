//! A TCP connection that reads URLs mended, is given up when it falls silent, and else is as it is.

use super::url::UrlMender;
use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

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
    /// For how long nothing may come or go.
    silence_max: Duration,
    silence: Pin<Box<Sleep>>,
}

impl Connection {
    /// Given up after so long without a byte in either direction: actix waits for ever for the rest of a chunked body
    /// that nobody wants, and for a client to read its answer.
    pub(super) fn new(stream: TcpStream, silence_max: Duration) -> Self {
        Self {
            stream,
            mender: UrlMender::default(),
            mended: Vec::new(),
            handed_over: 0,
            silence_max,
            silence: Box::pin(sleep(silence_max)),
        }
    }

    /// What became of an attempt to read or write: an error if it is to wait, and nothing has happened for too long.
    fn unless_silent<T>(
        &mut self,
        context: &mut Context<'_>,
        attempt: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if attempt.is_ready() {
            self.silence.as_mut().reset(Instant::now() + self.silence_max);
            return attempt;
        }
        ready!(self.silence.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
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
            let mut bytes = [MaybeUninit::uninit(); READ_BYTES];
            let mut read = ReadBuf::uninit(&mut bytes);
            let attempt = Pin::new(&mut this.stream).poll_read(context, &mut read);
            ready!(this.unless_silent(context, attempt))?;
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
        let attempt = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_silent(context, attempt)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.unless_silent(context, attempt)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::net::TcpListener;

    const SILENCE_MAX: Duration = Duration::from_millis(300);

    async fn connected() -> (TcpStream, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let client = TcpStream::connect(address).await.expect("connected");
        let (server, _) = listener.accept().await.expect("accepted");
        (client, Connection::new(server, SILENCE_MAX))
    }

    async fn read(connection: &mut Connection) -> io::Result<()> {
        let mut bytes = [0; 64];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|context| Pin::new(&mut *connection).poll_read(context, &mut buffer)).await
    }

    #[tokio::test]
    async fn who_says_nothing_is_given_up_and_who_says_something_is_not() {
        let (client, mut connection) = connected().await;
        let began = Instant::now();
        sleep(SILENCE_MAX / 2).await;
        client.try_write(b"GET ").expect("written");
        read(&mut connection).await.expect("bytes");
        let silent = read(&mut connection).await.expect_err("nothing comes");
        assert_eq!(silent.kind(), ErrorKind::TimedOut);
        assert!(began.elapsed() >= SILENCE_MAX * 3 / 2, "not before");
    }

    #[tokio::test]
    async fn who_does_not_read_is_given_up() {
        let (_client, mut connection) = connected().await;
        let much = vec![0; 1 << 20];
        let error = loop {
            let written = poll_fn(|context| Pin::new(&mut connection).poll_write(context, &much)).await;
            if let Err(error) = written {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
