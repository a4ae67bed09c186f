//! The memory an import takes does not grow with its file.

use super::{command, ok, stderr};
use backdrop_testing::{answering, tempfile};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Well more than the program takes for anything but the records, and far less than the file.
const PEAK_KIB_MAX: u64 = 64 * 1024;
const ROWS: u32 = 80_000;

/// The most memory a process has held so far.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

#[test]
fn a_large_file_takes_no_more_memory_than_a_chunk() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.csv");
    let mut file = BufWriter::new(File::create(&path).expect("a file"));
    writeln!(file, "_id,count,text").expect("written");
    let text = "x".repeat(1_000);
    for row in 0..ROWS {
        writeln!(file, "id-{row},{row},{text}").expect("written");
    }
    file.into_inner().expect("flushed");

    let (pid, peak) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU64::new(0)));
    let (asked, highest) = (Arc::clone(&pid), Arc::clone(&peak));
    let (address, requests) = answering(move |_| {
        highest.fetch_max(peak_kib(asked.load(Ordering::SeqCst)), Ordering::SeqCst);
        ok()
    });
    // What was received is the test's memory, not the command's.
    std::thread::spawn(move || requests.iter().count());
    let child = command(&address, &path, &["--chunk", "10000"]).spawn().expect("the command starts");
    pid.store(child.id(), Ordering::SeqCst);
    let output = child.wait_with_output().expect("the command ends");
    assert!(output.status.success(), "{}", stderr(&output));
    let peak = peak.load(Ordering::SeqCst);
    println!("{peak} KiB for {} KiB", path.metadata().expect("the file").len() / 1024);
    assert!((1..PEAK_KIB_MAX).contains(&peak), "{peak} KiB");
}
