//! Cursors that were changed, cut off or taken elsewhere.

use crate::wire::Reply;
use crate::{MIXED, judge, sweep, wire, with_records};
use std::net::SocketAddr;

const SORTED: &str = "sort_by=fee:ascending";

fn ask(address: SocketAddr, query: &str) -> Result<Reply, String> {
    wire::get(address, format!("{MIXED}?limit=2&{query}").as_bytes())
}

/// The cursor of the second page.
fn cursor(address: SocketAddr) -> String {
    let page = ask(address, SORTED).expect("a page");
    let link = page.header("link").expect("a next page");
    let cursor = link.split(['?', '&', '>']).find_map(|part| part.strip_prefix("cursor="));
    cursor.expect("a cursor in the address of the next page").to_owned()
}

/// Asks for a page by a cursor that is not the one that was given.
fn fault(address: SocketAddr, query: &str, must_be_refused: bool) -> Option<String> {
    let fault = match ask(address, query) {
        Err(error) => error,
        Ok(reply) if must_be_refused && (reply.status != 400 || !reply.message().contains("cursor")) => {
            format!("{}, {:?}, expected 400 about the cursor", reply.status, reply.message())
        }
        Ok(reply) => judge::fault(&reply)?,
    };
    Some(format!("{query}\n    {fault}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_belongs_to_the_query_that_gave_it() {
    let stack = with_records().await;
    let address = stack.read.address();
    let cursor = cursor(address);
    assert_eq!(ask(address, &format!("{SORTED}&cursor={cursor}")).expect("a page").status, 200);
    let others =
        ["sort_by=fee:descending", "sort_by=count:ascending", "sort_by=_id:ascending", "inclusive=false"];
    let faults: Vec<String> =
        others.iter().filter_map(|other| fault(address, &format!("{other}&cursor={cursor}"), true)).collect();
    drop(stack);
    sweep::assert_none(&faults, others.len());
}

/// What was cut off or changed may by chance still be a cursor, but it breaks nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_was_changed_breaks_nothing() {
    let stack = with_records().await;
    let address = stack.read.address();
    let cursor = cursor(address);
    let mut changed: Vec<String> = (0..cursor.len()).map(|length| cursor[..length].to_owned()).collect();
    for index in 0..cursor.len() {
        let other = if cursor[index..].starts_with('A') { "B" } else { "A" };
        changed.push(format!("{}{other}{}", &cursor[..index], &cursor[index + 1..]));
    }
    let faults: Vec<String> = changed
        .iter()
        .filter_map(|changed| fault(address, &format!("{SORTED}&cursor={changed}"), changed.is_empty()))
        .collect();
    stack.reader().get("/_status/ready").expect(200);
    drop(stack);
    sweep::assert_none(&faults, changed.len());
}
