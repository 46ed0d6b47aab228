//! The config file from outside: sentences, precedence, permissions, the example.

use super::{
    args::{Cli, ConfigAction},
    commands::{EXAMPLE, config as config_command},
    config::Config,
    environment::Environment,
    error::ConfigError,
    profile::AdminAddress,
    section::{Origin, Source},
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

#[rstest]
#[case(
    "thme = 1",
    "config.toml:1: unknown key `thme`; valid here: default_profile, ui, policies, profiles"
)]
#[case(
    "[ui]\nthme = \"dark\"",
    "config.toml:2: unknown key `thme` in [ui]; did you mean `theme`?"
)]
#[case(
    "[ui]\ntheme = \"drak\"",
    "config.toml:2: `theme` in [ui] does not know \"drak\"; did you mean `dark`?"
)]
#[case(
    "[profiles.p]\nbase_ulr = \"https://x\"",
    "config.toml:2: unknown key `base_ulr` in [profiles.p]; did you mean `base_url`?"
)]
#[case(
    "[profiles.p.probes]\ninterval = \"5s\"",
    "config.toml:2: `interval` in [profiles.p.probes] must be from 30s to 7d"
)]
#[case(
    "[profiles.p]\nlimits_interval = 10",
    "config.toml:2: `limits_interval` in [profiles.p] must be a duration such as \"90s\" or \"10m\", not an integer"
)]
#[case(
    "[profiles.p]\nlimits_interval = \"soon\"",
    "config.toml:2: `limits_interval` in [profiles.p] must be a duration such as \"90s\" or \"10m\""
)]
#[case(
    "\n\n[ui]\nmouse = \"yes\"",
    "config.toml:4: `mouse` in [ui] must be true or false, not a string"
)]
#[case(
    "[profiles.p]\nauth = \"barer\"",
    "config.toml:2: `auth` in [profiles.p] does not know \"barer\"; did you mean `bearer`?"
)]
#[case(
    "[profiles.p]\nanthropic_version = \"latest\"",
    "config.toml:2: `anthropic_version` in [profiles.p] does not know \"latest\"; valid here: 2023-06-01, 2026-10-21"
)]
#[case(
    "[profiles.p.call]\npolicy = \"hint-jiter\"",
    "config.toml:2: `policy` in [profiles.p.call] does not know \"hint-jiter\"; did you mean `hint-jitter`?"
)]
#[case(
    "[profiles.p.call]\npolicy = \"immediate\"",
    "config.toml:2: `policy` in [profiles.p.call]: immediate is for simulators only, anywhere else it would be an attack: choose another, such as hint-jitter"
)]
#[case(
    "[profiles.p.call]\nmax_tokens = 0",
    "config.toml:2: `max_tokens` in [profiles.p.call] must be from 1 to 1000000"
)]
#[case(
    "[profiles.p.call]\nmax_tokens = 1.5",
    "config.toml:2: `max_tokens` in [profiles.p.call] must be a whole number, not a float"
)]
#[case(
    "[profiles.p.spend]\nday_usd = -1",
    "config.toml:2: `day_usd` in [profiles.p.spend] must be from 0 to 100000"
)]
#[case(
    "[profiles.p.thresholds]\ntight = 5",
    "`critical` (10) must not be above `tight` (5)"
)]
#[case(
    "[profiles.p]\nbase_url = \"api.anthropic.com\"",
    "config.toml:2: The base URL cannot be read (relative URL without a base); write it as https://api.anthropic.com"
)]
#[case(
    "[profiles.p]\nbase_url = \"https://x/v1/\"",
    "config.toml:2: The base URL ends in /v1, which ratetop adds itself; write it as https://api.anthropic.com"
)]
#[case(
    "[profiles.p]\nbase_url = \"https://u:sk-ant-planted@x\"",
    "config.toml:2: The base URL carries a name or a password, which is no place for a key; write it as https://api.anthropic.com"
)]
#[case(
    "[profiles.p]\nworkspace = \"main\"",
    "config.toml:2: `workspace` must be an id such as \"wrkspc_01AbC\" (leave it out for the default workspace)"
)]
#[case(
    "[profiles.p]\napi_key = 5",
    "config.toml:2: `api_key` in [profiles.p] must be { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\", …] }, not an integer"
)]
#[case(
    "[profiles.p]\napi_key = { evn = \"X\" }",
    "config.toml:2: unknown key `evn` in [profiles.p.api_key]; did you mean `env`?"
)]
#[case(
    "[profiles.p]\napi_key = { env = \"X\", file = \"y\" }",
    "config.toml:2: `api_key` must be one of { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\", …] }"
)]
#[case(
    "[profiles.p]\napi_key = { command = [] }",
    "config.toml:2: `api_key` has an empty command"
)]
#[case(
    "[profiles.p]\napi_key = { command = \"pass show x\" }",
    "config.toml:2: `command` in [profiles.p.api_key] must be a list of texts, not a string"
)]
#[case(
    "[profiles.p]\nbase_url = \"http://10.0.0.5\"\napi_key = { env = \"X\" }",
    "config.toml:2: profile p would send a key over plain http to 10.0.0.5:80: use https, or set `allow_plain_http = true` in the profile"
)]
#[case(
    "[profiles.p.tap]\nlisten = \"4788\"",
    "config.toml:2: `listen` must be an address with a port such as \"127.0.0.1:4788\""
)]
#[case(
    "[profiles.p.tap]\nlisten = \"0.0.0.0:4788\"\nallow_remote = true",
    "config.toml:2: `tap.listen`: 0.0.0.0:4788 can be reached from other machines: set `allow_remote = true` and `token_file` beside it, or listen on 127.0.0.1"
)]
#[case(
    "[profiles.\"../x\"]",
    "config.toml:1: profile name `../x` must be 1 to 64 of a-z, A-Z, 0-9, `.`, `_`, `-`, not beginning with `.`"
)]
#[case(
    "[profiles.env]",
    "config.toml:1: profile name `env` is taken by ratetop itself"
)]
#[case(
    "profiles = 3",
    "config.toml:1: `profiles` must be a table, not an integer"
)]
#[case(
    "default_profile = \"p\"\n[profiles.prod]",
    "config.toml:1: no profile `p`; valid here: prod"
)]
#[case(
    "default_profile = \"prd\"\n[profiles.prod]",
    "config.toml:1: no profile `prd`; did you mean `prod`?"
)]
#[case(
    "[profiles.p]\n[profiles.p]",
    "config.toml:2: not valid TOML: duplicate key"
)]
#[case(
    "[ui]\nmouse = ",
    "config.toml:2: not valid TOML: string values must be quoted, expected literal string"
)]
fn a_bad_file_is_one_sentence_with_its_line(#[case] text: &str, #[case] sentence: &str) {
    assert_eq!(Desk::with(text).sentence(""), sentence);
}

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

