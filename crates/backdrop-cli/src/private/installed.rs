//! Finds the servers' programs.

use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian and its relatives keep the programs of each version of Postgres.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";
/// Which programs a directory must hold to be taken.
const POSTGRES_PROGRAMS: [&str; 2] = ["initdb", "postgres"];

/// A program on the `PATH`.
pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// The directory with the programs of Postgres: of `version` if data of that major version is there
/// already, else what the `PATH` and `pg_config` name, else the newest of Debian's packages.
pub(super) fn postgres_programs(version: Option<&str>) -> anyhow::Result<PathBuf> {
    let of_version = version.map(|version| Path::new(DEBIAN_VERSIONS).join(version).join("bin"));
    of_version
        .into_iter()
        .chain(on_path("initdb").and_then(|initdb| initdb.parent().map(Path::to_owned)))
        .chain(pg_config_programs())
        .chain(debian_programs())
        .find(|directory| POSTGRES_PROGRAMS.iter().all(|program| directory.join(program).is_file()))
        .context(
            "Postgres is not installed (looked on the PATH, asked pg_config, and in /usr/lib/postgresql); \
             run scripts/install-dependencies, or set DATABASE_URL to use a server of yours",
        )
}

fn pg_config_programs() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// Debian's packages, the newest version first.
fn debian_programs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(DEBIAN_VERSIONS).into_iter().flatten().flatten();
    let mut versions: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable();
    let programs = |version: u32| Path::new(DEBIAN_VERSIONS).join(version.to_string()).join("bin");
    versions.into_iter().rev().map(programs).collect()
}
