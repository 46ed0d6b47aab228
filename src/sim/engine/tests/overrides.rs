//! Limits of the key's workspace, as the world has them and as they are changed.

use super::*;

#[test]
fn a_workspace_limit_below_the_organizations_is_enforced_and_shown() {
    let text = format!(
        "workspace = \"w\"\n{SMALL}\n[[workspaces]]\nname = \"w\"\nid = \"wrkspc_1\"\nlimits.\"Opus 5.5\" = {{ output_tokens_per_minute = 2000, requests_per_minute = 2 }}"
    );
    let mut engine = Engine::new(world(&text), 1, t());
    let mut call = admitted(engine.answer(message(100, 500, true), t()));
    let head = engine.head(&mut call.ticket, t());
    assert_eq!(header(&head, "anthropic-workspace-id"), "wrkspc_1");
    assert_eq!(header(&head, "anthropic-ratelimit-requests-limit"), "2");
    assert_eq!(header(&head, "anthropic-ratelimit-tokens-limit"), "2000");
    admitted(engine.answer(message(100, 500, true), t()));
    let answer = refused(engine.answer(message(100, 500, true), t()));
    assert_eq!(header(&answer.headers, "retry-after"), "30");
}

/// Reference of the update: named limits change, null clears, and the entry comes back as a read has it.
#[test]
fn a_workspace_limit_that_is_changed_is_enforced_listed_and_cleared() {
    let text = format!(
        "workspace = \"w\"\n{SMALL}\n[[workspaces]]\nname = \"w\"\nid = \"wrkspc_1\"\nlimits.\"Opus 5.5\" = {{ output_tokens_per_minute = 2000 }}"
    );
    let mut engine = Engine::new(world(&text), 1, t());
    let list = "/v1/organizations/workspaces/wrkspc_1/rate_limits";
    let set = |engine: &mut Engine, target: &str, key: &str, body: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", key.parse().unwrap());
        headers.insert("anthropic-version", "2026-10-21".parse().unwrap());
        let ask = read(&http::Method::POST, target, &headers, body.as_bytes());
        let answer = refused(engine.answer(ask, t()));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, body)
    };
    let (_, own) = get(&mut engine, list, t());
    let entry = own["data"][0]["rate_limit_id"].as_str().unwrap().to_owned();
    let target = format!("{list}/{entry}");
    let body = r#"{"limits":[{"type":"requests_per_minute","value":2},{"type":"output_tokens_per_minute","value":null}]}"#;
    assert_eq!(set(&mut engine, &target, API_KEY, body).0, 403);
    let (status, told) = set(&mut engine, &target, ADMIN_KEY, body);
    assert_eq!(
        (status, &told["type"]),
        (200, &"workspace_rate_limit".into())
    );
    let limits = serde_json::json!([
        { "type": "requests_per_minute", "value": 2, "org_limit": 60, "source": { "type": "workspace" } }
    ]);
    assert_eq!(told["limits"], limits);
    assert_eq!(get(&mut engine, list, t()).1["data"][0]["limits"], limits);
    let mut call = admitted(engine.answer(message(100, 500, true), t()));
    let head = engine.head(&mut call.ticket, t());
    assert_eq!(header(&head, "anthropic-ratelimit-requests-limit"), "2");
    assert_ne!(header(&head, "anthropic-ratelimit-tokens-limit"), "2000");
    // A smaller bucket keeps what it held, as far as that fits.
    let more = r#"{"limits":[{"type":"requests_per_minute","value":1}]}"#;
    assert_eq!(set(&mut engine, &target, ADMIN_KEY, more).0, 200);
    admitted(engine.answer(message(100, 500, true), t()));
    let answer = refused(engine.answer(message(100, 500, true), t()));
    assert_eq!(header(&answer.headers, "retry-after"), "60");
    let none = r#"{"limits":[{"type":"requests_per_minute","value":null}]}"#;
    let (_, told) = set(&mut engine, &target, ADMIN_KEY, none);
    assert_eq!(told["limits"], serde_json::json!([]));
    assert_eq!(get(&mut engine, list, t()).1["data"], serde_json::json!([]));
    admitted(engine.answer(message(100, 500, true), t()));
    for (target, body, expected) in [
        (format!("{list}/rl_none"), none, 404),
        (target.replace("wrkspc_1", "wrkspc_2"), none, 404),
        (target.clone(), "{}", 400),
        (
            target.replace("wrkspc_1", "wrkspc_01SimDefaultxxD1a"),
            none,
            400,
        ),
    ] {
        assert_eq!(
            set(&mut engine, &target, ADMIN_KEY, body).0,
            expected,
            "{target}"
        );
    }
}
