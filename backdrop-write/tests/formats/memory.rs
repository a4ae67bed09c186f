//! How much memory a single body takes.

use super::{CSV, LINES, PATH, XLSX, send};
use backdrop_testing::{Client, Stack, StackOptions};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_xlsxwriter::Workbook;
use std::io::Write;

/// What any single body may add to the memory of the process.
const GROWTH_KIB_MAX: u64 = 32 * 1024;
/// And many of them one after the other: the connection to the queue keeps room for the largest.
const GROWTH_OF_MANY_KIB_MAX: u64 = 40 * 1024;
const BODY_BYTES: usize = 10 << 20;

/// How often a service is begun afresh before its growth counts as too large. The body goes from the thread that has read it
/// to the one that sends it; where the scheduler has the one wait with what it is done with, that adds to the peak.
const TRIES: usize = 3;

/// By how much the peak of a fresh service grows when it is sent this.
async fn growth_kib(ask: impl Fn(&Client)) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..TRIES {
        least = least.min(growth_once_kib(&ask).await);
        if least < GROWTH_KIB_MAX {
            break;
        }
    }
    least
}

async fn growth_once_kib(ask: impl Fn(&Client)) -> u64 {
    // As in the image: else the C library keeps ever larger pieces for itself, once per thread.
    let environment = vec![("GLIBC_TUNABLES".to_owned(), "glibc.malloc.mmap_threshold=1048576".to_owned())];
    let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let writer = stack.writer().with_token("token-for-kind");
    // What every process takes once: threads, connections, scripts, the code of all formats. Each thread takes its part
    // when it first has something to do.
    let small = lines(100_000);
    let list = format!("[{}]", small.trim_end().replace('\n', ","));
    for _ in 0..WARM_UPS {
        send(&writer, PATH, LINES, small.as_str()).expect(200);
        send(&writer, PATH, CSV, format!("_id,text\na,{}\n", "x".repeat(100_000))).expect(200);
        send(&writer, PATH, XLSX, "no workbook").expect(400);
        for (encoding, body) in [("gzip", gzip(list.as_bytes())), ("zstd", zstd_raw(list.as_bytes()))] {
            send(&writer.with_header("Content-Encoding", encoding), PATH, "application/json", body)
                .expect(200);
        }
    }
    let before = stack.write.peak_memory_kib();
    ask(&writer);
    stack.write.peak_memory_kib() - before
}

/// So many times that every thread has had its turn.
const WARM_UPS: usize = 8;

/// Records of together so many bytes, one per line.
fn lines(bytes: usize) -> String {
    let mut lines = String::with_capacity(bytes);
    for number in 0.. {
        let line = format!("{{\"_id\":\"{number}\",\"text\":\"{}\"}}\n", "x".repeat(1_000));
        if lines.len() + line.len() > bytes {
            break;
        }
        lines.push_str(&line);
    }
    lines
}

/// What cannot be compressed stays as large as it is in a zstd frame of raw blocks.
fn zstd_raw(bytes: &[u8]) -> Vec<u8> {
    // No content size, a window of 8 MiB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3];
    let blocks: Vec<&[u8]> = bytes.chunks(100_000).collect();
    for (index, block) in blocks.iter().enumerate() {
        let is_last = usize::from(index + 1 == blocks.len());
        let header = u32::try_from(block.len() << 3 | is_last).expect("a block is small");
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}

/// A frame of blocks each of which says one byte 128 KiB times.
fn zstd_bomb(blocks: usize) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3];
    for index in 0..blocks {
        let header: u32 = (128 << 10) << 3 | 1 << 1 | u32::from(index + 1 == blocks);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

/// A few hundred kilobytes that inflate to 200 MiB.
fn gzip_bomb() -> Vec<u8> {
    gzip(&vec![b' '; 200 << 20])
}

#[track_caller]
fn assert_small(name: &str, kib: u64) {
    eprintln!("{name}: {kib} KiB");
    assert!(kib < GROWTH_KIB_MAX, "{name}: {kib} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_list_takes_little_memory() {
    let list = format!("[{}]", lines(BODY_BYTES - 2).trim_end().replace('\n', ","));
    let kib =
        growth_kib(|writer| drop(send(writer, PATH, "application/json", list.as_str()).expect(200))).await;
    assert_small("a list", kib);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_lines_take_little_memory() {
    let kib = growth_kib(|writer| drop(send(writer, PATH, LINES, lines(BODY_BYTES - 2)).expect(200))).await;
    assert_small("lines", kib);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_csv_takes_little_memory() {
    let mut csv = String::from("_id,text\n");
    for number in 0..9_000 {
        csv.push_str(&format!("{number},{}\n", "x".repeat(1_100)));
    }
    let kib = growth_kib(|writer| drop(send(writer, PATH, CSV, csv.as_str()).expect(200))).await;
    assert_small("CSV", kib);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_compressed_takes_little_memory() {
    // Less than the bound by what a zstd frame adds.
    let list = format!("[{}]", lines(BODY_BYTES - 1_000).trim_end().replace('\n', ","));
    for (name, encoding, body, status) in [
        ("what cannot be compressed", "zstd", zstd_raw(list.as_bytes()), 200),
        ("a zstd bomb", "zstd", zstd_bomb(30_000), 413),
        ("a gzip bomb", "gzip", gzip_bomb(), 413),
        ("a list in gzip", "gzip", gzip(list.as_bytes()), 200),
    ] {
        let kib = growth_kib(|writer| {
            let writer = writer.with_header("Content-Encoding", encoding);
            send(&writer, PATH, "application/json", body.clone()).expect(status);
        });
        assert_small(name, kib.await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_large_bodies_take_little_more_than_one() {
    let list = format!("[{}]", lines(BODY_BYTES - 2).trim_end().replace('\n', ","));
    let kib = growth_kib(|writer| {
        for _ in 0..2 {
            send(writer, PATH, "application/json", list.clone()).expect(200);
            send(writer, PATH, LINES, lines(BODY_BYTES - 2)).expect(200);
            send(&writer.with_header("Content-Encoding", "gzip"), PATH, "application/json", gzip_bomb())
                .expect(413);
        }
    });
    let kib = kib.await;
    assert!(kib < GROWTH_OF_MANY_KIB_MAX, "many bodies: {kib} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_takes_little_memory() {
    let body = format!(
        "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.ndjson\"\r\n\r\n{}\r\n--frontier--\r\n",
        lines(BODY_BYTES - 200)
    );
    let kib = growth_kib(|writer| {
        let path = format!("{PATH}/upload");
        send(writer, &path, "multipart/form-data; boundary=frontier", body.as_str()).expect(200);
    });
    assert_small("an upload", kib.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_sheet_takes_little_memory() {
    let fill = || {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "_id")?.write(0, 1, "text")?;
        for row in 1..9_000 {
            sheet.write(row, 0, row)?.write(row, 1, format!("{row:01000}"))?;
        }
        workbook.save_to_buffer()
    };
    let bytes = fill().expect("a workbook");
    let kib = growth_kib(|writer| drop(send(writer, PATH, XLSX, bytes.clone()).expect(200))).await;
    assert_small("a sheet", kib);
}
