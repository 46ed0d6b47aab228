//! The config file from outside: sentences, precedence, permissions, the example.

mod commands;
mod sentences;

use super::{
    args::Cli, config::Config, environment::Environment, error::ConfigError, profile::AdminAddress,
    section::Origin,
};
use crate::api::connection::AuthStyle;
use clap::Parser;
use rstest::rstest;
use std::path::PathBuf;

struct Desk {
    dir: tempfile::TempDir,
    vars: Vec<(String, String)>,
}

impl Desk {
    fn with(text: &str) -> Self {
        let desk = Self {
            dir: tempfile::tempdir().unwrap(),
            vars: Vec::new(),
        };
        std::fs::write(desk.path(), text).unwrap();
        desk.mode(0o600);
        desk
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("config.toml")
    }

    #[cfg(unix)]
    fn mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(self.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    fn mode(&self, _mode: u32) {}

    fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    fn env(&self) -> Environment {
        let config = self.path().display().to_string();
        let fixed = [("RATETOP_CONFIG", config.as_str())];
        let vars = self
            .vars
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        fixed.into_iter().chain(vars).collect()
    }

    fn load(&self, flags: &str) -> Result<Config, ConfigError> {
        let words = ["ratetop"].into_iter().chain(flags.split_whitespace());
        Config::load(&Cli::try_parse_from(words).unwrap().global, &self.env())
    }

    /// The sentence, without the directory.
    fn sentence(&self, flags: &str) -> String {
        let dir = format!("{}/", self.dir.path().display());
        self.load(flags).unwrap_err().to_string().replace(&dir, "")
    }
}

const TWO: &str = "[profiles.a]\nbase_url = \"https://a.example\"\napi_key = { env = \"KEY_A\" }\n\
                   [profiles.b]\nbase_url = \"https://b.example\"\n";

#[test]
fn missing_profiles_and_files_name_what_there_is() {
    let desk = Desk::with(TWO);
    assert_eq!(
        desk.sentence("--profile c"),
        "--profile: no profile `c`; valid here: a, b"
    );
    assert_eq!(
        desk.sentence(""),
        "config.toml has several profiles and none is chosen: use --profile with one of a, b, or set default_profile"
    );
    assert!(
        desk.sentence("--config /nonexistent/c.toml")
            .starts_with("--config: config file /nonexistent/c.toml cannot be read: ")
    );
    let desk = desk.var("RATETOP_PROFILE", "zzzz");
    assert_eq!(
        desk.sentence(""),
        "variable RATETOP_PROFILE: no profile `zzzz`; valid here: a, b"
    );
}

#[test]
fn a_profile_is_chosen_by_flag_then_variable_then_file_then_environment() {
    let chosen = |desk: &Desk, flags: &str| {
        let config = desk.load(flags).unwrap();
        config
            .chosen
            .map(|chosen| (chosen.value.to_string(), chosen.from.to_string()))
    };
    let is = |name: &str, from: &str| Some((name.to_owned(), from.to_owned()));
    let bare = Desk::with(TWO).var("ANTHROPIC_API_KEY", "sk-ant-api03-x");
    assert_eq!(chosen(&bare, ""), is("env", "variable ANTHROPIC_API_KEY"));
    assert_eq!(chosen(&bare, "--profile a"), is("a", "--profile"));
    assert_eq!(chosen(&bare, "--profile env"), is("env", "--profile"));
    let named = Desk::with(&format!("default_profile = \"a\"\n{TWO}"))
        .var("ANTHROPIC_API_KEY", "sk-ant-api03-x");
    let line = format!("{}:1", named.path().display());
    assert_eq!(chosen(&named, ""), is("a", &line));
    let named = named.var("RATETOP_PROFILE", "b");
    assert_eq!(chosen(&named, ""), is("b", "variable RATETOP_PROFILE"));
    assert_eq!(chosen(&named, "--profile a"), is("a", "--profile"));
    assert_eq!(
        chosen(&Desk::with("[profiles.only]"), ""),
        is("only", "default")
    );
    assert_eq!(chosen(&Desk::with(""), ""), None);
    // An address without a key is no profile.
    let address = Desk::with("").var("ANTHROPIC_BASE_URL", "https://gw.example");
    assert_eq!(chosen(&address, ""), None);
}

#[tokio::test]
async fn a_named_profile_never_takes_another_key() {
    let desk = Desk::with(TWO)
        .var("ANTHROPIC_API_KEY", "sk-ant-api03-ambient")
        .var("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-ambient")
        .var("ANTHROPIC_BASE_URL", "not an address");
    let config = desk.load("--profile b").unwrap();
    let connection = config.chosen().unwrap().connect(&desk.env()).await.unwrap();
    assert_eq!(connection.base_url.as_str(), "https://b.example");
    assert!(connection.api_key.is_none() && connection.admin_key.is_none());
    // A key that cannot be had names its line.
    let config = desk.load("--profile a").unwrap();
    let error = config
        .chosen()
        .unwrap()
        .connect(&desk.env())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}:3: api_key of profile a: variable KEY_A is not set",
            desk.path().display()
        )
    );
    // Whoever means `env` hears about its address.
    assert!(
        desk.sentence("")
            .starts_with("variable ANTHROPIC_BASE_URL: The base URL cannot be read")
    );
}

#[rstest]
#[case("https://api.anthropic.com", "at https://api.anthropic.com")]
#[case("https://api.anthropic.com/", "at https://api.anthropic.com")]
#[case("http://127.0.0.1:4787", "simulator http://127.0.0.1:4787")]
#[case("http://[::1]:4787", "simulator http://[::1]:4787")]
#[case("http://localhost:4787", "simulator http://localhost:4787")]
#[case("https://gateway.example/anthropic", "none")]
#[case("https://api.anthropic.com.evil.example", "none")]
#[case("https://api.anthropic.com:8443", "none")]
fn an_admin_key_never_goes_to_a_gateway(#[case] base: &str, #[case] want: &str) {
    let desk = Desk::with(&format!("[profiles.p]\nbase_url = \"{base}\""));
    let config = desk.load("").unwrap();
    let got = match config.chosen().unwrap().admin_address() {
        AdminAddress::At(url) => format!("at {}", url.as_str()),
        AdminAddress::IfSimulator(url) => format!("simulator {}", url.as_str()),
        AdminAddress::None => "none".to_owned(),
    };
    assert_eq!(got, want);
}

#[cfg(unix)]
#[test]
fn a_literal_key_needs_a_file_that_others_cannot_read() {
    let text = "[profiles.p]\napi_key = \"sk-ant-api03-planted\"";
    for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        let desk = Desk::with(text);
        desk.mode(mode);
        let loaded = desk.load("");
        assert_eq!(loaded.is_ok(), fine, "{mode:o}");
        assert!(!format!("{loaded:?}").contains("planted"));
    }
    let desk = Desk::with(text);
    desk.mode(0o644);
    assert_eq!(
        desk.sentence(""),
        "config.toml:2: `api_key` is written into a file that others can read: run `chmod 600` on it, or write { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\", …] }"
    );
}
