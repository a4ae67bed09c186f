//! A body in pieces, each of which is let go of once it is read.

use std::collections::VecDeque;
use std::io::{BufRead, Read, Result};

/// Large enough for the C library to give each back to the system when it is freed, small enough that the one half
/// read does not matter. What is not written to takes no memory.
const PIECE_BYTES: usize = 256 * 1024;

/// What has arrived and is not read yet.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    /// How much of the first piece is read.
    consumed: usize,
    len: usize,
}

impl Pieces {
    /// Adds a chunk, as a copy: chunks are parts of larger buffers, which they would keep.
    pub(super) fn push(&mut self, mut chunk: &[u8]) {
        self.len += chunk.len();
        while !chunk.is_empty() {
            let room = self.pieces.back().map_or(0, |last| PIECE_BYTES - last.len());
            if room == 0 {
                self.pieces.push_back(Vec::with_capacity(PIECE_BYTES));
                continue;
            }
            let (now, later) = chunk.split_at(room.min(chunk.len()));
            if let Some(last) = self.pieces.back_mut() {
                last.extend_from_slice(now);
            }
            chunk = later;
        }
    }

    /// Takes the first piece out.
    pub(crate) fn take_first(&mut self) -> Option<Vec<u8>> {
        let mut first = self.pieces.pop_front()?;
        first.drain(..self.consumed);
        self.consumed = 0;
        self.len -= first.len();
        Some(first)
    }

    /// How many bytes are left.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        Ok(self.pieces.front().map_or(&[], |first| &first[self.consumed..]))
    }

    fn consume(&mut self, bytes: usize) {
        self.len -= bytes;
        self.consumed += bytes;
        if self.pieces.front().is_some_and(|first| first.len() == self.consumed) {
            self.pieces.pop_front();
            self.consumed = 0;
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let bytes = self.fill_buf()?.read(into)?;
        self.consume(bytes);
        Ok(bytes)
    }
}
