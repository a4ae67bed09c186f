//! The home: the directory in which `backdrop up` keeps everything, and the administration token in it.

use crate::private::{random_password, write_private};
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where `backdrop up` keeps its data.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Home {
    /// Where `backdrop up` keeps its data and the administration token
    #[arg(long = "home", env = "BACKDROP_HOME", value_name = "DIRECTORY", default_value = ".backdrop")]
    path: PathBuf,
}

impl Home {
    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the administration token is kept.
    pub(crate) fn admin_token_path(&self) -> PathBuf {
        self.path.join("admin-token")
    }

    /// The administration token that `backdrop up` made, if it has.
    pub(crate) fn admin_token(&self) -> anyhow::Result<Option<SecretString>> {
        let path = self.admin_token_path();
        match std::fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => Ok(Some(text.trim().into())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// The administration token, made and kept if there is none.
    pub(crate) fn make_admin_token(&self) -> anyhow::Result<SecretString> {
        if let Some(token) = self.admin_token()? {
            return Ok(token);
        }
        let token = SecretString::from(random_password());
        std::fs::create_dir_all(&self.path)
            .with_context(|| format!("cannot make {}", self.path.display()))?;
        write_private(&self.admin_token_path(), &format!("{}\n", token.expose_secret()))?;
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_token_is_made_once_and_only_its_owner_can_read_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let home = Home { path: directory.path().join("deep/home") };
        assert!(home.admin_token().expect("readable").is_none());
        let token = home.make_admin_token().expect("made");
        assert!(token.expose_secret().len() >= 64);
        let again = home.make_admin_token().expect("kept");
        assert_eq!(token.expose_secret(), again.expose_secret());
        let mode = home.admin_token_path().metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
