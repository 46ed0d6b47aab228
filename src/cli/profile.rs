//! One profile: an address, keys, and how to use them.

use super::{
    environment::Environment,
    error::ConfigError,
    key::KeySource,
    section::{Origin, Sourced},
};
use crate::{
    api::connection::{AuthStyle, Version},
    app::event::{FormDefaults, ProfileCard, Thresholds},
    domain::{
        id::{ModelId, WorkspaceId},
        retry::Policy,
        spend::Spend,
    },
    net::base::Base,
};
use secrecy::SecretString;
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// Cheapest of the current models (pricing page).
const DEFAULT_MODEL: &str = "claude-haiku-5-5";

/// What the profile `env` is made of.
const VARIABLES: [&str; 3] = [
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_ADMIN_KEY",
];

/// Where limits are asked for. An Admin key never goes to a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminAddress {
    /// Named by the profile, or the API itself.
    At(Base),
    /// Only if the base URL (on loopback) turns out to be a simulator, to be asked at run time
    /// without a key.
    IfSimulator(Base),
    /// Nowhere: headers only.
    None,
}

/// Automatic one-token probes. Off while `models` is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Probes {
    /// One model of each pool to probe.
    pub models: Sourced<Vec<ModelId>>,
    /// Seconds between two probes of one model, at least 30.
    pub interval_s: Sourced<f64>,
    /// What automatic probes may cost in a UTC day, USD.
    pub day_usd: Sourced<f64>,
}

/// The tap that runs beside the screen. Off without `listen`.
#[derive(Clone, Debug, PartialEq)]
pub struct TapSettings {
    /// Where it listens.
    pub listen: Option<Sourced<SocketAddr>>,
    /// Whether that may be reached from other machines.
    pub allow_remote: Sourced<bool>,
    /// The file with the token that clients must know then, or always where it is given.
    pub token_file: Option<Sourced<PathBuf>>,
    /// Whether a tap speaks HTTP/2 to this profile's address.
    pub http2: Sourced<bool>,
}

/// What a test call starts with.
#[derive(Clone, Debug, PartialEq)]
pub struct CallDefaults {
    /// A model id.
    pub model: Sourced<String>,
    /// The prompt.
    pub prompt: Sourced<String>,
    /// `max_tokens`.
    pub max_tokens: Sourced<u32>,
    /// Whether to stream.
    pub stream: Sourced<bool>,
    /// The policy.
    pub policy: Sourced<Policy>,
    /// Attempts; none means the policy's own number.
    pub attempts: Option<Sourced<u32>>,
}

/// One profile, as configured. Nothing is fetched yet.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name in the config file, or `env`.
    pub name: Arc<str>,
    /// Where it begins.
    pub from: Origin,
    /// Base URL without `/v1`.
    pub base_url: Sourced<Base>,
    /// Base URL of the Admin API, where named.
    pub admin_base_url: Option<Sourced<Base>>,
    /// Of a demo: how a call meets what its world is about.
    pub meet: Option<Arc<str>>,
    /// The API key.
    pub api_key: Option<Sourced<KeySource>>,
    /// The Admin key.
    pub admin_key: Option<Sourced<KeySource>>,
    /// Its workspace.
    pub workspace: Option<Sourced<WorkspaceId>>,
    /// `anthropic-version`.
    pub anthropic_version: Sourced<Version>,
    /// How the key travels.
    pub auth: Sourced<AuthStyle>,
    /// Whether a key may travel in the clear beyond this machine.
    pub allow_plain_http: Sourced<bool>,
    /// Seconds between two polls of limits.
    pub limits_interval_s: Sourced<f64>,
    /// Automatic probes.
    pub probes: Probes,
    /// The tap beside the screen.
    pub tap: TapSettings,
    /// Below: tight, percent left.
    pub tight: Sourced<f64>,
    /// Below: critical, percent left.
    pub critical: Sourced<f64>,
    /// What a test call starts with.
    pub call: CallDefaults,
    /// Retry policies to choose from: built in, and of the config file.
    pub policies: Arc<[Policy]>,
    /// Cap of a session, USD.
    pub session_usd: Sourced<f64>,
    /// Cap of a UTC day, USD.
    pub day_usd: Sourced<f64>,
}

