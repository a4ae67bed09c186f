//! Over-long and unencoded URLs, over plain TCP: no client library would send them.

use super::{PATH, with_examples};
use backdrop_testing::{Answer, Stack};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A connection that fails rather than waits for ever.
fn connect(stack: &Stack) -> TcpStream {
    let stream = TcpStream::connect(stack.read.address()).expect("the service listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream
}

fn request(url: &str, headers: &str) -> String {
    format!("GET {url} HTTP/1.1\r\nHost: read\r\n{headers}\r\n")
}

fn long_url(bytes: usize) -> String {
    let begin = format!("{PATH}?filter_by=licence:");
    format!("{begin}{}", "x".repeat(bytes - begin.len()))
}

/// One answer from the connection.
fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text");
    let mut lines = head.lines();
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status").parse().expect("a number");
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut answer = Answer { status, headers, text: String::new(), bytes: Vec::new() };
    let length: u64 = answer.header("content-length").expect("a length").parse().expect("a number");
    stream.take(length).read_to_end(&mut answer.bytes).expect("a body");
    answer.text = String::from_utf8(answer.bytes.clone()).expect("text");
    answer
}

fn assert_too_long(answer: &Answer) {
    assert_eq!(answer.status, 414, "{}", answer.text);
    assert_eq!(answer.json()["code"], "uri_too_long");
    assert!(answer.json()["message"].as_str().expect("a text").contains("Shorten the query"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("connection"), Some("close"));
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_of_any_length_are_answered() {
    let stack = with_examples().await;
    for bytes in [16_385, 60_000, 65_534, 65_535, 65_536, 100_000, 131_072, 200_000, 5_000_000] {
        let mut stream = connect(&stack);
        let request = request(&long_url(bytes), "X-Request-Id: an-id-of-mine\r\n");
        stream.write_all(request.as_bytes()).expect("the request is taken");
        let answer = read_answer(&mut stream);
        assert_too_long(&answer);
        assert_eq!(answer.header("x-request-id"), Some("an-id-of-mine"), "{bytes}");
        assert_eq!(stream.read(&mut [0]).expect("the end"), 0, "{bytes}");
    }
    let mut stream = connect(&stack);
    stream.write_all(request(&long_url(16_384), "").as_bytes()).expect("the request is taken");
    assert_eq!(read_answer(&mut stream).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_before_an_over_long_one_are_answered_as_ever() {
    let stack = with_examples().await;
    let short = request(&format!("{PATH}?limit=1"), "");
    let long = request(&long_url(100_000), "");

    let mut kept_alive = connect(&stack);
    for _ in 0..3 {
        kept_alive.write_all(short.as_bytes()).expect("the request is taken");
        assert_eq!(read_answer(&mut kept_alive).json()["data"][0]["_id"], "1");
    }
    kept_alive.write_all(long.as_bytes()).expect("the request is taken");
    assert_too_long(&read_answer(&mut kept_alive));

    let mut pipelined = connect(&stack);
    pipelined.write_all(format!("{short}{short}{long}").as_bytes()).expect("the requests are taken");
    for _ in 0..2 {
        assert_eq!(read_answer(&mut pipelined).json()["data"][0]["_id"], "1");
    }
    assert_too_long(&read_answer(&mut pipelined));
}

/// How many answers there are until the service closes the connection, or falls silent for a second.
fn count_answers(mut stream: TcpStream) -> usize {
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let mut answers = Vec::new();
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        answers.extend_from_slice(&buffer[..length]);
    }
    answers.windows(9).filter(|part| part == b"HTTP/1.1 ").count()
}

/// If bodies were changed on the way in, their ends could be read as requests that nobody sent: whoever
/// shares a connection through a proxy would get the answers of another.
#[tokio::test(flavor = "multi_thread")]
async fn no_body_becomes_a_request() {
    let stack = with_examples().await;
    let hidden = request("/_status/data-sets", "X-Padding: 12\r\n");
    let last = request("/_status", "Connection: close\r\n");
    for grown in [hidden.len().div_ceil(4), hidden.len()] {
        let body = format!("\n\nGET /{} {hidden}", "é".repeat(grown));
        let padded = format!("{body}{}", " ".repeat(4));
        for body in [body, padded, format!("\n\nGET /{} {hidden}", "x".repeat(40_000))] {
            let length = format!("content-length: {}\r\n", body.len());
            for path in ["/_status", PATH] {
                let mut stream = connect(&stack);
                let sent = format!("{}{body}{last}", request(path, &length));
                stream.write_all(sent.as_bytes()).expect("the requests are taken");
                assert!(count_answers(stream) <= 2, "{path} with {} bytes", body.len());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_may_come_one_by_one() {
    let stack = with_examples().await;
    for (url, status) in [(format!("{PATH}?limit=1"), 200), (long_url(70_000), 414)] {
        let mut stream = connect(&stack);
        stream.set_nodelay(true).expect("an option");
        for byte in request(&url, "").bytes() {
            stream.write_all(&[byte]).expect("the byte is taken");
        }
        assert_eq!(read_answer(&mut stream).status, status);
    }
}

/// A URL without an end: the service keeps little of it, gives up, and goes on with others.
#[tokio::test(flavor = "multi_thread")]
async fn who_never_stops_is_cut_off() {
    let stack = with_examples().await;
    let mut stream = connect(&stack);
    stream.set_write_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream.write_all(format!("GET {PATH}?filter_by=licence:").as_bytes()).expect("the beginning is taken");
    let piece = vec![b'x'; 1024 * 1024];
    let taken = (0..1_000).take_while(|_| stream.write_all(&piece).is_ok()).count();
    assert!(taken < 200, "{taken} MiB were taken");
    assert_eq!(stack.reader().get(PATH).status, 200);
    let held = stack.read.peak_memory_kib();
    assert!(held < 200 * 1024, "the service held {held} KiB");
}

/// What the server of `HttpServer` does, too: a client that keeps its connection does not delay the end.
#[tokio::test(flavor = "multi_thread")]
async fn it_stops_in_good_order() {
    let mut stack = with_examples().await;
    let mut idle = connect(&stack);
    idle.write_all(request(PATH, "").as_bytes()).expect("the request is taken");
    assert_eq!(read_answer(&mut idle).status, 200);
    let began = Instant::now();
    assert!(stack.read.terminate().expect("it stops").success());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(idle.read(&mut [0]).expect("the end"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_ended_and_slow_heads_refused() {
    let stack = with_examples().await;
    let mut idle = connect(&stack);
    idle.write_all(request(PATH, "").as_bytes()).expect("the request is taken");
    assert_eq!(read_answer(&mut idle).status, 200);
    let mut slow = connect(&stack);
    slow.write_all(b"GET /data").expect("the beginning is taken");
    assert_eq!(idle.read(&mut [0]).expect("the end"), 0);
    assert_eq!(read_answer(&mut slow).status, 408);
}