#[test]
fn the_example_is_valid_as_it_is_and_with_everything_switched_on() {
    let config = Desk::with(EXAMPLE).load("").unwrap();
    let profile = config.chosen().unwrap();
    assert_eq!(profile.name.as_ref(), "prod");
    let bare = super::profile::Profile::bare("prod", Origin::Default);
    let mut form = profile.form();
    assert!(form.policies.len() > bare.form().policies.len());
    form.policies = bare.form().policies;
    assert_eq!(form, bare.form(), "the example shows the defaults");
    assert_eq!(profile.spend(), bare.spend());
    assert_eq!(profile.auth.value, AuthStyle::XApiKey);
    assert!((profile.limits_interval_s.value - bare.limits_interval_s.value).abs() < 0.1);

    let switched_on: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let desk = Desk::with(&switched_on);
    let source = Source::new(&desk.path(), switched_on);
    let mut config = Desk::with("").load("").unwrap();
    config.absorb(&source, false, &desk.env()).unwrap();
    // What only the second, short profile leaves out, and the other two ways to give a key, are
    // shown in prose.
    let missing: Vec<String> = source
        .absent()
        .into_iter()
        .filter(|key| !key.starts_with("[profiles.sim") && !key.contains("_key]"))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "keys that the example lacks");
}

