use super::*;
use clap::CommandFactory;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn global_flags_work_before_and_after_a_command() {
    for line in ["ratetop --profile p call", "ratetop call --profile p"] {
        assert_eq!(parse(line).unwrap().global.profile.as_deref(), Some("p"));
    }
}

#[test]
fn form_flag_and_config_file_take_the_same_numbers_of_attempts() {
    use crate::{app::calls::form::Field, cli::config::Config, domain::call::ATTEMPTS_MAX};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    for n in [0, 1, ATTEMPTS_MAX, ATTEMPTS_MAX + 1, 100] {
        let form = Field::Attempts.problem(&n.to_string()).is_none();
        let flag = parse(&format!("ratetop call --attempts {n}")).is_ok();
        let text = format!(
            "[profiles.p]\napi_key = {{ env = \"K\" }}\n[profiles.p.call]\nattempts = {n}\n"
        );
        std::fs::write(&path, text).unwrap();
        let global = Global {
            config: Some(path.clone()),
            ..Global::default()
        };
        let config = Config::load(&global, &[("K", "k")].into_iter().collect()).is_ok();
        let right = (1..=ATTEMPTS_MAX).contains(&n);
        assert_eq!([form, flag, config], [right; 3], "{n} attempts");
    }
    let help = Cli::command()
        .find_subcommand_mut("call")
        .unwrap()
        .render_help();
    let said = format!("{ATTEMPTS_MAX} at most");
    assert!(help.to_string().contains(&said), "{help}");
    let example = include_str!("../../../config.example.toml");
    assert!(example.contains(&said));
}

#[test]
fn optional_values_have_their_defaults() {
    let status = |line: &str| match parse(line).unwrap().command {
        Some(Command::Status(status)) => status,
        other => panic!("{other:?}"),
    };
    let watch = status("ratetop status --watch --json").watch.unwrap();
    assert_eq!(watch.as_secs(), 10);
    let template = status("ratetop status --line").line;
    assert_eq!(template.as_deref(), Some(crate::report::line::DEFAULT));
    assert_eq!(
        status("ratetop status --line {percent}").line.unwrap(),
        "{percent}"
    );
}

#[test]
fn nonsense_is_refused() {
    for line in [
        "ratetop call --max-tokens 0",
        "ratetop call --rate -1",
        "ratetop call --rate 0",
        "ratetop call --workers many",
        "ratetop call --steps 4",
        "ratetop call --retry-budget -1",
        "ratetop call --max-spend nan",
        "ratetop status --fail-under 101",
        "ratetop status --watch 0s",
        "ratetop tap --allow-remote",
        "ratetop exec",
        "ratetop --theme drak",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}