/// A profile with its keys fetched: all that a connection needs.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Base URL without `/v1`.
    pub base_url: Base,
    /// Where limits are asked for.
    pub admin: AdminAddress,
    /// The API key.
    pub api_key: Option<SecretString>,
    /// The Admin key; none when there is no Admin address to send it to.
    pub admin_key: Option<SecretString>,
    /// `anthropic-version`.
    pub anthropic_version: Version,
    /// How keys travel.
    pub auth: AuthStyle,
}

impl Profile {
    /// A profile that has nothing but defaults.
    pub fn bare(name: &str, from: Origin) -> Self {
        Self {
            name: name.into(),
            from,
            base_url: Sourced::default(Base::api()),
            admin_base_url: None,
            meet: None,
            api_key: None,
            admin_key: None,
            workspace: None,
            anthropic_version: Sourced::default(Version::default()),
            auth: Sourced::default(AuthStyle::default()),
            allow_plain_http: Sourced::default(false),
            limits_interval_s: Sourced::default(600.0),
            probes: Probes {
                models: Sourced::default(Vec::new()),
                interval_s: Sourced::default(60.0),
                day_usd: Sourced::default(0.1),
            },
            tap: TapSettings {
                listen: None,
                allow_remote: Sourced::default(false),
                token_file: None,
                http2: Sourced::default(false),
            },
            tight: Sourced::default(25.0),
            critical: Sourced::default(10.0),
            call: CallDefaults {
                model: Sourced::default(DEFAULT_MODEL.to_owned()),
                prompt: Sourced::default("Say hello.".to_owned()),
                max_tokens: Sourced::default(256),
                stream: Sourced::default(true),
                policy: Sourced::default(Policy::HintJitter),
                attempts: None,
            },
            policies: Policy::ALL.into(),
            session_usd: Sourced::default(0.5),
            day_usd: Sourced::default(1.0),
        }
    }

    /// A profile that points at a simulator of this process, with the simulator's own keys, and a tap on
    /// a free port before it.
    pub fn simulated(name: &str, address: SocketAddr, api_key: &str, admin_key: &str) -> Self {
        let key = |key: &str| {
            Some(Sourced::default(KeySource::Literal(SecretString::from(
                key,
            ))))
        };
        let mut profile = Self::bare(name, Origin::Default);
        profile.base_url = Sourced::default(Base::of_address(address));
        profile.api_key = key(api_key);
        profile.admin_key = key(admin_key);
        // Not the tap's usual port: a program that is set to that one means the real API.
        profile.tap.listen = Some(Sourced::default(SocketAddr::from(([127, 0, 0, 1], 0))));
        profile
    }

    /// The profile `env`: `ANTHROPIC_BASE_URL`, `ANTHROPIC_API_KEY`, `ANTHROPIC_ADMIN_KEY`.
    /// None when neither key is set.
    pub fn of_environment(env: &Environment) -> Result<Option<Self>, ConfigError> {
        let key = |name: &str| {
            env.get(name).map(|_| Sourced {
                value: KeySource::Variable(name.to_owned()),
                from: Origin::Variable(name.to_owned()),
            })
        };
        let (api_key, admin_key) = (key("ANTHROPIC_API_KEY"), key("ANTHROPIC_ADMIN_KEY"));
        let Some(first) = api_key.as_ref().or(admin_key.as_ref()) else {
            return Ok(None);
        };
        let mut profile = Self::bare("env", first.from.clone());
        if let Some(url) = env.get("ANTHROPIC_BASE_URL") {
            profile.base_url = Sourced {
                value: url.to_owned(),
                from: Origin::Variable("ANTHROPIC_BASE_URL".to_owned()),
            }
            .try_map(|url| Base::parse(&url))?;
        }
        profile.api_key = api_key;
        profile.admin_key = admin_key;
        profile.refuse_plain_http()?;
        Ok(Some(profile))
    }

