//! Small files that are there as a whole or not at all.

use std::path::{Path, PathBuf};

/// The path of a file that belongs to another one and lies beside it.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Writes a file: who reads it, whenever this is stopped, finds what was there before, or all of this.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = beside(path, ".new");
    std::fs::write(&new, bytes)?;
    std::fs::rename(&new, path)
}
