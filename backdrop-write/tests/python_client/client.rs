//! What `performanceplatform-client` 0.11.5 puts on the wire, and what it asks of an answer.
//!
//! It sends `Accept`, `User-Agent` and `Govuk-Request-Id` with everything, JSON with spaces after `:` and `,` as
//! Python writes it, more than 2,048 bytes of it as gzip, and takes every answer below 400 as done if it is JSON.

use backdrop_testing::{Answer, Client, Stack};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Longer bodies are compressed.
const GZIP_FROM_BYTES: usize = 2_048;
/// What the client sends if nobody tells it an id.
pub(crate) const NO_REQUEST_ID: &str = "Not-Set";

/// The client for a data set, or without compression the one for the administration.
pub(crate) struct Python {
    client: Client,
    compresses: bool,
}

impl Python {
    pub(crate) fn new(stack: &Stack, token: &str) -> Self {
        let client = stack
            .writer()
            .with_token(token)
            .with_header("Accept", "application/json")
            .with_header("Accept-Encoding", "gzip, deflate")
            .with_header("User-Agent", "Performance Platform Client 0.11.5")
            .with_header("Govuk-Request-Id", NO_REQUEST_ID);
        Self { client, compresses: true }
    }

    /// The client of the administration, which compresses nothing.
    pub(crate) fn administrator(stack: &Stack) -> Self {
        Self { compresses: false, ..Self::new(stack, backdrop_testing::ADMIN_TOKEN) }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        is_json(self.client.get(path))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        is_json(self.client.delete(path))
    }

    pub(crate) fn send(&self, method: &str, path: &str, data: &Value) -> Answer {
        let body = dumps(data);
        let client = self.client.with_header("Content-Type", "application/json");
        let answer = if body.len() > GZIP_FROM_BYTES && self.compresses {
            client.with_header("Content-Encoding", "gzip").send(method, path, gzip(&body))
        } else {
            client.send(method, path, body)
        };
        is_json(answer.expect("an answer"))
    }

    pub(crate) fn post(&self, path: &str, data: &Value) -> Answer {
        self.send("POST", path, data)
    }

    /// As the pusher sends many records: a hundred at a time.
    pub(crate) fn post_in_chunks(&self, path: &str, records: &[Value], chunk: usize) -> Vec<Answer> {
        records.chunks(chunk).map(|chunk| self.post(path, &chunk.iter().cloned().collect())).collect()
    }
}

/// Sends again what the client sends again after a 503: the stream was read to its end, so `requests` finds it empty,
/// and sends no bytes, in chunks, still called gzip.
pub(crate) fn repeat_as_nothing(stack: &Stack, token: &str, path: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(stack.write.address()).expect("a connection");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: backdrop\r\nUser-Agent: Performance Platform Client 0.11.5\r\n\
         Accept-Encoding: gzip, deflate\r\nAccept: application/json\r\nConnection: close\r\n\
         Govuk-Request-Id: {NO_REQUEST_ID}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), serde_json::from_str(body).expect("JSON"))
}

/// The client reads every answer as JSON, also that to an error, and shows the latter to people.
#[track_caller]
fn is_json(answer: Answer) -> Answer {
    let media_type = answer.header("content-type").unwrap_or_default();
    assert!(media_type.starts_with("application/json"), "{} {media_type}: {}", answer.status, answer.text);
    assert!(answer.json().is_object() || answer.json().is_array(), "{}", answer.text);
    answer
}

/// As `json.dumps` writes.
fn dumps(data: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    data.serialize(&mut Serializer::with_formatter(&mut text, Python2)).expect("JSON");
    text
}

struct Python2;

impl Formatter for Python2 {
    fn begin_array_value<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    /// Everything beyond ASCII is escaped.
    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for unit in fragment.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => writer.write_all(&[byte])?,
                _ => write!(writer, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}