    /// Variables of the profile `env` that are set and that this profile does not take.
    pub fn leaves_out(&self, env: &Environment) -> Vec<&'static str> {
        let takes = |name: &str| {
            let keys = [&self.api_key, &self.admin_key].into_iter().flatten();
            let is_named =
                |key: &KeySource| matches!(key, KeySource::Variable(known) if known == name);
            matches!(self.from, Origin::Variable(_)) || keys.map(|key| &key.value).any(is_named)
        };
        VARIABLES
            .into_iter()
            .filter(|name| env.get(name).is_some() && !takes(name))
            .collect()
    }

    /// No key travels in the clear beyond this machine unless the profile says so.
    pub(super) fn refuse_plain_http(&self) -> Result<(), ConfigError> {
        if self.allow_plain_http.value {
            return Ok(());
        }
        let base = self.api_key.as_ref().map(|_| &self.base_url);
        let admin = self.admin_key.as_ref().and(self.admin_base_url.as_ref());
        for url in base.into_iter().chain(admin) {
            if url.value.is_plain_http() && !url.value.is_loopback() {
                return Err(url.from.error(format_args!(
                    "profile {} would send a key over plain http to {}: use https, or set `allow_plain_http = true` in the profile",
                    self.name,
                    url.value.host_and_port()
                )));
            }
        }
        Ok(())
    }

    /// Where limits are asked for.
    pub fn admin_address(&self) -> AdminAddress {
        let base = &self.base_url.value;
        match &self.admin_base_url {
            Some(url) => AdminAddress::At(url.value.clone()),
            None if base.is_api() => AdminAddress::At(base.clone()),
            None if base.is_loopback() => AdminAddress::IfSimulator(base.clone()),
            None => AdminAddress::None,
        }
    }

    /// Fetches the keys. One sentence with the place when one cannot be had.
    pub async fn connect(&self, env: &Environment) -> Result<Connection, ConfigError> {
        let admin = self.admin_address();
        let admin_key = match admin {
            AdminAddress::None => None,
            _ => {
                self.fetch("admin_key", self.admin_key.as_ref(), env)
                    .await?
            }
        };
        Ok(Connection {
            base_url: self.base_url.value.clone(),
            admin,
            api_key: self.fetch("api_key", self.api_key.as_ref(), env).await?,
            admin_key,
            anthropic_version: self.anthropic_version.value,
            auth: self.auth.value,
        })
    }

    /// Fetches one of its keys.
    pub async fn fetch(
        &self,
        which: &str,
        key: Option<&Sourced<KeySource>>,
        env: &Environment,
    ) -> Result<Option<SecretString>, ConfigError> {
        let Some(key) = key else { return Ok(None) };
        key.value.fetch(env).await.map(Some).map_err(|why| {
            let name = &self.name;
            key.from
                .error(format_args!("{which} of profile {name}: {why}"))
        })
    }

    /// Nothing spent yet, with the profile's caps.
    pub fn spend(&self) -> Spend {
        Spend {
            session_cap_usd: Some(self.session_usd.value),
            day_cap_usd: Some(self.day_usd.value),
            ..Spend::default()
        }
    }

    /// What the app may know. `spend` is what the ledger says.
    pub fn card(&self, siblings: &[Arc<str>], spend: Spend) -> ProfileCard {
        let cannot_call_because = self.api_key.is_none().then(|| {
            format!(
                "profile {} has no api_key: set one in its section of the config file",
                self.name
            )
        });
        ProfileCard {
            name: Arc::clone(&self.name),
            host: self.base_url.value.short(),
            can_call: self.api_key.is_some(),
            cannot_call_because,
            tap: None,
            attached: None,
            chaos: None,
            meet: self.meet.clone(),
            can_poll: self.admin_key.is_some() && self.admin_address() != AdminAddress::None,
            workspace: self.workspace.as_ref().map(|id| id.value.clone()),
            thresholds: Thresholds {
                tight_percent: self.tight.value,
                critical_percent: self.critical.value,
            },
            form: self.form(),
            spend,
            siblings: siblings.to_vec(),
        }
    }

    /// What the form of tab 2 starts with.
    pub fn form(&self) -> FormDefaults {
        FormDefaults {
            model: self.call.model.value.clone(),
            prompt: self.call.prompt.value.clone(),
            max_tokens: self.call.max_tokens.value,
            stream: self.call.stream.value,
            policy: self.call.policy.value,
            attempts: self.call.attempts.as_ref().map(|n| n.value),
            policies: Arc::clone(&self.policies),
        }
    }
}
