//! `ratetop limits`.

use super::{
    home::{Gateway, Home, Simulator, nowhere},
    money::ANSWER,
};
use ratetop::sim::speak::ask::API_KEY;

const WORKSPACES: &str = "[[workspaces]]\nname = \"batch jobs\"\nid = \"wrkspc_01Jobs\"\nlimits = { \"Opus 5.5\" = { requests_per_minute = 100 } }\n";

#[test]
fn limits_are_told_with_every_workspace() {
    let simulator = Simulator::with(WORKSPACES);
    let home = Home::at(&simulator.url);
    let value = home.run("limits --json").exits(0).json();
    assert_eq!(value["state"], "ok");
    let groups = value["groups"].as_array().unwrap();
    assert!(groups.len() > 5, "{groups:#?}");
    let workspace = &value["workspaces"][0];
    assert_eq!(workspace["name"], "batch jobs");
    assert_eq!(workspace["overrides"][0]["effective"], 100);
    let id = workspace["id"].as_str().unwrap();

    let text = home.run("limits").exits(0);
    assert!(text.out.contains("requests_per_minute"), "{}", text.out);
    assert!(text.out.contains("batch jobs ("), "{}", text.out);
    let one = home
        .run(&format!("limits --json --workspace {id}"))
        .exits(0);
    assert_eq!(one.json()["workspaces"].as_array().unwrap().len(), 1);
    // One that does not exist does not hide the organization's limits.
    let gone = home.run("limits --json --workspace wrkspc_gone").exits(1);
    assert!(gone.json()["groups"].is_array());
}

#[test]
fn a_key_that_may_not_read_limits_is_told_apart_from_silence() {
    let simulator = Simulator::named("calm");
    let refused = Home::at(&simulator.url).var("ANTHROPIC_ADMIN_KEY", API_KEY);
    let done = refused.run("limits --json").exits(4);
    assert_eq!(done.json()["state"], "refused");
    assert!(done.json()["groups"].is_null());
    // Nobody can say yet whether it is a simulator.
    let done = Home::at(&nowhere()).run("limits --json").exits(5);
    assert!(done.err.contains("Nobody listens"), "{}", done.err);
    let value = done.json();
    assert_eq!(value["state"], "absent");
    assert!(value["error"].as_str().unwrap().contains("Nobody listens"));
    let gateway = Gateway::answering(200, ANSWER);
    let done = Home::at(&gateway.url).run("limits --json").exits(2);
    assert!(
        done.err.contains("neither the API nor a simulator"),
        "{}",
        done.err
    );
    // A script gets its object all the same, with the reason.
    let value = done.json();
    assert_eq!(value["state"], "absent");
    let why = value["error"].as_str().unwrap();
    assert!(why.contains("neither the API nor a simulator"), "{why}");
    assert!(value["groups"].is_null() && value["workspaces"].is_null());
    let named = |url: &str| {
        let config = format!(
            "[profiles.p]\nbase_url = \"{url}\"\nadmin_base_url = \"{url}\"\nadmin_key = {{ env = \"K\" }}"
        );
        let home = Home::bare().config(&config);
        home.var("K", "sk-ant-admin01-planted")
    };
    let done = named(&nowhere()).run("limits --json").exits(5);
    assert_eq!(done.json()["state"], "failed");
    // A server that answers, but without limits, is reached: that is a failure, not silence.
    let done = named(&gateway.url).run("limits --json").exits(1);
    assert_eq!(done.json()["state"], "failed");
    assert!(done.err.contains("check admin_base_url"), "{}", done.err);
}

#[test]
fn without_an_admin_key_limits_are_absent_and_say_why() {
    let simulator = Simulator::named("calm");
    let home = Home::bare()
        .var("ANTHROPIC_BASE_URL", &simulator.url)
        .var("ANTHROPIC_API_KEY", API_KEY);
    let done = home.run("limits --json").exits(2);
    let value = done.json();
    assert_eq!(value["state"], "absent");
    assert!(value["error"].as_str().unwrap().contains("no Admin key"));
    assert!(done.err.contains("no Admin key"), "{}", done.err);
    // For people there is the sentence alone.
    let done = home.run("limits").exits(2);
    assert_eq!(done.out, "");
}

/// Trap 16: the profile's ordinary key is not tried, a personal key without the Admin prefix is.
#[test]
fn trap_16_the_admin_api_gets_the_admin_key_whatever_its_shape() {
    let simulator = Simulator::with("[rules]\napi_key_reads_limits = true");
    let home = Home::bare()
        .var("ANTHROPIC_BASE_URL", &simulator.url)
        .var("ANTHROPIC_API_KEY", API_KEY);
    let value = home.run("limits --json").exits(2).json();
    assert_eq!(value["state"], "absent");
    let personal = home.var("ANTHROPIC_ADMIN_KEY", API_KEY);
    let value = personal.run("limits --json").exits(0).json();
    assert_eq!(value["state"], "ok");
}
