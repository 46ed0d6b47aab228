//! Reading `[profiles.NAME]` of the config file.

use super::{
    environment::{Environment, expand},
    error::{ConfigError, hint},
    key::KeySource,
    policies::find,
    profile::{Profile, TapSettings},
    section::{Origin, Section, Sourced},
};
use crate::{
    api::connection::{AuthStyle, Version},
    domain::{
        call::ATTEMPTS_MAX,
        clean::clean,
        id::{ModelId, WorkspaceId},
        retry::Policy,
    },
    net::base::Base,
};
use secrecy::SecretString;
use std::{net::SocketAddr, path::Path, sync::Arc};

impl Profile {
    /// Reads `[profiles.NAME]`.
    pub fn read(
        name: &str,
        from: Origin,
        section: Section<'_>,
        policies: &Arc<[Policy]>,
        home: &KeyHome<'_>,
    ) -> Result<Self, ConfigError> {
        let mut profile = Self::bare(name, from);
        profile.policies = Arc::clone(policies);
        let at = &section;
        let url = |key: &str| {
            at.text(key)?
                .map(|text| text.try_map(|text| Base::parse(&text)))
                .transpose()
        };
        put(&mut profile.base_url, url("base_url")?);
        profile.admin_base_url = url("admin_base_url")?;
        profile.api_key = home.key(at, "api_key")?;
        profile.admin_key = home.key(at, "admin_key")?;
        profile.workspace = at
            .text("workspace")?
            .map(|text| text.try_map(|text| workspace(&text)))
            .transpose()?;
        put(
            &mut profile.anthropic_version,
            at.word("anthropic_version", &Version::ALL.map(Version::as_str))?
                .map(|word| word.map(|word| Version::named(word).unwrap_or_default())),
        );
        put(
            &mut profile.auth,
            at.word("auth", &AuthStyle::ALL.map(AuthStyle::name))?
                .map(|word| word.map(|word| AuthStyle::named(word).unwrap_or_default())),
        );
        put(
            &mut profile.allow_plain_http,
            at.boolean("allow_plain_http")?,
        );
        put(
            &mut profile.limits_interval_s,
            at.duration("limits_interval", 10)?,
        );
        if let Some(at) = at.section("probes")? {
            let models = at.list("models")?;
            put(
                &mut profile.probes.models,
                models.map(|list| list.map(|ids| ids.into_iter().map(ModelId::from).collect())),
            );
            put(&mut profile.probes.interval_s, at.duration("interval", 30)?);
            put(
                &mut profile.probes.day_usd,
                at.number("day_usd", 0.0..=1000.0)?,
            );
            at.finish()?;
        }
        if let Some(at) = at.section("tap")? {
            profile.tap.read(&at, home)?;
            at.finish()?;
        }
        if let Some(at) = at.section("thresholds")? {
            put(&mut profile.tight, at.number("tight", 0.0..=100.0)?);
            put(&mut profile.critical, at.number("critical", 0.0..=100.0)?);
            at.finish()?;
        }
        if let Some(at) = at.section("call")? {
            put(&mut profile.call.model, at.text("model")?);
            put(&mut profile.call.prompt, at.text("prompt")?);
            put(
                &mut profile.call.max_tokens,
                at.count("max_tokens", 1..=1_000_000)?,
            );
            put(&mut profile.call.stream, at.boolean("stream")?);
            let policy = at.text("policy")?.map(|text| {
                text.try_map(|text| {
                    find(policies, &text).map_err(|_| {
                        let names = policies.iter().map(|policy| policy.name());
                        format!(
                            "`policy` in [profiles.{name}.call] does not know \"{}\"{}",
                            clean(&text, 40),
                            hint(&text, names)
                        )
                    })
                })
            });
            put(&mut profile.call.policy, policy.transpose()?);
            profile.call.attempts = at.count("attempts", 1..=ATTEMPTS_MAX)?;
            at.finish()?;
        }
        if let Some(at) = at.section("spend")? {
            put(
                &mut profile.session_usd,
                at.number("session_usd", 0.0..=100_000.0)?,
            );
            put(&mut profile.day_usd, at.number("day_usd", 0.0..=100_000.0)?);
            at.finish()?;
        }
        section.finish()?;
        if profile.critical.value > profile.tight.value {
            return Err(profile.critical.from.error(format_args!(
                "`critical` ({}) must not be above `tight` ({})",
                profile.critical.value, profile.tight.value
            )));
        }
        // A simulator is on this machine; whether a loopback address is one is asked when it is used.
        let may_be_free = profile.base_url.value.is_loopback();
        if let Some(why) = profile.call.policy.value.refusal(may_be_free) {
            return Err(profile
                .call
                .policy
                .from
                .error(format_args!("`policy` in [profiles.{name}.call]: {why}")));
        }
        profile.refuse_plain_http()?;
        Ok(profile)
    }
}

