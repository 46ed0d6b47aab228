//! `config init` and `check`, and the example that `init` writes.

use super::{
    super::{
        args::ConfigAction,
        commands::{EXAMPLE, config as config_command},
        section::Source,
    },
    *,
};

#[test]
fn the_example_is_valid_as_it_is_and_with_everything_switched_on() {
    let config = Desk::with(EXAMPLE).load("").unwrap();
    let profile = config.chosen().unwrap();
    assert_eq!(profile.name.as_ref(), "prod");
    let bare = super::super::profile::Profile::bare("prod", Origin::Default);
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
