//! An input as bytes: a file or the standard input, inflated if it is gzipped, and counted.

use anyhow::Context;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes are asked from the system at a time.
const READ_BYTES: usize = 128 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// What some editors put in front of UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// An opened input.
pub(super) struct Input {
    /// Its bytes, inflated, without byte order mark.
    pub(super) reader: Box<dyn BufRead>,
    /// How far it has been read, and how far it goes.
    pub(super) extent: Extent,
}

/// How far something has been read, to be asked while it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Extent {
    /// How many bytes (or rows) have been read.
    pub(super) position: Arc<AtomicU64>,
    /// How many there are, if that is known.
    pub(super) size: Option<u64>,
}

impl Input {
    /// Opens a file; `-` is the standard input.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::new(std::io::stdin(), None).context("cannot read the standard input");
        }
        let read = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            Self::new(file, metadata.is_file().then_some(metadata.len()))
        };
        read().with_context(|| format!("cannot read {}", path.display()))
    }

    /// Reads from any input, inflating it if it is gzipped.
    pub(super) fn new(input: impl Read + 'static, size: Option<u64>) -> std::io::Result<Self> {
        let extent = Extent { position: Arc::default(), size };
        let counted = Counted { input, position: Arc::clone(&extent.position) };
        let mut reader = BufReader::with_capacity(READ_BYTES, counted);
        let start = take_start(&mut reader, GZIP_MAGIC.len())?;
        let is_gzipped = start == GZIP_MAGIC;
        let reader = Cursor::new(start).chain(reader);
        let mut reader: Box<dyn BufRead> = if is_gzipped {
            Box::new(BufReader::with_capacity(READ_BYTES, MultiGzDecoder::new(reader)))
        } else {
            Box::new(reader)
        };
        let start = take_start(&mut reader, BYTE_ORDER_MARK.len())?;
        if start != BYTE_ORDER_MARK {
            reader = Box::new(Cursor::new(start).chain(reader));
        }
        Ok(Self { reader, extent })
    }
}

/// Reads the first bytes; fewer only if there are no more. A pipe may hand out one at a time.
fn take_start(reader: &mut impl BufRead, len: usize) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(len);
    reader.take(len as u64).read_to_end(&mut start)?;
    Ok(start)
}

struct Counted<R> {
    input: R,
    position: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.input.read(buffer)?;
        self.position.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}
