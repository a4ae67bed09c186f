//! The user a server runs as. Postgres refuses to run as root, so root gives it a user of its own.

use anyhow::{Context, bail};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Users to run Postgres as, the best first: the one the system's package made, or the one that owns nothing.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Another user than ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// The user to run Postgres as with its files in `directory`; `None`: as we are.
    ///
    /// Files that are there already decide: they belong to whom the server ran as before.
    pub(super) fn for_postgres(directory: &Path) -> anyhow::Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        if let Ok(metadata) = std::fs::metadata(directory)
            && metadata.uid() != 0
        {
            return Ok(Some(Self { uid: metadata.uid(), gid: metadata.gid() }));
        }
        match CANDIDATES.into_iter().find_map(Self::named) {
            Some(user) => Ok(Some(user)),
            None => bail!(
                "Postgres does not run as root, and there is neither a user `postgres` nor `nobody`; \
                 run backdrop as another user"
            ),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(Self { uid: id("-u", name)?, gid: id("-g", name)? })
    }

    /// Makes a command run as this user, without our supplementary groups.
    pub(super) fn applies_to(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives a file or directory to this user.
    pub(super) fn take(self, path: &Path) -> anyhow::Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("cannot give {} to user {}", path.display(), self.uid))
    }

    /// Whether this user reaches a directory and may write there: every directory above it must let it
    /// pass, which only trying tells for sure.
    pub(super) fn can_use(self, directory: &Path) -> bool {
        let mut command = Command::new("test");
        command.arg("-w").arg(directory).current_dir("/");
        self.applies_to(&mut command);
        command.status().is_ok_and(|status| status.success())
    }
}

fn id(flag: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([flag, name]).output().ok()?;
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
