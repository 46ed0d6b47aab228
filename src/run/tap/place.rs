//! Where a tap leads.

use crate::{
    cli::{
        args::Global, config::Config, environment::Environment, error::ConfigError,
        profile::Profile, section::Origin,
    },
    net::base::{API, Base},
};
use std::net::{IpAddr, SocketAddr};

/// The variable that programs take their base URL from.
pub const VARIABLE: &str = "ANTHROPIC_BASE_URL";

/// What was configured, before it is known where the tap itself listens.
pub struct Place {
    base: Base,
    from: Origin,
    allow_plain_http: bool,
    profile: Option<Box<Profile>>,
}

/// Who wins where a profile and the variable name different addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// The profile.
    Profile,
    /// The variable, unless somebody asked for a profile: the command that gets a tap would have gone
    /// there.
    Variable,
}

impl Place {
    /// `--upstream`, then profile and variable as preferred, then the API itself.
    pub fn find(
        upstream: Option<&str>,
        global: &Global,
        env: &Environment,
        prefer: Prefer,
    ) -> Result<Self, ConfigError> {
        let config = Config::load(global, env);
        let asked_for = global.config.is_some()
            || global.profile.is_some()
            || env.get("RATETOP_PROFILE").is_some();
        let variable = env.get(VARIABLE);
        let named = upstream.map(|url| (url, Origin::Flag("--upstream"))).or(
            match (variable, prefer, asked_for) {
                (Some(url), Prefer::Variable, false) => Some((url, variable_origin())),
                _ => None,
            },
        );
        if let Some((url, from)) = named {
            // Of a file that nobody asked for only a permission is taken.
            let config = if asked_for {
                Some(config?)
            } else {
                config.ok()
            };
            let profile = config.as_ref().and_then(Config::chosen);
            return Self::at(url, from, profile);
        }
        let config = config?;
        match (config.chosen(), variable) {
            (Some(profile), _) => Ok(Self::of(profile)),
            (None, Some(url)) => Self::at(url, variable_origin(), None),
            (None, None) => Self::at(API, Origin::Default, None),
        }
    }

    /// Where a profile leads.
    pub fn of(profile: &Profile) -> Self {
        Self {
            base: profile.base_url.value.clone(),
            from: profile.base_url.from.clone(),
            allow_plain_http: profile.allow_plain_http.value,
            profile: Some(Box::new(profile.clone())),
        }
    }

    fn at(url: &str, from: Origin, profile: Option<&Profile>) -> Result<Self, ConfigError> {
        let base = Base::parse(url).map_err(|why| from.error(why))?;
        let allow_plain_http = profile.is_some_and(|profile| profile.allow_plain_http.value);
        let profile = profile.filter(|profile| profile.base_url.value == base);
        Ok(Self {
            profile: profile.cloned().map(Box::new),
            base,
            from,
            allow_plain_http,
        })
    }

    /// Whether the profile that leads there wants HTTP/2.
    pub fn is_http2(&self) -> bool {
        self.profile()
            .is_some_and(|profile| profile.tap.http2.value)
    }

    /// The profile that leads there, if one was meant: its limits are those of the traffic.
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_deref()
    }

    /// The address behind a tap at `own`, beside `others` of this program, and whether it may be plain http beyond this machine. A
    /// variable that leads back to the tap is what the tap itself asked programs to set, so it means
    /// the API; anything else that does, or leads to another of them, is refused. `named` is the setting that
    /// leads elsewhere.
    pub fn behind(
        self,
        own: SocketAddr,
        others: &[SocketAddr],
        named: &str,
        env: &Environment,
        note: impl Fn(&str),
    ) -> Result<(Base, bool), ConfigError> {
        if let Some(other) = others.iter().find(|other| leads_to(&self.base, **other)) {
            return Err(self.from.error(format_args!(
                "upstream {} is another tap of this program, at {other}: name the API or a gateway with \
                 {named}",
                self.base.as_str()
            )));
        }
        if !leads_to(&self.base, own) {
            return Ok((self.base, self.allow_plain_http));
        }
        if env.get(VARIABLE).is_some() && self.from == variable_origin() {
            note(&format!(
                "{VARIABLE} leads to this tap itself, so it is passed over: upstream is {API}"
            ));
            let api = Base::api();
            return Ok((api, false));
        }
        Err(self.from.error(format_args!(
            "upstream {} is this tap itself: name the API or a gateway with {named}",
            self.base.as_str()
        )))
    }
}

fn variable_origin() -> Origin {
    Origin::Variable(VARIABLE.to_owned())
}

