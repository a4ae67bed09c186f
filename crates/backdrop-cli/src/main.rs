//! The `backdrop` command. All of it is in the library, where tests reach it.

fn main() -> std::process::ExitCode {
    // The ingest service, which `backdrop up` holds, starts this program anew to read a sheet.
    backdrop_write::read_sheet_if_told().unwrap_or_else(backdrop_cli::main)
}
