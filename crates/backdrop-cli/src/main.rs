//! The `backdrop` command. All of it is in the library, where tests reach it.

fn main() -> std::process::ExitCode {
    backdrop_cli::main()
}
