//! A service that answers as told: to see what a client sends, and what it makes of answers that the real services
//! give only when something goes wrong.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What a scripted service does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers with a status, headers (each with its line break) and JSON.
    Answer(u16, String, Value),
    /// Answers with a status, headers and any text.
    Text(u16, String, String),
    /// Hangs up without an answer.
    HangUp,
    /// Neither answers nor hangs up until the client does.
    Hold,
}

/// What a client sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method, path and version.
    pub line: String,
    /// The headers in small letters, one a line.
    pub headers: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

impl Request {
    /// The value of a header, in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.lines().filter_map(|line| line.split_once(": "));
        fields.find_map(|(field, value)| (field == name).then_some(value))
    }
}

/// Answers one request after the other as told, and then no more; returns its address and what it was asked, which
/// ends with the last answer.
///
/// # Panics
/// If there is no port to listen on.
pub fn scripted(replies: Vec<Reply>) -> (String, Receiver<Request>) {
    let (listener, address) = listen();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for reply in replies {
            let Ok((stream, _)) = listener.accept() else { return };
            serve(stream, &mut |_| reply.clone(), &sender);
        }
    });
    (address, requests)
}

/// Answers each request as `answer` says, as long as the test runs.
///
/// # Panics
/// If there is no port to listen on.
pub fn answering(mut answer: impl FnMut(&Request) -> Reply + Send + 'static) -> (String, Receiver<Request>) {
    let (listener, address) = listen();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            serve(stream, &mut answer, &sender);
        }
    });
    (address, requests)
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    (listener, address)
}

/// Answers one request; `None` if it does not come as a whole.
fn serve(
    stream: TcpStream,
    answer: &mut impl FnMut(&Request) -> Reply,
    requests: &Sender<Request>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), String::new());
    reader.read_line(&mut line).ok()?;
    while reader.read_line(&mut headers).ok()? > 2 {}
    let headers = headers.to_lowercase();
    let len = headers.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; len.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let request = Request { line: line.trim().to_owned(), headers, body };
    let reply = answer(&request);
    // A test that only wants to count need not listen.
    let _ = requests.send(request);
    let (status, headers, body) = match reply {
        Reply::Answer(status, headers, body) => (status, headers, body.to_string()),
        Reply::Text(status, headers, body) => (status, headers, body),
        Reply::HangUp => return Some(()),
        Reply::Hold => {
            // The client was killed, or gave up.
            let _ = reader.read_to_end(&mut Vec::new());
            return Some(());
        }
    };
    let len = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {len}\r\nconnection: close\r\n{headers}\r\n");
    // A client that was killed hears nothing of it.
    let _ = reader.into_inner().write_all([head, body].concat().as_bytes());
    Some(())
}
