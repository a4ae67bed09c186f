//! Spans arrive at a collector; compiled only with the feature `otlp`.

use backdrop_service::settings::LogArgs;
use backdrop_service::{telemetry, trace};
use clap::Parser;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tracing::field::Empty;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    log: LogArgs,
}

/// A collector that takes whatever comes; the head and the body of what did.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|bytes| bytes > 2) {}
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).expect("a body");
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            reader.get_mut().write_all(answer).expect("answered");
            if sender.send((head, body)).is_err() {
                return;
            }
        }
    });
    (address, requests)
}

#[test]
fn spans_arrive_as_part_of_the_trace_of_the_client() {
    let (address, requests) = collector();
    let args = Args::parse_from(["test", "--otlp-endpoint", &address, "--log-format", "json"]);
    let telemetry = telemetry::init(&args.log, "backdrop-test").expect("telemetry");
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let client = trace::TraceParent::parse(&format!("00-{trace_id}-00f067aa0ba902b7-01")).expect("a trace");
    let span = tracing::info_span!("request", request_id = "a-request", trace_id = Empty);
    trace::join(&span, Some(&client));
    let passed_on = span.in_scope(|| trace::passed_on(Some(client.clone()))).expect("it goes on");
    assert_eq!(passed_on.trace_id(), trace_id);
    assert_ne!(passed_on, client, "the span itself is the parent of what follows");
    let batch = tracing::info_span!("batch", batch = "a-batch", trace_id = Empty);
    trace::join(&batch, Some(&passed_on));
    drop((span, batch));
    // What is left is sent.
    drop(telemetry);
    let (head, body) = requests.recv_timeout(Duration::from_secs(30)).expect("spans are sent");
    assert!(head.starts_with("post /v1/traces "), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    let holds = |part: &[u8]| body.windows(part.len()).filter(|found| *found == part).count();
    let bytes = |hex: &str| -> Vec<u8> {
        let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        (0..hex.len()).step_by(2).map(digits).collect()
    };
    for text in ["backdrop-test", "request", "batch", "a-request", "a-batch"] {
        assert!(holds(text.as_bytes()) > 0, "{text} was not sent");
    }
    assert_eq!(holds(&bytes(trace_id)), 2, "both spans are in the trace of the client");
    let own = passed_on.as_str().split('-').nth(2).expect("a span");
    assert_eq!(
        holds(&bytes(own)),
        2,
        "once as the span of the request, once as the parent of that of the batch"
    );
}
