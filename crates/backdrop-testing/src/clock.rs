//! A server whose clock is wrong.

use anyhow::ensure;
use std::path::Path;
use std::process::Command;

const SOURCE: &str = include_str!("an_hour_back.c");

/// The words to put before a server's command, so that its wall clock goes an hour back. Needs the C
/// compiler that Rust links with.
///
/// # Errors
/// If the compiler fails.
pub fn an_hour_back(folder: &Path) -> anyhow::Result<Vec<String>> {
    let (source, library) = (folder.join("an_hour_back.c"), folder.join("an_hour_back.so"));
    std::fs::write(&source, SOURCE)?;
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status()?;
    ensure!(compiled.success(), "cc failed");
    Ok(vec!["env".into(), format!("LD_PRELOAD={}", library.display())])
}
