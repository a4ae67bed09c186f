//! Where the requests of a connection come from.

use std::fmt::Debug;
use std::io::Write as _;
use std::sync::Arc;

/// The requests of one connection, as bytes.
pub trait Requests: Debug + Send {
    /// The next one; `None`: there is none left.
    fn next(&mut self) -> Option<&[u8]>;
}

/// The same one again and again.
#[derive(Clone, Debug)]
pub struct Same(pub Arc<[u8]>);

impl Requests for Same {
    fn next(&mut self) -> Option<&[u8]> {
        Some(&self.0)
    }
}

/// Each one of a list, once.
#[derive(Debug)]
pub struct Each {
    requests: Vec<Vec<u8>>,
    next: usize,
}

impl Each {
    /// In this order.
    pub const fn of(requests: Vec<Vec<u8>>) -> Self {
        Self { requests, next: 0 }
    }
}

impl Requests for Each {
    fn next(&mut self) -> Option<&[u8]> {
        self.next += 1;
        self.requests.get(self.next - 1).map(Vec::as_slice)
    }
}

/// One with a number in it that is never the same twice.
#[derive(Debug)]
pub struct Numbered {
    request: Vec<u8>,
    place: usize,
    number: u64,
}

/// What stands in a request where its number goes: as many digits as a number has at most.
pub const NUMBER: &str = "0000000000000000";

impl Numbered {
    /// The number goes where [`NUMBER`] stands, and counts up from the first.
    ///
    /// # Panics
    /// If it stands nowhere.
    pub fn new(request: Vec<u8>, first: u64) -> Self {
        let mut windows = request.windows(NUMBER.len());
        let place = windows.position(|bytes| bytes == NUMBER.as_bytes()).expect("a place for the number");
        Self { request, place, number: first }
    }
}

impl Requests for Numbered {
    fn next(&mut self) -> Option<&[u8]> {
        let mut place = &mut self.request[self.place..self.place + NUMBER.len()];
        // It has as many digits as there is room for, filled up by zeros.
        write!(place, "{:016}", self.number).ok()?;
        self.number += 1;
        Some(&self.request)
    }
}