/// Whether requests to `base` come to a listener at `own`.
fn leads_to(base: &Base, own: SocketAddr) -> bool {
    if base.port() != own.port() {
        return false;
    }
    let ip = base.host().trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let here = base.is_loopback() || ip.is_some_and(|ip| ip.is_unspecified());
    if own.ip().is_unspecified() {
        // Every address of this machine; those of its own that are not loopback are not known.
        return here;
    }
    ip == Some(own.ip()) || here && own.ip().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use rstest::rstest;

    fn global() -> Global {
        let line = ["ratetop", "--config", "/dev/null"];
        crate::cli::args::Cli::try_parse_from(line).unwrap().global
    }

    #[rstest]
    #[case("http://127.0.0.1:4788", "127.0.0.1:4788", true)]
    #[case("http://localhost:4788/prefix", "127.0.0.1:4788", true)]
    #[case("http://[::1]:4788", "127.0.0.1:4788", true)]
    #[case("http://127.0.0.9:4788", "127.0.0.1:4788", true)]
    #[case("http://0.0.0.0:4788", "127.0.0.1:4788", true)]
    #[case("http://127.0.0.1:4788", "0.0.0.0:4788", true)]
    #[case("https://localhost:4788", "[::1]:4788", true)]
    #[case("http://10.0.0.5:4788", "10.0.0.5:4788", true)]
    #[case("http://127.0.0.1:4787", "127.0.0.1:4788", false)]
    #[case("https://api.anthropic.com", "127.0.0.1:443", false)]
    #[case("http://127.0.0.1:4788", "10.0.0.5:4788", false)]
    fn what_leads_back_is_known(#[case] url: &str, #[case] own: &str, #[case] back: bool) {
        let base = Base::parse(url).unwrap();
        assert_eq!(leads_to(&base, own.parse().unwrap()), back);
    }

    #[test]
    fn a_flag_that_leads_back_is_an_error_and_a_variable_means_the_api() {
        let own = "127.0.0.1:4788".parse().unwrap();
        let env = Environment::from_iter([(VARIABLE, "http://127.0.0.1:4788")]);
        let place = Place::find(None, &global(), &env, Prefer::Profile).unwrap();
        let behind = |place: Place| place.behind(own, &[], "--upstream", &env, |_| ());
        let (base, _) = behind(place).unwrap();
        assert!(base.is_api());
        let flag = Some("http://localhost:4788");
        let place = Place::find(flag, &global(), &env, Prefer::Profile).unwrap();
        let why = behind(place).unwrap_err().sentence;
        assert!(
            why.contains("--upstream: upstream http://localhost:4788 is this tap"),
            "{why}"
        );
    }

    #[test]
    fn a_profile_that_leads_to_another_tap_of_ours_is_refused() {
        let mut profile = Profile::bare("p", Origin::Default);
        profile.base_url.value = Base::parse("http://127.0.0.1:4790").unwrap();
        let other = "127.0.0.1:4790".parse().unwrap();
        let (own, env) = ("127.0.0.1:4788".parse().unwrap(), Environment::default());
        let place = Place::of(&profile);
        let why = place.behind(own, &[other], "base_url", &env, |_| ());
        let why = why.unwrap_err().sentence;
        assert!(why.contains("another tap of this program"), "{why}");
        assert!(why.ends_with("with base_url"), "{why}");
    }

    #[test]
    fn the_flag_wins_then_the_profile_or_the_variable_then_the_api() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, "[profiles.p]\nbase_url = \"https://p.example\"\n").unwrap();
        let shown = file.display().to_string();
        let none = Environment::default();
        let file_only = Environment::from_iter([("RATETOP_CONFIG", shown.as_str())]);
        let both = Environment::from_iter([
            ("RATETOP_CONFIG", shown.as_str()),
            (VARIABLE, "https://v.example"),
        ]);
        let line = |line: &str| {
            let words = std::iter::once("ratetop").chain(line.split_whitespace());
            crate::cli::args::Cli::try_parse_from(words).unwrap().global
        };
        let (bare, named) = (line(""), line("--profile p"));
        for (flag, global, env, prefer, want) in [
            (None, &global(), &none, Prefer::Profile, API),
            (
                None,
                &bare,
                &file_only,
                Prefer::Profile,
                "https://p.example",
            ),
            (None, &bare, &both, Prefer::Profile, "https://p.example"),
            (None, &bare, &both, Prefer::Variable, "https://v.example"),
            (None, &named, &both, Prefer::Variable, "https://p.example"),
            (
                Some("https://f.example"),
                &named,
                &both,
                Prefer::Variable,
                "https://f.example",
            ),
        ] {
            let place = Place::find(flag, global, env, prefer).unwrap();
            assert_eq!(place.base.as_str(), want);
        }
    }
}
