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
        let value = |line: &'_ str| -> Option<usize> {
            line.strip_prefix(name)?.starts_with(": ").then_some(name.len() + 2)
        };
        self.headers.lines().find_map(|line| Some(&line[value(line)?..]))
    }
}

/// Answers one request after the other as told, and then no more; returns its address and what it was asked.
pub fn scripted(replies: Vec<Reply>) -> (String, Receiver<Request>) {
    let mut replies = replies.into_iter();
    answering(move |_| replies.next())
}

/// Answers each request as `answer` says, until that says nothing.
///
/// # Panics
/// If there is no port to listen on.
pub fn answering(
    mut answer: impl FnMut(&Request) -> Option<Reply> + Send + 'static,
) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            if serve(stream, &mut answer, &sender).is_none() {
                return;
            }
        }
    });
    (address, requests)
}

/// Answers one request; `None` if there is no more to say, or nobody to hear it.
fn serve(
    stream: TcpStream,
    answer: &mut impl FnMut(&Request) -> Option<Reply>,
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
    let reply = answer(&request)?;
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
