//! Listening as actix-web's `HttpServer` does, but over connections on which URLs are mended.
//!
//! The `http` crate cannot hold a URL of 65,535 bytes or more, nor one with bytes that should have been
//! percent-encoded: actix-web answers both with a bare 400, or a 431, before any code of ours sees the
//! request. So the connection encodes such bytes, and lets only the first [`URL_BYTES_KEPT`] bytes of a
//! URL through. The request goes on as any other; if it is to be refused, the service does so, with its
//! envelope, its headers and its line in the log.
//!
//! `HttpServer` has no place where a connection could be wrapped; this builds the same server from the
//! same parts, with the same settings.
//!
//! **Invariant.** A service that listens here refuses URLs of [`URL_BYTES_KEPT`] bytes and more: what it
//! sees of them is not what was sent.

mod connection;
mod url;

pub use url::URL_BYTES_KEPT;

use actix_http::{HttpService, KeepAlive, Protocol, Request};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Response, Server, Service, ServiceFactory};
use connection::Connection;
use std::fmt::Debug;
use std::io;
use std::net::TcpListener;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long the head of a connection's first request may take to arrive: what `HttpServer` has.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of a connection may take: what `HttpServer` has.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// For how long a connection without a request in flight is still read after the listener is closed: a request that
/// was under way by then is answered.
const IDLE_GRACE: Duration = Duration::from_millis(300);
/// For how long a connection may be without a byte in either direction: longer than any request waits for its answer,
/// which is 60 s for a write.
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// How many connections a process has at once; more wait until it takes them. Each takes some ten kilobytes. One that
/// is kept between requests ends by itself after five seconds, one that stops in the midst of a request after
/// [`SILENCE_MAX`].
const CONNECTIONS_MAX: usize = 8_192;

/// A server of that app, not yet running; signals are left to [`crate::serve`]. The listener is ready to
/// accept, and `drain` is how long requests in flight may take when the server is told to stop.
///
/// # Errors
/// If the listener cannot be used.
pub fn server<F, I, S, B>(listener: TcpListener, drain: Duration, app: F) -> io::Result<Server>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr()?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let builder = Server::build()
        .workers(threads)
        .max_concurrent_connections(CONNECTIONS_MAX.div_ceil(threads))
        .disable_signals()
        .shutdown_timeout(drain.as_secs());
    let stopping = builder.graceful_shutdown_signal();
    let builder = builder.listen("http", listener, move || {
        let stopping = stopping.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move {
                    stopping.notified().await;
                    tokio::time::sleep(IDLE_GRACE).await;
                }
            })
            .keep_alive(KeepAlive::default())
            .client_request_timeout(REQUEST_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .local_addr(address);
        let app = app().into_factory().map_err(|error| error.into().error_response());
        fn_service(|stream: TcpStream| async {
            let peer = stream.peer_addr().ok();
            Ok((Connection::new(stream, SILENCE_MAX), Protocol::Http1, peer))
        })
        .and_then(http.finish(map_config(app, |()| AppConfig::default())))
    })?;
    Ok(builder.run())
}
