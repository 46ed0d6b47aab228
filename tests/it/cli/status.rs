//! `ratetop status`.

use super::home::{Home, Simulator, nowhere, valid};
use ratetop::sim::speak::ask::API_KEY;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

#[test]
fn status_has_limits_and_with_a_probe_live_levels() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let value = home.run("status --json").exits(0).json();
    assert_eq!(value["sources"]["limits"]["state"], "ok");
    assert_eq!(value["sources"]["headers"]["state"], "none");
    assert!(value["organization"]["name"].is_string());

    let value = home
        .run("status --json --probe claude-haiku-4-5")
        .exits(0)
        .json();
    assert_eq!(value["sources"]["headers"]["state"], "ok");
    let pools = value["pools"].as_array().unwrap();
    let holds = |pool: &&Value| {
        pool["models"]
            .as_array()
            .unwrap()
            .contains(&"claude-haiku-4-5".into())
    };
    let haiku = pools.iter().find(holds).unwrap();
    let rpm = &haiku["gauges"][0];
    assert_eq!(
        (&rpm["dimension"], &rpm["state"]),
        (&"rpm".into(), &"live".into())
    );
    assert_eq!(rpm["source"], "probe");
    assert!(rpm["remaining"].as_u64().unwrap() <= rpm["limit"].as_u64().unwrap());

    let text = home.run("status --probe claude-haiku-4-5").exits(0).out;
    assert!(
        text.contains("Haiku 4.5") && text.contains("probe 0s ago"),
        "{text}"
    );
    let line = home
        .run("status --line --probe claude-haiku-4-5")
        .exits(0)
        .out;
    assert_eq!(line.lines().count(), 1);
    assert!(
        line.starts_with("Haiku 4.5 ") && line.contains('%'),
        "{line}"
    );
    assert!(
        home.run("status --line {nonsense}")
            .exits(2)
            .err
            .contains("--line: the template knows no {nonsense}")
    );
}

/// Section 3: each answer names its workspace, here one that lowers a pool which is not probed.
#[test]
fn a_workspace_that_only_a_probe_names_lowers_every_pool_of_it() {
    let simulator = Simulator::with(
        "workspace = \"jobs\"\n[[workspaces]]\nname = \"jobs\"\nid = \"wrkspc_01Jobs\"\nlimits = { \"Opus 5.5\" = { requests_per_minute = 100 } }\n",
    );
    let home = Home::at(&simulator.url);
    let value = home
        .run("status --json --probe claude-haiku-4-5")
        .exits(0)
        .json();
    let pools = value["pools"].as_array().unwrap();
    let is_opus = |pool: &&Value| {
        let models = pool["models"].as_array().unwrap();
        models.contains(&"claude-opus-5-5".into())
    };
    let rpm = &pools.iter().find(is_opus).unwrap()["gauges"][0];
    assert_eq!(rpm["dimension"], "rpm");
    assert_eq!(
        (&rpm["effective_limit"], &rpm["scope"]),
        (&100.into(), &"workspace".into())
    );
}

#[test]
fn status_without_an_admin_key_lives_on_headers() {
    let simulator = Simulator::named("calm");
    let home = Home::bare()
        .var("ANTHROPIC_BASE_URL", &simulator.url)
        .var("ANTHROPIC_API_KEY", API_KEY);
    let value = home.run("status --json").exits(0).json();
    assert_eq!(value["sources"]["limits"]["state"], "absent");
    assert!(
        value["sources"]["limits"]["error"]
            .as_str()
            .unwrap()
            .contains("Admin key")
    );
    let value = home
        .run("status --json --probe claude-opus-5-5")
        .exits(0)
        .json();
    let opus = value["pools"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "Opus 5.5")
        .unwrap();
    assert_eq!(opus["guess"], true);
    assert_eq!(opus["gauges"][0]["state"], "live");
}

#[test]
fn a_gate_passes_only_what_is_known() {
    // Section 4.1: an evaluation organization has 5 requests a minute; a probe leaves 80 %.
    let tiny = Simulator::named("tiny");
    let home = Home::at(&tiny.url);
    let probed = |percent: &str| {
        home.run(&format!(
            "status --probe claude-haiku-4-5 --fail-under {percent}"
        ))
    };
    probed("95").exits(3);
    probed("5").exits(0);
    home.run("status --fail-under 5").exits(6);
    let bare = Simulator::named("bare");
    Home::at(&bare.url)
        .run("status --probe claude-haiku-4-5 --fail-under 5")
        .exits(6);
}

#[test]
fn status_tells_a_refused_key_from_an_unreachable_address() {
    let simulator = Simulator::named("calm");
    let wrong = Home::at(&simulator.url)
        .var("ANTHROPIC_API_KEY", "sk-ant-api03-planted")
        .var("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-planted");
    wrong.run("status --json").exits(4).json();
    wrong
        .run("status --json --probe claude-haiku-4-5")
        .exits(4)
        .json();
    Home::at(&nowhere()).run("status --json").exits(5).json();
    // Without an Admin key a free request tells.
    let wrong = Home::bare()
        .var("ANTHROPIC_BASE_URL", &simulator.url)
        .var("ANTHROPIC_API_KEY", "sk-ant-api03-planted");
    wrong.run("status --json").exits(4).json();
    // One source that answers is enough.
    Home::at(&simulator.url)
        .var("ANTHROPIC_ADMIN_KEY", API_KEY)
        .run("status --json --probe claude-haiku-4-5")
        .exits(0)
        .json();
}

#[cfg(unix)]
#[test]
fn watching_prints_an_object_a_line_until_it_is_told_to_stop() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let mut child = home
        .command()
        .args(["status", "--json", "--watch", "1s"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (first, second) = (
        valid(&lines.next().unwrap().unwrap()),
        valid(&lines.next().unwrap().unwrap()),
    );
    assert!(first["at"].as_str().unwrap() < second["at"].as_str().unwrap());
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
