//! The config file as a whole: where it is, what it says, and which profile is meant.

use super::{
    args::Global,
    environment::{Environment, Paths},
    error::{ConfigError, hint},
    policies,
    profile::Profile,
    profile_file::KeyHome,
    section::{Origin, Section, Source, Sourced},
};
use crate::domain::{clean::clean, retry::Policy};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A config file is never this long.
const MOST_BYTES: u64 = 1 << 20;
/// Names that mean something else.
const RESERVED: &[&str] = &["env", "demo"];

/// How the screen looks; flags win over the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// A theme's name; none means the terminal decides.
    pub theme: Option<Sourced<String>>,
    /// Whether mouse clicks are wanted.
    pub mouse: Sourced<bool>,
    /// Whether to draw with ASCII only.
    pub ascii: Sourced<bool>,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            theme: None,
            mouse: Sourced::default(true),
            ascii: Sourced::default(false),
        }
    }
}

impl Look {
    /// What flags alone ask for, where no file is read.
    pub fn of_flags(global: &Global) -> Self {
        let mut look = Self::default();
        look.apply(global);
        look
    }

    fn apply(&mut self, global: &Global) {
        let flag = |name| Origin::Flag(name);
        if let Some(theme) = &global.theme {
            let from = flag("--theme");
            self.theme = Some(Sourced {
                value: theme.clone(),
                from,
            });
        }
        if global.ascii {
            self.ascii = Sourced {
                value: true,
                from: flag("--ascii"),
            };
        }
        if global.no_mouse {
            self.mouse = Sourced {
                value: false,
                from: flag("--no-mouse"),
            };
        }
    }
}

/// Everything configured, from file, variables and flags. No key has been fetched.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the file is, or would be, and who said so.
    pub path: Sourced<PathBuf>,
    /// Whether it exists.
    pub exists: bool,
    /// How the screen looks.
    pub look: Look,
    /// Retry policies: the built-in ones, then those of the file.
    pub policies: Arc<[Policy]>,
    /// Every profile of the file in alphabetical order, then `env` where variables make it.
    pub profiles: Vec<Profile>,
    /// The one that is meant, with who chose it; none when there is nothing to choose from.
    pub chosen: Option<Sourced<Arc<str>>>,
}

/// Where the config file is: `--config`, `RATETOP_CONFIG`, the platform's directory. Never the
/// working directory.
pub fn locate(global: &Global, env: &Environment) -> Result<Sourced<PathBuf>, ConfigError> {
    if let Some(path) = &global.config {
        return Ok(Sourced {
            value: path.clone(),
            from: Origin::Flag("--config"),
        });
    }
    if let Some(path) = env.get("RATETOP_CONFIG") {
        return Ok(Sourced {
            value: path.into(),
            from: Origin::Variable("RATETOP_CONFIG".to_owned()),
        });
    }
    Ok(Sourced::default(Paths::of_platform()?.config))
}

impl Config {
    /// Reads file, variables and flags. Nothing is started on an error.
    pub fn load(global: &Global, env: &Environment) -> Result<Self, ConfigError> {
        let path = locate(global, env)?;
        let read = read_file(&path)?;
        let exists = read.is_some();
        let mut config = Self {
            path,
            exists,
            look: Look::default(),
            policies: Policy::ALL.into(),
            profiles: Vec::new(),
            chosen: None,
        };
        let mut default_profile = None;
        if let Some((source, open_to_others)) = &read {
            default_profile = config.absorb(source, *open_to_others, env)?;
        }
        let named = named(global, env, default_profile);
        match Profile::of_environment(env) {
            Ok(profile) => config.profiles.extend(profile),
            // Variables that make no sense matter only to those who mean them.
            Err(_) if named.as_ref().is_some_and(|named| named.value != "env") => {}
            Err(error) => return Err(error),
        }
        config.look.apply(global);
        config.chosen = config.choose(named)?;
        if let Some(usd) = global.max_spend {
            for profile in &mut config.profiles {
                profile.session_usd = Sourced {
                    value: usd,
                    from: Origin::Flag("--max-spend"),
                };
            }
        }
        Ok(config)
    }

    /// Takes the file's content in; returns its `default_profile`.
    pub(crate) fn absorb(
        &mut self,
        source: &Source,
        open_to_others: bool,
        env: &Environment,
    ) -> Result<Option<Sourced<String>>, ConfigError> {
        let table = source.parse()?;
        let top = Section::top(source, table.get_ref());
        let default_profile = top.text("default_profile")?;
        if let Some(ui) = top.section("ui")? {
            let theme = ui.word("theme", &super::args::theme_names())?;
            self.look.theme = theme.map(|theme| theme.map(str::to_owned));
            if let Some(mouse) = ui.boolean("mouse")? {
                self.look.mouse = mouse;
            }
            if let Some(ascii) = ui.boolean("ascii")? {
                self.look.ascii = ascii;
            }
            ui.finish()?;
        }
        let home = KeyHome {
            directory: source.path().parent().unwrap_or(Path::new(".")),
            open_to_others,
            env,
        };
        if let Some(section) = top.section("policies")? {
            self.policies = policies::read(&section)?.into();
        }
        if let Some(profiles) = top.section("profiles")? {
            for (name, from) in profiles.keys() {
                check_name(name).map_err(|what| from.error(what))?;
                if let Some(section) = profiles.section(name)? {
                    self.profiles
                        .push(Profile::read(name, from, section, &self.policies, &home)?);
                }
            }
        }
        top.finish()?;
        Ok(default_profile)
    }

