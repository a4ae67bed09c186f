//! What Redis has written down of its commands, to be cut while it is stopped.

use anyhow::{Context, ensure};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// The part of Redis' append-only file that it writes to.
#[derive(Debug)]
pub struct AppendOnlyFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Where a file is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Between two commands.
    Between,
    /// Within a command, as when a machine goes down while writing it.
    Within,
}

impl AppendOnlyFile {
    /// Reads the newest part in the folder of a server that is stopped.
    ///
    /// # Errors
    /// If there is none.
    pub fn read(data_directory: &Path) -> anyhow::Result<Self> {
        let folder = data_directory.join("appendonlydir");
        let mut parts = Vec::new();
        for file in std::fs::read_dir(&folder).context("no append-only files")? {
            let path = file?.path();
            let name = path.to_string_lossy().into_owned();
            let number = name.strip_suffix(".incr.aof").and_then(|name| name.rsplit_once('.'));
            if let Some(number) = number.and_then(|(_, number)| number.parse::<u64>().ok()) {
                parts.push((number, path));
            }
        }
        let (_, path) = parts.into_iter().max().context("no incremental part")?;
        let bytes = std::fs::read(&path)?;
        Ok(Self { path, bytes })
    }

    /// Removes the end of the file, from a command of that name on: 1 is the last one, 2 the one before.
    ///
    /// # Errors
    /// If there are not so many, or the file cannot be read or cut.
    pub fn cut_from(self, name: &str, from_end: usize, cut: Cut) -> anyhow::Result<()> {
        let commands = self.commands()?;
        let named = |(_, command): &&(usize, &[u8])| command.eq_ignore_ascii_case(name.as_bytes());
        let found = commands.iter().filter(named).nth_back(from_end - 1);
        let (start, _) = *found.with_context(|| format!("no {from_end} commands {name}"))?;
        // The arguments are longer than this; what is left of the command is not.
        let length = if cut == Cut::Between { start } else { start + name.len() + 12 };
        ensure!(length < self.bytes.len(), "the file is too short");
        OpenOptions::new().write(true).open(&self.path)?.set_len(length.try_into()?)?;
        Ok(())
    }

    /// Each command's place and name: `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n` sets k to v.
    fn commands(&self) -> anyhow::Result<Vec<(usize, &[u8])>> {
        let mut commands = Vec::new();
        let mut at = 0;
        while at < self.bytes.len() {
            let start = at;
            let arguments = self.number(&mut at, b'*')?;
            let mut name = None;
            for _ in 0..arguments {
                let length = self.number(&mut at, b'$')?;
                let argument = self.bytes.get(at..at + length).context("a file that is cut already")?;
                name.get_or_insert(argument);
                at += length + 2;
            }
            commands.push((start, name.context("a command without a name")?));
        }
        Ok(commands)
    }

    fn number(&self, at: &mut usize, kind: u8) -> anyhow::Result<usize> {
        let rest = self.bytes.get(*at..).context("a file that is cut already")?;
        let end = rest.windows(2).position(|end| end == b"\r\n").context("a line without an end")?;
        ensure!(rest[0] == kind, "byte {at} is {}, not {kind}", rest[0]);
        *at += end + 2;
        Ok(std::str::from_utf8(&rest[1..end])?.parse()?)
    }
}