impl TapSettings {
    /// Reads `[profiles.NAME.tap]`. Beyond this machine it takes a permission and a token.
    fn read(&mut self, at: &Section<'_>, home: &KeyHome<'_>) -> Result<(), ConfigError> {
        self.listen = at
            .text("listen")?
            .map(|text| {
                text.try_map(|text| {
                    text.parse::<SocketAddr>().map_err(|_| {
                        "`listen` must be an address with a port such as \"127.0.0.1:4788\""
                            .to_owned()
                    })
                })
            })
            .transpose()?;
        put(&mut self.allow_remote, at.boolean("allow_remote")?);
        put(&mut self.http2, at.boolean("http2")?);
        self.token_file = at
            .text("token_file")?
            .map(|it| it.map(|path| expand(&path, home.directory, home.env)));
        let Some(listen) = &self.listen else {
            return Ok(());
        };
        let guarded = self.allow_remote.value && self.token_file.is_some();
        if listen.value.ip().is_loopback() || guarded {
            return Ok(());
        }
        Err(listen.from.error(format_args!(
            "`tap.listen`: {} can be reached from other machines: set `allow_remote = true` and `token_file` \
             beside it, or listen on 127.0.0.1",
            listen.value
        )))
    }
}

fn put<T>(slot: &mut Sourced<T>, found: Option<Sourced<T>>) {
    if let Some(found) = found {
        *slot = found;
    }
}

/// How keys of one config file are read.
pub struct KeyHome<'a> {
    /// The file's directory: key files are relative to it.
    pub directory: &'a Path,
    /// Whether others may read the config file: then no literal key.
    pub open_to_others: bool,
    /// For `~`.
    pub env: &'a Environment,
}

impl KeyHome<'_> {
    /// Reads `{ env = "NAME" }`, `{ file = "PATH" }`, `{ command = ["…"] }` or a literal.
    fn key(
        &self,
        section: &Section<'_>,
        key: &str,
    ) -> Result<Option<Sourced<KeySource>>, ConfigError> {
        const WANT: &str =
            "{ env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\", …] }";
        let Some((value, from)) = section.raw(key) else {
            return Ok(None);
        };
        if let Some(text) = value.as_str() {
            if self.open_to_others {
                return Err(from.error(format_args!(
                    "`{key}` is written into a file that others can read: run `chmod 600` on it, or write {WANT}"
                )));
            }
            return Ok(Some(Sourced {
                value: KeySource::Literal(SecretString::from(text)),
                from,
            }));
        }
        if !value.is_table() {
            return Err(section.wrong(key, &from, WANT, value));
        }
        let Some(table) = section.section(key)? else {
            return Ok(None);
        };
        let env = table.text("env")?.map(|it| it.map(KeySource::Variable));
        let file = table
            .text("file")?
            .map(|it| it.map(|path| KeySource::File(expand(&path, self.directory, self.env))));
        let command = table.list("command")?.map(|it| it.map(KeySource::Command));
        table.finish()?;
        let mut found: Vec<_> = [env, file, command].into_iter().flatten().collect();
        match (found.pop(), found.is_empty()) {
            (
                Some(Sourced {
                    value: KeySource::Command(argv),
                    from,
                }),
                true,
            ) if argv.is_empty() => Err(from.error(format_args!("`{key}` has an empty command"))),
            (Some(one), true) => Ok(Some(one)),
            _ => Err(from.error(format_args!("`{key}` must be one of {WANT}"))),
        }
    }
}

fn workspace(text: &str) -> Result<WorkspaceId, String> {
    let plain = text.len() <= 100
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if plain && text.starts_with("wrkspc_") {
        Ok(WorkspaceId::from(text))
    } else {
        Err("`workspace` must be an id such as \"wrkspc_01AbC\" (leave it out for the default workspace)".to_owned())
    }
}
