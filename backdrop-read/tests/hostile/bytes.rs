//! Bytes that no client library would send.

use crate::{MIXED, judge, sweep, wire, with_records};

const ODD_TARGETS: [&[u8]; 12] = [
    b"/data/hostile/mixed?limit=1?limit=2",
    b"/data/hostile/mixed#limit=1",
    b"/data/hostile/mixed?#",
    b"//data/hostile/mixed",
    b"/data//hostile/mixed",
    b"/data/hostile/mixed/",
    b"/data/hostile/../hostile/mixed",
    b"/data/hostile/%2e%2e/mixed",
    b"/data/hostile/mixed%00",
    b"/data/hostile/mixed%2Fx",
    b"/data/hostile/mi%ffxed",
    b"/%",
];

/// A query with each of the bytes that should have been percent-encoded, and with those that need not be.
/// A space, a carriage return and a line feed end the target of a request, so that they cannot be in it.
fn with_any_byte() -> impl Iterator<Item = Vec<u8>> {
    let head = format!("{MIXED}?filter_by=licence:");
    let bytes = (0..=u8::MAX).filter(|byte| !b" \r\n".contains(byte));
    bytes.map(move |byte| [head.as_bytes(), &[byte]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_bytes_are_refused_in_words() {
    let stack = with_records().await;
    let targets: Vec<Vec<u8>> = with_any_byte().chain(ODD_TARGETS.map(<[u8]>::to_vec)).collect();
    let fault = |target: &Vec<u8>| {
        let fault = match wire::get(stack.read.address(), target) {
            Ok(reply) => judge::fault(&reply)?,
            Err(error) => error,
        };
        Some(format!("{}\n    {fault}", target.escape_ascii()))
    };
    let faults: Vec<String> = targets.iter().filter_map(fault).collect();
    stack.reader().get("/_status/ready").expect(200);
    drop(stack);
    sweep::assert_none(&faults, targets.len());
}
