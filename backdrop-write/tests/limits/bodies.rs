//! Bodies that are slow, and many large ones at once.

use crate::wire::{Reply, Wire};
use backdrop_testing::{ADMIN_TOKEN, Stack, StackOptions};
use serde_json::Value;
use std::sync::Mutex;
use std::time::{Duration, Instant};

fn head(path: &str, content_type: &str, token: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// Sends a byte now and then until there is an answer.
fn send_slowly(stack: &Stack, head: &str) -> (Reply, Duration) {
    let mut wire = Wire::connect(stack.write.address()).expect("a connection");
    let mut sending = wire.clone_of_connection();
    wire.send(head.as_bytes()).expect("sent");
    let began = Instant::now();
    std::thread::spawn(move || {
        // Ends with the connection, or when nobody can be waiting any more.
        while began.elapsed() < Duration::from_secs(40) && sending.send(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    (wire.reply().expect("an answer"), began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_dribbles_is_ended_wherever_bodies_are_read() {
    let stack = Stack::start_with(StackOptions::default()).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let upload = "multipart/form-data; boundary=edge";
    let heads = [
        head("/data/group/kind", "application/json", "token-for-kind", 1_000_000),
        head("/data/group/kind/upload", upload, "token-for-kind", 1_000_000),
        head("/data-sets", "application/json", ADMIN_TOKEN, 1_000_000),
        head("/data-sets/group_kind/tokens", "application/json", ADMIN_TOKEN, 1_000_000),
    ];
    std::thread::scope(|scope| {
        for head in &heads {
            let stack = &stack;
            scope.spawn(move || {
                let (reply, took) = send_slowly(stack, head);
                assert_eq!(reply.status, 408, "{reply:?} to {head}");
                let body: Value = serde_json::from_str(&reply.body).expect("our envelope");
                assert_eq!(body["code"], "slow_body");
                assert!((Duration::from_secs(5)..Duration::from_secs(9)).contains(&took), "{took:?}");
            });
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_headers_of_a_part_are_bounded() {
    let stack = Stack::start_with(StackOptions::default()).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let writer = stack.writer().with_token("token-for-kind");
    let writer = writer.with_header("Content-Type", "multipart/form-data; boundary=edge");
    let form = |filler: &str| {
        format!(
            "--edge\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.csv\"\r\nX: {filler}\r\n\r\n_id\na\n\r\n--edge--\r\n"
        )
    };
    let send =
        |body: String| writer.send("POST", "/data/group/kind/upload", body.into_bytes()).expect("an answer");
    let refused = send(form(&"x".repeat(5_000_000))).expect(400);
    assert_eq!(refused.json()["code"], "invalid_upload");
    assert!(refused.text.contains("headers of a part are too long"), "{}", refused.text);
    let preamble = format!("{}\r\n{}", "y".repeat(5_000_000), form("short"));
    send(preamble).expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_large_bodies_at_once_take_no_more_memory_than_there_is_room_for() {
    const BODIES: usize = 200;
    let environment = vec![("BACKDROP_BODIES_BYTES".to_owned(), (64 << 20).to_string())];
    let options = StackOptions { environment, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let record = format!("{{\"text\": \"{}\"}}", "x".repeat(10 * 1024 * 1024 - 100));
    let head =
        head("/data/group/kind", "application/json\r\nPrefer: respond-async", "token-for-kind", record.len());
    let replies = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..BODIES {
            scope.spawn(|| {
                let mut wire = Wire::connect(stack.write.address()).expect("a connection");
                wire.send(head.as_bytes()).expect("sent");
                // Who is refused is told before all is sent, and sees the connection end.
                let _broken_off = wire.send(record.as_bytes());
                let reply = wire.reply().map(|reply| (reply.status, reply.head, reply.body));
                replies.lock().expect("no panic").push(reply);
            });
        }
        // Health is answered all the while.
        let mut slowest = Duration::ZERO;
        while replies.lock().expect("no panic").len() < BODIES {
            let began = Instant::now();
            stack.writer().get("/_status").expect(200);
            slowest = slowest.max(began.elapsed());
            std::thread::sleep(Duration::from_millis(50));
        }
        println!("liveness answered within {slowest:?}");
    });
    let replies = replies.into_inner().expect("no panic");
    let accepted = replies.iter().flatten().filter(|(status, ..)| *status == 202).count();
    let refused: Vec<_> = replies.iter().flatten().filter(|(status, ..)| *status == 503).collect();
    // On a machine that is short of everything, some who found room are then too slow to use it.
    let slow = replies.iter().flatten().filter(|(status, ..)| *status == 408).count();
    let cut = replies.iter().filter(|reply| reply.is_err()).count();
    let peak_mib = stack.write.peak_memory_kib() / 1024;
    println!("{accepted} accepted, {} refused, {slow} slow, {cut} cut, peak {peak_mib} MiB", refused.len());
    assert_eq!(accepted + refused.len() + slow + cut, BODIES);
    assert!(accepted >= 6 && !refused.is_empty(), "there was room for six at once, and not for all");
    for (_, head, _) in &refused {
        assert!(head.to_ascii_lowercase().contains("retry-after:"), "{head}");
    }
    assert!(peak_mib < 350, "{peak_mib} MiB");
}