/// A profile of the file is chosen, so the variables of `env` are not used, and `check` says so.
#[tokio::test]
async fn check_names_the_variables_that_a_chosen_profile_leaves_out() {
    let check = async |profile: &str| {
        let desk = Desk::with(
            "default_profile = \"p\"\n[profiles.p]\napi_key = { env = \"ANTHROPIC_API_KEY\" }",
        )
        .var("ANTHROPIC_API_KEY", "planted")
        .var("ANTHROPIC_ADMIN_KEY", "planted")
        .var("ANTHROPIC_BASE_URL", "https://gateway.example");
        let line = ["ratetop", "--profile", profile];
        let line = line
            .into_iter()
            .take(if profile.is_empty() { 1 } else { 3 });
        let global = Cli::try_parse_from(line).unwrap().global;
        config_command(ConfigAction::Check, &global, &desk.env())
            .await
            .unwrap()
    };
    let told = "not used by profile p: ANTHROPIC_BASE_URL, ANTHROPIC_ADMIN_KEY; `--profile env` goes by them\n";
    assert!(check("").await.contains(told));
    assert!(check("p").await.contains(told));
    assert!(!check("env").await.contains("not used"));
}

#[tokio::test]
async fn check_says_where_values_come_from_and_shows_no_key() {
    let desk = Desk::with(
        "[ui]\nascii = true\n[profiles.p]\napi_key = \"sk-ant-api03-planted\"\n\
         admin_key = { env = \"ADMIN\" }\n[profiles.p.call]\nmax_tokens = 9",
    )
    .var("ADMIN", "planted-without-prefix");
    let global = Cli::try_parse_from(["ratetop", "--profile", "p", "--max-spend", "0.2"])
        .unwrap()
        .global;
    let text = config_command(ConfigAction::Check, &global, &desk.env())
        .await
        .unwrap();
    let text = text.replace(&format!("{}/", desk.dir.path().display()), "");
    let row = |key: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        row("config file"),
        "config file config.toml variable RATETOP_CONFIG"
    );
    assert_eq!(row("ui.ascii"), "ui.ascii true config.toml:2");
    assert_eq!(row("profile "), "profile p --profile");
    assert_eq!(
        row("api_key"),
        "api_key set, from the config file itself, prefix sk-ant-api03 config.toml:4"
    );
    assert_eq!(
        row("admin_key"),
        "admin_key set, from variable ADMIN config.toml:5"
    );
    assert_eq!(row("call.max_tokens"), "call.max_tokens 9 config.toml:7");
    assert_eq!(row("limits_interval"), "limits_interval 10m default");
    assert_eq!(
        row("tap.listen"),
        "tap.listen not set: no tap beside the screen default"
    );
    assert_eq!(
        row("spend.session_usd"),
        "spend.session_usd 0.2 --max-spend"
    );
    assert!(!text.contains("planted"), "{text}");
}

#[tokio::test]
async fn init_writes_once_and_only_for_the_user() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/config.toml");
    let shown = path.display().to_string();
    let global = Cli::try_parse_from(["ratetop", "--config", &shown])
        .unwrap()
        .global;
    let env = Environment::default();
    let init = || config_command(ConfigAction::Init, &global, &env);
    assert_eq!(init().await.unwrap(), format!("wrote {shown}\n"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), EXAMPLE);
    let again = init().await.unwrap_err().to_string();
    assert!(
        again.contains("exists already and stays as it is"),
        "{again}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
}
