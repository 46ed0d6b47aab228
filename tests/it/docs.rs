//! What the README says is true: commands parse, tables are the code's own, files exist.
//!
//! After a change of keys or scenarios: `RATETOP_WRITE_README=1 cargo test --test it docs`.
#![expect(clippy::expect_used, reason = "a test may fail loudly")]

use clap::{CommandFactory, Parser};
use ratetop::app::command::readme_table;
use ratetop::cli::{
    args::{Cli, Global},
    config::Config,
    environment::Environment,
    exits,
};
use ratetop::domain::retry::Policy;
use ratetop::sim::scenario::Scenario;
use ratetop::tap::chaos::plan::Plan;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices(&format!("```{language}\n")) {
        let inside = &text[at + mark.len()..];
        let end = inside.find("```").expect("a fence that closes");
        found.push(inside[..end].to_owned());
    }
    found
}

/// First cells of the table rows whose header's first cell is `head`, without backticks.
fn first_cells(text: &str, head: &str) -> Vec<String> {
    text.lines()
        .skip_while(|line| !line.starts_with(&format!("| {head} |")))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cell = line.split('|').nth(1).unwrap_or_default().trim();
            let cell = cell.split(" (").next().unwrap_or_default();
            cell.trim_matches('`').to_owned()
        })
        .collect()
}

/// The part between `<!-- name: … -->` and `<!-- /name -->` is `expected`; with RATETOP_WRITE_README
/// it is made so.
fn compare(name: &str, expected: &str) {
    let readme = read("README.md");
    let open = readme.find(&format!("<!-- {name}:")).expect("its opening");
    let start = open + readme[open..].find("-->\n").expect("an end of comment") + 4;
    let end = readme.find(&format!("<!-- /{name} -->")).expect("its end");
    if std::env::var_os("RATETOP_WRITE_README").is_some() {
        let new = format!("{}{expected}{}", &readme[..start], &readme[end..]);
        fs::write(root().join("README.md"), new).unwrap();
        return;
    }
    assert!(
        &readme[start..end] == expected,
        "README's table of {name} is old; RATETOP_WRITE_README=1 cargo test --test it docs -- --test-threads 1\n{expected}"
    );
}

fn scenario_table() -> String {
    let mut table = String::from("| scenario | shows |\n| --- | --- |\n");
    for name in Scenario::names() {
        let world = Scenario::named(name).unwrap();
        let about = world.about.replace('|', "\\|");
        let _ = writeln!(table, "| `{name}` | {about} |");
    }
    table
}

fn chaos_table() -> String {
    let mut table = String::from("| chaos | does |\n| --- | --- |\n");
    for name in Plan::names() {
        let plan = Plan::named(name).unwrap();
        let _ = writeln!(table, "| `{name}` | {} |", plan.about.replace('|', "\\|"));
    }
    table
}

#[test]
fn the_tables_of_keys_scenarios_and_chaos_are_the_codes_own() {
    compare("keys", &readme_table());
    compare("scenarios", &scenario_table());
    compare("chaos", &chaos_table());
}

#[test]
fn help_names_every_built_in_chaos() {
    let mut cli = Cli::command();
    let help = cli.find_subcommand_mut("tap").unwrap().render_long_help();
    let help = help.to_string();
    let words: Vec<&str> = help.split_whitespace().collect();
    for name in Plan::names() {
        let is = |word: &&str| word.trim_end_matches(['.', ',']) == name;
        assert!(words.iter().any(is), "{name}");
    }
}

#[test]
fn every_command_of_the_readme_parses() {
    let readme = read("README.md");
    let mut seen = 0;
    for block in blocks(&readme, "sh") {
        for line in block.lines() {
            let line = line.split(" #").next().unwrap_or_default().trim();
            let Some(words) = words(line) else { continue };
            Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{line}\n{error}"));
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen} commands");
}

/// The arguments of a `ratetop …` or `cargo run … -- …` line.
fn words(line: &str) -> Option<Vec<String>> {
    let rest = line
        .strip_prefix("ratetop")
        .or_else(|| line.strip_prefix("cargo run --release --"))?;
    let mut words = vec!["ratetop".to_owned()];
    for (n, part) in rest.split('"').enumerate() {
        if n % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    Some(words)
}

#[test]
fn every_subcommand_is_in_the_readme() {
    let readme = read("README.md");
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        if name != "help" && !command.is_hide_set() {
            assert!(readme.contains(&format!("ratetop {name}")), "{name}");
        }
    }
}

#[test]
fn snippets_of_the_config_file_are_accepted() {
    let env = Environment::from_iter([("PROD_API_KEY", "sk-ant-api03-x")]);
    let mut seen = 0;
    for text in blocks(&read("README.md"), "toml")
        .into_iter()
        .chain([read("config.example.toml")])
    {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        fs::write(&file, &text).unwrap();
        let global = Global {
            config: Some(file),
            ..Global::default()
        };
        let config = Config::load(&global, &env).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(config.chosen().is_some());
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn links_lead_to_files() {
    for file in ["README.md", "CHANGELOG.md"] {
        for (at, mark) in read(file).match_indices("](") {
            let text = read(file);
            let target = text[at + mark.len()..]
                .split(')')
                .next()
                .unwrap_or_default();
            if !target.starts_with("http") && !target.starts_with('#') {
                assert!(root().join(target).exists(), "{file} links to {target}");
            }
        }
    }
}

#[test]
fn policies_and_exit_codes_are_complete() {
    let readme = read("README.md");
    let policies = Policy::ALL.iter().map(|policy| policy.name());
    assert_eq!(first_cells(&readme, "policy"), policies.collect::<Vec<_>>());
    let codes = [
        exits::FINE,
        exits::FAILURE,
        exits::USAGE,
        exits::BELOW,
        exits::KEY_REFUSED,
        exits::UNREACHABLE,
        exits::CANNOT_TELL,
    ];
    assert_eq!(
        first_cells(&readme, "exit code"),
        codes.map(|code| code.to_string())
    );
    for row in readme.lines().filter(|line| line.starts_with("| `")) {
        for policy in Policy::ALL {
            if row.starts_with(&format!("| `{}`", policy.name())) {
                let attempts = row.trim_end_matches(" |").rsplit("| ").next();
                assert_eq!(attempts, Some(policy.attempts().to_string().as_str()));
            }
        }
    }
}

#[test]
fn the_check_runs_the_readmes_test_command() {
    assert!(blocks(&read("README.md"), "sh")[0].contains("\ncargo test\n"));
    assert!(read(".ci/run").contains("cargo test"));
}

#[test]
fn the_changelog_knows_this_version() {
    let version = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    let changelog = read("CHANGELOG.md");
    assert!(changelog.contains(&version) || changelog.contains("## [Unreleased]"));
}
