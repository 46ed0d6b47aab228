//! `ratetop call --count-tokens`.

use super::home::{Home, Simulator, nowhere};

#[test]
fn tokens_are_counted_free_of_charge_from_a_pool_of_its_own() {
    let simulator = Simulator::named("tiny");
    let home = Home::at(&simulator.url);
    let args = [
        "--read-only",
        "call",
        "--count-tokens",
        "--json",
        "--prompt",
    ];
    let long = "word ".repeat(4_000);
    let counted = home.run_with(&[&args[..], &[&long]].concat(), "").exits(0);
    let counted = counted.json();
    assert!(counted["input_tokens"].as_u64().unwrap() > 3_000);
    assert!(counted["verdict"].is_null());
    let wrong = home.run("call --count-tokens --model claude-none").exits(1);
    assert!(wrong.err.contains("Not counted: "), "{}", wrong.err);
    let words = home.run("call --count-tokens --prompt Hi").exits(0);
    assert!(words.out.ends_with(" input tokens.\n"), "{}", words.out);
    let other = Home::at(&simulator.url).var("ANTHROPIC_API_KEY", "sk-ant-api03-other");
    let refused = other.run("call --count-tokens --json").exits(4).json();
    assert!(refused["input_tokens"].is_null());
    assert_eq!(refused["verdict"]["cause"], "auth");
    Home::at(&nowhere()).run("call --count-tokens").exits(5);
}

#[test]
fn a_full_counting_pool_refuses_with_its_verdict() {
    let simulator = Simulator::with(
        "[[pools]]\nname = \"token_count\"\nlimits = { requests_per_minute = 1 }\n",
    );
    let home = Home::at(&simulator.url);
    home.run("call --count-tokens").exits(0);
    let refused = home.run("call --count-tokens --json").exits(1).json();
    assert_eq!(refused["verdict"]["cause"], "requests_per_minute");
    assert_eq!(refused["verdict"]["status"], 429);
    assert_eq!(refused["verdict"]["retry_helps"], true);
    let said = home.run("call --count-tokens").exits(1);
    assert!(said.err.contains("Not counted"), "{}", said.err);
}
