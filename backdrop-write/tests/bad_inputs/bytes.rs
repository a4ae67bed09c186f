//! Bodies that have to be made: compressed ones, bombs, deep ones.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// More than the largest body.
pub(crate) const TOO_MANY_BYTES: usize = 10 * 1024 * 1024 + 1;
/// How large the bombs are, inflated.
const BOMB_BYTES: usize = 1 << 28;
/// The largest block of zstd.
const ZSTD_BLOCK_BYTES: usize = 128 * 1024;

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A quarter of a gigabyte of spaces in a quarter of a megabyte: a list that never begins.
pub(crate) fn gzip_bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..BOMB_BYTES / spaces.len() {
        encoder.write_all(&spaces).expect("memory");
    }
    encoder.finish().expect("memory")
}

/// The head of a frame of zstd with a window of 8 MiB.
fn zstd_head(window: u8) -> Vec<u8> {
    vec![0x28, 0xb5, 0x2f, 0xfd, 0, window]
}

/// The head of a block: whether it is the last, its kind (0 as it is, 1 one byte repeated), its size.
fn zstd_block(is_last: bool, kind: u32, bytes: usize) -> [u8; 3] {
    let size = u32::try_from(bytes).expect("a block is small");
    let head = (size << 3 | kind << 1 | u32::from(is_last)).to_le_bytes();
    [head[0], head[1], head[2]]
}

/// Bytes as zstd, not made smaller.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    [zstd_head(0x68), zstd_block(true, 0, bytes.len()).to_vec(), bytes.to_vec()].concat()
}

/// The same in 8 KB.
pub(crate) fn zstd_bomb() -> Vec<u8> {
    let blocks = BOMB_BYTES / ZSTD_BLOCK_BYTES;
    let mut bomb = zstd_head(0x68);
    for block in 1..=blocks {
        bomb.extend(zstd_block(block == blocks, 1, ZSTD_BLOCK_BYTES));
        bomb.push(b' ');
    }
    bomb
}

/// A frame that asks whoever reads it for a window of 2 GiB.
pub(crate) fn zstd_with_large_window() -> Vec<u8> {
    [zstd_head(0xa8), zstd_block(true, 0, 2).to_vec(), b"[]".to_vec()].concat()
}

/// A record with so many levels of lists in it, itself and the list of records counted.
pub(crate) fn nested(levels: usize) -> String {
    let inner = levels - 2;
    format!("[{{\"aa\":{}{}}}]", "[".repeat(inner), "]".repeat(inner))
}

/// A record with one field.
pub(crate) fn record(value: &str) -> String {
    format!("{{\"_id\":\"bad\",\"aa\":{value}}}")
}
