//! The directory of a server: its data, its password, its log, and the lock that keeps others out.

use super::user::User;
use anyhow::{Context, bail};
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Where Postgres' files go when its user cannot reach the home, which may lie below `/root`.
const ELSEWHERE: &str = "/var/lib/backdrop";

/// A directory that only this process uses.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    user: Option<User>,
    /// Holds the lock until it is closed. The system closes it with us, however we end.
    _lock: File,
}

impl Directory {
    /// Makes or takes over the directory `name` below a home, for a server that runs as we do.
    pub(super) fn ours(home: &Path, name: &str) -> anyhow::Result<Self> {
        let path = make_home(home)?.join(name);
        make_private(&path)?;
        Self::lock(path, None)
    }

    /// Makes or takes over the directory of Postgres below a home.
    ///
    /// If we are root, it belongs to another user. If that user cannot reach the home, the files are
    /// kept in a directory of their own below `/var/lib/backdrop`, and `postgres` in the home is a link to
    /// it: moving the home keeps the data, and removing it starts afresh.
    pub(super) fn of_postgres(home: &Path) -> anyhow::Result<Self> {
        let link = make_home(home)?.join("postgres");
        let mut path = fs::read_link(&link).unwrap_or_else(|_| link.clone());
        make_private(&path)?;
        let user = User::for_postgres(&path)?;
        if let Some(user) = user {
            user.take(&path)?;
            if path == link && !user.can_use(&path) {
                path = move_elsewhere(&link, user)?;
            }
        }
        Self::lock(path, user)
    }

    fn lock(path: PathBuf, user: Option<User>) -> anyhow::Result<Self> {
        let path = path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?;
        let file = path.join("lock");
        let lock = File::create(&file).with_context(|| format!("cannot write {}", file.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, user, _lock: lock }),
            Err(TryLockError::WouldBlock) => bail!(
                "{} is in use by another backdrop process; stop it, or choose another BACKDROP_HOME",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", file.display()))
            }
        }
    }

    /// A path in the directory.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The user that the directory and its server belong to, if it is not ours.
    pub(super) fn user(&self) -> Option<User> {
        self.user
    }

    /// Writes a file that only the server's user (and root) may read.
    pub(super) fn write_private(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.join(name);
        write_private(&path, text)?;
        if let Some(user) = self.user {
            user.take(&path)?;
        }
        Ok(path)
    }

    /// The password kept in the directory, made at the first call.
    pub(super) fn password(&self) -> anyhow::Result<String> {
        match fs::read_to_string(self.join("password")) {
            Ok(password) if !password.is_empty() => Ok(password),
            _ => {
                let password = super::random_password();
                self.write_private("password", &password)?;
                Ok(password)
            }
        }
    }
}

/// Writes a file that only its owner may read, all of it or nothing.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        let fresh = path.with_extension("new");
        let _ = fs::remove_file(&fresh);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Makes the home and lets other users pass through it, not look into it: Postgres' user must come to
/// its own directory, and every secret in the home is a file that only its owner may read.
fn make_home(home: &Path) -> anyhow::Result<PathBuf> {
    let make = || {
        fs::create_dir_all(home)?;
        let mode = fs::metadata(home)?.permissions().mode();
        if mode & 0o011 != 0o011 {
            fs::set_permissions(home, Permissions::from_mode(mode | 0o011))?;
        }
        home.canonicalize()
    };
    make().with_context(|| format!("cannot use {} as home", home.display()))
}

fn make_private(path: &Path) -> anyhow::Result<()> {
    let make = || {
        fs::create_dir_all(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o700))
    };
    make().with_context(|| format!("cannot make {}", path.display()))
}

fn move_elsewhere(link: &Path, user: User) -> anyhow::Result<PathBuf> {
    let path = Path::new(ELSEWHERE).join(uuid::Uuid::new_v4().simple().to_string());
    make_private(&path)?;
    user.take(&path)?;
    // It was made a moment ago, or by a run that got no further: there is nothing in it.
    fs::remove_dir(link).with_context(|| format!("{} is not empty and not reachable", link.display()))?;
    symlink(&path, link).with_context(|| format!("cannot make {}", link.display()))?;
    tracing::info!(path = %path.display(), "Postgres' user cannot reach the home; its data is kept elsewhere");
    Ok(path)
}
