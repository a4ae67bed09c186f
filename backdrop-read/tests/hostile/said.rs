//! What a client is told about the faults that the contract names, one by one.

use crate::{MIXED, judge, sweep, wire, with_records};

/// What is asked, what the status must be, and what the message must hold.
type Expectation<'q> = (&'q str, u16, &'q str);

const SAID: [Expectation<'static>; 57] = [
    ("start_at=yesterday&end_at=2013-03-11T00:00:00Z", 400, "start_at"),
    ("start_at=2013-02-29T00:00:00Z&end_at=2013-03-11T00:00:00Z", 400, "start_at"),
    ("start_at=2013-03-11&end_at=2013-03-12", 400, "start_at"),
    ("limit=-1", 400, "limit"),
    ("limit=1e9", 400, "limit"),
    ("limit=4294967296", 400, "limit"),
    ("group_by=a'--", 400, "group_by"),
    ("group_by=authority;DROP%20TABLE%20record", 400, "group_by"),
    ("group_by=authority&collect=x:y:z", 400, "collect"),
    ("group_by=authority&collect=fee:explode", 400, "collect"),
    ("period=eon&duration=1", 400, "period"),
    ("period=hour&start_at=0001-01-01T00:00:00Z&end_at=9999-12-31T23:59:59Z", 400, "period"),
    ("period=hour&duration=4294967295", 400, "period"),
    ("period=year&duration=10001", 400, "years"),
    ("period=day&duration=1&timezone=Middle/Earth", 400, "timezone"),
    ("period=day&duration=1&timezone=../../etc/passwd", 400, "timezone"),
    ("period=day&duration=1&timezone=%00", 400, "timezone"),
    ("period=day&duration=1&compare=eon", 400, "compare"),
    ("period=day&period=day&duration=1", 400, "period"),
    ("limit=1&limit=1", 400, "limit"),
    ("timezone=UTC&timezone=UTC&period=day&duration=1", 400, "timezone"),
    ("cursor=a&cursor=b&limit=1", 400, "cursor"),
    ("format=json&format=json", 400, "format"),
    ("limit=1&cursor=AAAA", 400, "cursor"),
    ("limit=1&cursor=%F0%9F%98%80", 400, "cursor"),
    ("limit=1&cursor=eyJzb3J0X2J5IjoiYSIsImlkIjoiYiJ9", 400, "cursor"),
    ("filter_by_comparison=fee:~:1", 400, "filter_by_comparison"),
    ("filter_by_comparison=fee:GT:1", 400, "filter_by_comparison"),
    ("filter_by_comparison=fee::1", 400, "filter_by_comparison"),
    ("filter_by_comparison=:gt:1", 400, "filter_by_comparison"),
    ("filter_by_comparison=fee:gt:%00", 400, "filter_by_comparison"),
    ("filter_by_any=fee:%00", 400, "filter_by_any"),
    ("filter_by_any=:", 400, "filter_by_any"),
    ("latest_by=", 400, "latest_by"),
    ("fields=%22%3B--", 400, "fields"),
    ("fields=fee&group_by=fee", 400, "fields"),
    ("sort_by=fee:sideways", 400, "sort_by"),
    ("sort_by=:ascending", 400, "sort_by"),
    ("format=exe", 400, "format"),
    ("flatten=1", 400, "flatten"),
    ("inclusive=", 400, "inclusive"),
    ("%6cimit=1&colour=red", 400, "colour"),
    ("=", 400, "parameter"),
    ("%ff=1", 400, "UTF-8"),
    ("limit=%", 400, "limit"),
    ("limit=%2", 400, "limit"),
    ("limit=%zz", 400, "limit"),
    ("filter_by=licence:%ED%A0%80", 400, "UTF-8"),
    ("filter_by=licence:%C0%AF", 400, "UTF-8"),
    ("filter_by=licence:%00", 400, "filter_by"),
    ("filter_by=fee:1e999999999", 200, ""),
    ("filter_by_comparison=fee:gt:1e999999999", 200, ""),
    ("filter_by_comparison=fee:gt:-1e999999999", 200, ""),
    ("filter_by=fee:999999999999999999999999999999999999999999999999", 200, ""),
    ("filter_by=licence:%5B%5B%5B%5B%5B%5B%5B%5B", 200, ""),
    ("filter_by=licence:'%20OR%20'1'='1", 200, ""),
    ("filter_by_prefix=licence:%5C", 200, ""),
];

/// What is wrong with the answer to a query; nothing if it is as expected.
fn fault(address: std::net::SocketAddr, (query, status, about): Expectation<'_>) -> Option<String> {
    let reply = match wire::get(address, format!("{MIXED}?{query}").as_bytes()) {
        Ok(reply) => reply,
        Err(error) => return Some(error),
    };
    let message = reply.message();
    if reply.status == status && message.contains(about) {
        judge::fault(&reply)
    } else {
        Some(format!("{}, {message:?}, expected {status} about {about}", reply.status))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said() {
    let stack = with_records().await;
    let long = |length: usize| format!("filter_by=licence:{}", "x".repeat(length));
    let (kilobytes_60, kilobytes_64, kilobytes_200) = (long(60_000), long(65_536), long(200_000));
    let many_filters = vec!["filter_by=fee:1"; 101].join("&");
    let many_any = vec!["filter_by_any=fee:1"; 101].join("&");
    let many_fields: String = (0..101).map(|n| format!("&collect=f{n}:sum")).collect();
    let many_collected = format!("group_by=authority{many_fields}");
    let large: [Expectation<'_>; 6] = [
        (&kilobytes_60, 414, "URL"),
        (&kilobytes_64, 414, "URL"),
        (&kilobytes_200, 414, "URL"),
        (&many_filters, 400, "filter"),
        (&many_any, 400, "filter"),
        (&many_collected, 400, "collect"),
    ];
    let all: Vec<Expectation<'_>> = SAID.into_iter().chain(large).collect();
    let address = stack.read.address();
    let told = |expected: &Expectation<'_>| {
        fault(address, *expected).map(|fault| format!("{}\n    {fault}", sweep::shortened(expected.0)))
    };
    let faults: Vec<String> = all.iter().filter_map(told).collect();
    drop(stack);
    sweep::assert_none(&faults, all.len());
}
