//! Bare actix handlers: what the same machine can do at best.
//!
//! They listen on loopback with as many workers as the services have, and share the processors with the load as
//! they do. They neither log nor measure nor guard anything.

use crate::load::Answer;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::Context;
use redis::aio::MultiplexedConnection;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

/// The stream that the baseline appends to; none of Backdrop's.
pub const STREAM: &str = "bench:baseline";
/// What actix sets by itself.
const OWN_HEADERS: [&str; 4] = ["content-length", "date", "connection", "transfer-encoding"];

/// A running server.
#[derive(Debug)]
pub struct Baseline {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// What a server answers to everything.
#[derive(Clone, Debug)]
struct Canned {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// What a server does with a request.
#[derive(Clone)]
enum Role {
    Give(Canned),
    Append(MultiplexedConnection),
}

impl Baseline {
    /// Answers everything with the bytes of this answer.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn answering(answer: &Answer<'_>) -> anyhow::Result<Self> {
        let mut headers = answer.headers();
        headers.retain(|(name, _)| !OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()));
        let (status, body) = (StatusCode::from_u16(answer.status)?, Bytes::copy_from_slice(answer.body));
        Self::start(async move || Ok(Role::Give(Canned { status, headers, body })))
    }

    /// Appends each body to a stream of a Redis, over one multiplexed connection.
    ///
    /// # Errors
    /// If it cannot listen, or Redis cannot be reached.
    pub fn appending(redis_url: &str) -> anyhow::Result<Self> {
        let client = redis::Client::open(redis_url)?;
        Self::start(async move || Ok(Role::Append(client.get_multiplexed_async_connection().await?)))
    }

    fn start(prepare: impl AsyncFnOnce() -> anyhow::Result<Role> + Send + 'static) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (tell, told) = channel();
        let thread = std::thread::Builder::new().name("baseline".into()).spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                match prepare().await.and_then(|role| serve(listener, role)) {
                    Ok(server) => {
                        let _ = tell.send(Ok(server.handle()));
                        // It ends when it is told to; how, does not matter to anybody.
                        let _ = server.await;
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            });
        })?;
        let handle = told.recv().context("the baseline did not start")??;
        Ok(Self { address, handle, thread: Some(thread) })
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        // It is told at once; to wait for the end is the thread's.
        drop(self.handle.stop(false));
        // If it has panicked, the load has failed and said so.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(listener: TcpListener, role: Role) -> anyhow::Result<Server> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let server = HttpServer::new(move || {
        let role = role.clone();
        App::new().configure(|config| match role {
            Role::Give(canned) => drop(config.app_data(Data::new(canned)).default_service(web::to(give))),
            Role::Append(redis) => drop(config.app_data(Data::new(redis)).default_service(web::to(append))),
        })
    });
    Ok(server.workers(workers).disable_signals().listen(listener)?.run())
}

async fn give(canned: Data<Canned>) -> HttpResponse {
    let mut response = HttpResponse::build(canned.status);
    for (name, value) in &canned.headers {
        response.insert_header((name.as_str(), value.as_str()));
    }
    response.body(canned.body.clone())
}

async fn append(body: Bytes, redis: Data<MultiplexedConnection>) -> HttpResponse {
    let mut connection = redis.get_ref().clone();
    let mut command = redis::cmd("XADD");
    command.arg(STREAM).arg("*").arg("records").arg(&body[..]);
    match command.query_async::<String>(&mut connection).await {
        Ok(id) => HttpResponse::Ok().content_type("application/json").body(format!(r#"{{"id":"{id}"}}"#)),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}