    /// The named profile, then `env`, then the only profile there is.
    fn choose(
        &self,
        named: Option<Sourced<String>>,
    ) -> Result<Option<Sourced<Arc<str>>>, ConfigError> {
        if let Some(named) = named {
            return match self.profile(&named.value) {
                Some(profile) => Ok(Some(Sourced {
                    value: Arc::clone(&profile.name),
                    from: named.from,
                })),
                None => Err(named.from.error(self.no_such_profile(&named.value))),
            };
        }
        let one = |profile: &Profile, from: Origin| {
            Ok(Some(Sourced {
                value: Arc::clone(&profile.name),
                from,
            }))
        };
        if let Some(profile) = self.profile("env") {
            return one(profile, profile.from.clone());
        }
        match self.profiles.as_slice() {
            [] => Ok(None),
            [only] => one(only, Origin::Default),
            several => {
                let all: Vec<&str> = several.iter().map(|it| it.name.as_ref()).collect();
                Err(ConfigError::new(format!(
                    "{} has several profiles and none is chosen: use --profile with one of {}, or set default_profile",
                    self.path.value.display(),
                    all.join(", ")
                )))
            }
        }
    }

    fn no_such_profile(&self, name: &str) -> String {
        let shown = clean(name, 40);
        if self.profiles.is_empty() {
            let file = self.path.value.display();
            return if self.exists {
                format!("no profile `{shown}`: {file} has none")
            } else {
                format!(
                    "no profile `{shown}`: there is no {file} (`ratetop config init` writes one)"
                )
            };
        }
        let names = self.profiles.iter().map(|profile| profile.name.as_ref());
        format!("no profile `{shown}`{}", hint(name, names))
    }

    /// The profile of that name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles
            .iter()
            .find(|profile| profile.name.as_ref() == name)
    }

    /// The profile that is meant; none when there is nothing to choose from.
    pub fn chosen(&self) -> Option<&Profile> {
        self.profile(&self.chosen.as_ref()?.value)
    }

    /// Names for the switcher.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.profiles
            .iter()
            .map(|profile| Arc::clone(&profile.name))
            .collect()
    }
}

/// `--profile`, `RATETOP_PROFILE`, `default_profile`.
fn named(
    global: &Global,
    env: &Environment,
    default_profile: Option<Sourced<String>>,
) -> Option<Sourced<String>> {
    let flag = global.profile.clone().map(|value| Sourced {
        value,
        from: Origin::Flag("--profile"),
    });
    let variable = || {
        env.get("RATETOP_PROFILE").map(|name| Sourced {
            value: name.to_owned(),
            from: Origin::Variable("RATETOP_PROFILE".to_owned()),
        })
    };
    flag.or_else(variable).or(default_profile)
}

/// Profile names become file names of ledgers.
fn check_name(name: &str) -> Result<(), String> {
    let plain = !name.is_empty()
        && name.len() <= 64
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if !plain {
        return Err(format!(
            "profile name `{}` must be 1 to 64 of a-z, A-Z, 0-9, `.`, `_`, `-`, not beginning with `.`",
            clean(name, 40)
        ));
    }
    if RESERVED.contains(&name) {
        return Err(format!("profile name `{name}` is taken by ratetop itself"));
    }
    Ok(())
}

/// The file and whether others can read it; none when the platform's file does not exist.
fn read_file(path: &Sourced<PathBuf>) -> Result<Option<(Source, bool)>, ConfigError> {
    use std::io::Read;
    let shown = path.value.display();
    let fail = |what: String| Err(path.from.error(what));
    let file = match std::fs::File::open(&path.value) {
        Ok(file) => file,
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && path.from == Origin::Default =>
        {
            return Ok(None);
        }
        Err(error) => return fail(format!("config file {shown} cannot be read: {error}")),
    };
    let open_to_others = match file.metadata() {
        Ok(about) => others_can_read(&about),
        Err(error) => return fail(format!("config file {shown} cannot be read: {error}")),
    };
    let mut bytes = Vec::new();
    if let Err(error) = file.take(MOST_BYTES + 1).read_to_end(&mut bytes) {
        return fail(format!("config file {shown} cannot be read: {error}"));
    }
    if bytes.len() as u64 > MOST_BYTES {
        return fail(format!("config file {shown} is longer than 1 MiB"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some((Source::new(&path.value, text), open_to_others))),
        Err(error) => {
            let before = error
                .as_bytes()
                .iter()
                .take(error.utf8_error().valid_up_to());
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            Err(ConfigError::at(&path.value, line, "not UTF-8"))
        }
    }
}

/// Whether group or others may read a file. Elsewhere than on Unix the user's own directory is
/// protected by its access list, which is not looked at.
#[cfg(unix)]
pub fn others_can_read(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o044 != 0
}

/// Whether group or others may read a file. Elsewhere than on Unix the user's own directory is
/// protected by its access list, which is not looked at.
#[cfg(not(unix))]
pub fn others_can_read(_about: &std::fs::Metadata) -> bool {
    false
}
