//! `config check`: every value with the place it came from. Keys are fetched and never shown.

use super::{
    config::Config,
    environment::Environment,
    error::ConfigError,
    key::{KeySource, prefix},
    profile::{AdminAddress, Profile},
    section::{Origin, Sourced},
};
use crate::domain::{clean::clean, id::ModelId};
use std::fmt::Display;

/// What `config check` prints for the profile that is meant.
pub async fn report(config: &Config, env: &Environment) -> Result<String, ConfigError> {
    let mut rows = Rows::default();
    let path = config.path.value.display();
    let file = if config.exists {
        path.to_string()
    } else {
        format!("none ({path} does not exist)")
    };
    rows.put("config file", file, &config.path.from);
    let theme = config.look.theme.as_ref();
    rows.put(
        "ui.theme",
        theme.map_or("as the terminal", |theme| theme.value.as_str()),
        theme.map_or(&Origin::Default, |theme| &theme.from),
    );
    rows.sourced("ui.mouse", &config.look.mouse);
    rows.sourced("ui.ascii", &config.look.ascii);
    let Some((profile, chosen)) = config.chosen().zip(config.chosen.as_ref()) else {
        let advice = "no profile: `ratetop config init` writes one, or set ANTHROPIC_API_KEY; \
                      `ratetop demo` needs neither\n";
        return Ok(rows.text() + advice);
    };
    rows.put("profile", &profile.name, &chosen.from);
    of_profile(&mut rows, profile, env).await?;
    let others: Vec<String> = config
        .profiles
        .iter()
        .filter(|other| other.name != profile.name)
        .map(|other| format!("{} ({})", other.name, other.from))
        .collect();
    let mut text = rows.text();
    let left_out = profile.leaves_out(env);
    if !left_out.is_empty() {
        let has_env = config.profiles.iter().any(|known| &*known.name == "env");
        let advice = if has_env {
            "; `--profile env` goes by them"
        } else {
            ""
        };
        let names = left_out.join(", ");
        let line = format!("not used by profile {}: {names}{advice}\n", profile.name);
        text += &line;
    }
    if !others.is_empty() {
        text += "other profiles: ";
        text += &others.join(", ");
        text.push('\n');
    }
    Ok(text)
}

async fn of_profile(
    rows: &mut Rows,
    profile: &Profile,
    env: &Environment,
) -> Result<(), ConfigError> {
    rows.put(
        "base_url",
        profile.base_url.value.as_str(),
        &profile.base_url.from,
    );
    let inherited = match profile.admin_address() {
        AdminAddress::At(url) => url.as_str().to_owned(),
        AdminAddress::IfSimulator(_) => "base_url, if that is a simulator".to_owned(),
        AdminAddress::None => {
            "none: base_url is not the API itself, so no Admin key goes there".to_owned()
        }
    };
    let named = profile.admin_base_url.as_ref().map(|url| &url.from);
    rows.put(
        "admin_base_url",
        inherited,
        named.unwrap_or(&Origin::Default),
    );
    for (which, key) in [
        ("api_key", &profile.api_key),
        ("admin_key", &profile.admin_key),
    ] {
        let Some(source) = key else {
            rows.put(which, "not set", &Origin::Default);
            continue;
        };
        let fetched = profile.fetch(which, key.as_ref(), env).await?;
        let mut text = format!("set, from {}", source.value.describe());
        if let Some(prefix) = fetched.as_ref().and_then(prefix) {
            text += ", prefix ";
            text += &prefix;
        }
        if let KeySource::File(path) = &source.value
            && std::fs::metadata(path).is_ok_and(|about| super::config::others_can_read(&about))
        {
            text += " (others can read that file)";
        }
        rows.put(which, text, &source.from);
    }
    match &profile.workspace {
        Some(workspace) => rows.sourced("workspace", workspace),
        None => rows.put("workspace", "not set", &Origin::Default),
    }
    let version = &profile.anthropic_version;
    rows.put("anthropic_version", version.value.as_str(), &version.from);
    rows.put("auth", profile.auth.value.name(), &profile.auth.from);
    rows.sourced("allow_plain_http", &profile.allow_plain_http);
    rows.seconds("limits_interval", &profile.limits_interval_s);
    let models: Vec<&str> = profile
        .probes
        .models
        .value
        .iter()
        .map(ModelId::as_str)
        .collect();
    let models = if models.is_empty() {
        "none: automatic probes are off".to_owned()
    } else {
        models.join(", ")
    };
    rows.put("probes.models", models, &profile.probes.models.from);
    rows.seconds("probes.interval", &profile.probes.interval_s);
    rows.sourced("probes.day_usd", &profile.probes.day_usd);
    match &profile.tap.listen {
        Some(listen) => rows.sourced("tap.listen", listen),
        None => rows.put(
            "tap.listen",
            "not set: no tap beside the screen",
            &Origin::Default,
        ),
    }
    rows.sourced("tap.allow_remote", &profile.tap.allow_remote);
    match &profile.tap.token_file {
        Some(file) => {
            super::token::read(&file.value, "tap.token_file")?;
            rows.put("tap.token_file", file.value.display(), &file.from);
        }
        None => rows.put("tap.token_file", "not set", &Origin::Default),
    }
    rows.sourced("tap.http2", &profile.tap.http2);
    rows.sourced("thresholds.tight", &profile.tight);
    rows.sourced("thresholds.critical", &profile.critical);
    rows.sourced("call.model", &profile.call.model);
    rows.sourced("call.prompt", &profile.call.prompt);
    rows.sourced("call.max_tokens", &profile.call.max_tokens);
    rows.sourced("call.stream", &profile.call.stream);
    let policy = profile.call.policy.value;
    rows.put("call.policy", policy.name(), &profile.call.policy.from);
    match &profile.call.attempts {
        Some(attempts) => rows.sourced("call.attempts", attempts),
        None => rows.put("call.attempts", policy.attempts(), &Origin::Default),
    }
    rows.sourced("spend.session_usd", &profile.session_usd);
    rows.sourced("spend.day_usd", &profile.day_usd);
    Ok(())
}

#[derive(Default)]
struct Rows(Vec<[String; 3]>);

impl Rows {
    fn put(&mut self, key: &str, value: impl Display, from: &Origin) {
        let value = clean(&value.to_string(), 300);
        self.0.push([key.to_owned(), value, from.to_string()]);
    }

    fn sourced(&mut self, key: &str, value: &Sourced<impl Display>) {
        self.put(key, &value.value, &value.from);
    }

    fn seconds(&mut self, key: &str, value: &Sourced<f64>) {
        let span = std::time::Duration::from_secs_f64(value.value);
        self.put(key, humantime::format_duration(span), &value.from);
    }

    fn text(&self) -> String {
        let rows: Vec<Vec<String>> = self.0.iter().map(|row| row.to_vec()).collect();
        crate::report::table::aligned(&rows, &[])
    }
}
