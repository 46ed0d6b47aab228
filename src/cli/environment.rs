//! Environment variables and the platform's directories, read once.

use super::error::ConfigError;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

/// The variables of one process, taken once at the start. `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Environment {
    vars: BTreeMap<String, String>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.vars.keys()).finish()
    }
}

impl Environment {
    /// This process's variables; those that are not UTF-8 count as unset.
    pub fn of_process() -> Self {
        Self {
            vars: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        }
    }

    /// The value of a variable; one that is empty counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Names of all variables that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let set = self.vars.iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, _)| name.as_str())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Environment {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        Self {
            vars: pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

/// Where ratetop keeps things on this platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml` in the platform's configuration directory.
    pub config: PathBuf,
    /// Ledger and logs: the platform's state directory, else its local data directory.
    pub state: PathBuf,
}

impl Paths {
    /// The platform's, from the user's home.
    pub fn of_platform() -> Result<Self, ConfigError> {
        let dirs = directories::ProjectDirs::from("", "", "ratetop").ok_or_else(|| {
            ConfigError::new("no home directory: set HOME, or name a file with --config")
        })?;
        Ok(Self {
            config: dirs.config_dir().join("config.toml"),
            state: dirs
                .state_dir()
                .unwrap_or_else(|| dirs.data_local_dir())
                .to_owned(),
        })
    }
}

/// `path` with a leading `~/` replaced by the home directory, else taken relative to `base`.
pub fn expand(path: &str, base: &Path, env: &Environment) -> PathBuf {
    match (path.strip_prefix("~/"), env.get("HOME")) {
        (Some(rest), Some(home)) => Path::new(home).join(rest),
        _ => base.join(path),
    }
}
