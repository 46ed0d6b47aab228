//! Keys, addresses and files that are wrong, and what needs none.

use super::home::Home;
use rstest::rstest;

/// Names below `.invalid` never resolve (RFC 6761).
#[test]
fn a_name_that_does_not_resolve_is_one_sentence_and_unreachable() {
    let home = Home::bare()
        .config(
            "[profiles.p]\nbase_url = \"http://api.nowhere.invalid\"\nadmin_base_url = \"http://api.nowhere.invalid\"\nallow_plain_http = true\napi_key = { env = \"K\" }\nadmin_key = { env = \"K\" }",
        )
        .var("K", "sk-ant-api03-planted");
    let says = |text: &str| {
        assert!(text.contains("api.nowhere.invalid"), "{text}");
        assert!(text.contains("does not resolve"), "{text}");
    };
    for line in [
        "status --json",
        "limits --json",
        "call --json --policy none",
    ] {
        let done = home.run(line).exits(5);
        let value = done.json();
        match value["schema"].as_str().unwrap() {
            "ratetop.status/1" => {
                assert_eq!(value["sources"]["limits"]["state"], "failed");
                says(value["sources"]["limits"]["error"].as_str().unwrap());
            }
            "ratetop.limits/1" => {
                assert_eq!(value["state"], "failed");
                says(value["error"].as_str().unwrap());
            }
            _ => {
                let verdict = &value["calls"][0]["attempts"][0]["verdict"];
                assert_eq!(verdict["cause"], "unreachable");
                assert_eq!(verdict["certainty"], "inferred");
                assert_eq!(verdict["evidence"][0]["from"], "connection");
                says(verdict["sentence"].as_str().unwrap());
            }
        }
    }
    for line in ["status", "limits", "call --policy none"] {
        let done = home.run(line).exits(5);
        let said = done.err.lines().filter(|line| line.contains(".invalid"));
        assert_eq!(said.count(), 1, "{line}: {}", done.err);
        says(&done.err);
    }
}

#[rstest]
#[case("", "status", "no profile: set ANTHROPIC_API_KEY")]
#[case(
    "[profiles.p]\nbase_ulr = \"x\"",
    "status",
    "config.toml:2: unknown key `base_ulr` in [profiles.p]; did you mean `base_url`?"
)]
#[case(
    "[profiles.p]\napi_key = { env = \"ABSENT\" }",
    "call",
    "config.toml:2: api_key of profile p: variable ABSENT is not set"
)]
#[case(
    "[profiles.p]\napi_key = { command = [\"false\"] }",
    "limits",
    "config.toml:2: api_key of profile p: key command false failed (exit status: 1)"
)]
#[case(
    "[profiles.p]",
    "status",
    "profile p has neither an api_key nor an admin_key"
)]
#[case("[profiles.p]", "status --profile q", "--profile: no profile `q`")]
#[case(
    "[profiles.p]\nadmin_key = { env = \"HOME\" }",
    "call",
    "profile p has no api_key"
)]
fn configuration_errors_are_one_sentence(
    #[case] config: &str,
    #[case] line: &str,
    #[case] sentence: &str,
) {
    let done = Home::bare().config(config).run(line).exits(2);
    assert!(done.out.is_empty(), "{}", done.out);
    assert!(
        done.err.starts_with("ratetop: ") && done.err.contains(sentence),
        "{}",
        done.err
    );
    assert_eq!(done.err.lines().count(), 1, "{}", done.err);
}

#[test]
fn the_working_directory_is_never_asked_for_a_config() {
    let home = Home::bare();
    std::fs::write(
        home.dir.path().join("config.toml"),
        "[profiles.p]\nnonsense = 1",
    )
    .unwrap();
    let done = home.run("config check").exits(0);
    assert!(done.out.contains("does not exist"), "{}", done.out);
    assert_eq!(
        home.run("config init").exits(0).out,
        format!("wrote {}", home.run("config path").exits(0).out)
    );
    home.run("config init").exits(2);
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let home = Home::bare();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = home.run(&format!("completions {shell}")).exits(0).out;
        assert!(
            text.contains("limits") && text.contains("fail-under"),
            "{shell}"
        );
    }
    let page = home.run("man").exits(0).out;
    for part in [
        ".TH ratetop 1",
        "COMMAND STATUS",
        "COMMAND CALL",
        "fail\\-under",
        "max\\-spend",
    ] {
        assert!(page.contains(part), "{part}");
    }
    home.run("--no-such-flag").exits(2);
    home.run("--version").exits(0);
}
