use super::*;
use actix_web::ResponseError;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::{BufRead, Write};

fn bounds() -> BodyBounds {
    BodyBounds { bytes: 1_000, timeout: Duration::from_secs(30), rate: 100, rooms: Rooms::new(1 << 20) }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn inflate(compression: Compression, compressed: &[u8]) -> Result<Vec<u8>, WriteError> {
    let mut pieces = Pieces::default();
    compressed.chunks(7).for_each(|chunk| pieces.push(chunk));
    bounds().inflate(compression, pieces, |_| Ok(()))
}

fn status(compression: Compression, compressed: &[u8]) -> u16 {
    inflate(compression, compressed).map_or_else(|error| error.status_code().as_u16(), |_| 200)
}

#[test]
fn inflating_is_bounded_and_strict() {
    type Deflate = fn(&[u8]) -> Vec<u8>;
    for (compression, deflate) in [(Compression::Gzip, gzip as Deflate), (Compression::Zstd, zstd)] {
        assert_eq!(inflate(compression, &deflate(b"[]")).expect("valid"), b"[]");
        assert_eq!(inflate(compression, b"").expect("what an old client repeats"), b"");
        assert_eq!(status(compression, &deflate(&[0; 1_000])), 200);
        assert_eq!(status(compression, &deflate(&[0; 1_001])), 413);
        assert_eq!(status(compression, &deflate(&[0; 50_000_000])), 413);
        let whole = deflate(b"[1, 2, 3]");
        for end in 1..whole.len() {
            assert_eq!(status(compression, &whole[..end]), 400, "{compression} broken off after {end} bytes");
        }
        assert_eq!(status(compression, b"[]"), 400);
        assert_eq!(status(compression, &[&whole[..], b"more"].concat()), 400);
        assert_eq!(status(compression, &[&whole[..], &whole].concat()), 400);
    }
}

#[test]
fn a_zstd_frame_that_asks_for_a_large_window_is_refused() {
    // Magic, no content size, a window of 1 GiB, one last block of 0 bytes.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x01, 0x00, 0x00];
    assert_eq!(status(Compression::Zstd, &frame), 400);
    let small = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3, 0x01, 0x00, 0x00];
    assert_eq!(status(Compression::Zstd, &small), 200);
}

#[test]
fn pieces_are_read_in_order_and_let_go() {
    let bytes: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut pieces = Pieces::default();
    bytes.chunks(1_000).for_each(|chunk| pieces.push(chunk));
    assert_eq!(pieces.len(), bytes.len());
    let mut read = Vec::new();
    pieces.read_to_end(&mut read).expect("memory");
    assert!(read == bytes && pieces.is_empty());
    pieces.push(b"ab");
    pieces.consume(1);
    assert_eq!((pieces.take_first(), pieces.take_first()), (Some(b"b".to_vec()), None));
    assert!(pieces.is_empty());
}

#[test]
fn a_body_has_the_time_that_its_rate_gives_it_and_no_more_than_all_may_take() {
    let bounds = bounds();
    assert_eq!(bounds.time_for(0), RATE_GRACE);
    assert_eq!(bounds.time_for(1_000), RATE_GRACE + Duration::from_secs(10));
    assert_eq!(bounds.time_for(1_000_000), Duration::from_secs(30));
    assert_eq!(BodyBounds { rate: 0, ..bounds }.time_for(0), Duration::from_secs(30));
}
