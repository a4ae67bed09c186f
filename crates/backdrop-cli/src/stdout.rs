//! What commands print. Who reads it may have seen enough and gone, as `head` does: that ends a command, and is no fault.

use std::fmt;
use std::io::{self, ErrorKind, Write};

/// Prints a line, as `println!` does; the command ends by `?` if nobody reads any more.
macro_rules! say {
    ($($part:tt)*) => { $crate::stdout::line(format_args!($($part)*)) };
}
pub(crate) use say;

/// Nobody reads the output any more.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("nobody reads the output any more")
    }
}

impl std::error::Error for ReaderGone {}

/// Prints a line.
pub(crate) fn line(text: fmt::Arguments<'_>) -> anyhow::Result<()> {
    written(writeln!(io::stdout().lock(), "{text}"))
}

/// Tells a reader who is gone from an output that cannot be written.
pub(crate) fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        result => Ok(result?),
    }
}
