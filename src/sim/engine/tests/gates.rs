//! Money, growth, concurrency, faults.

use super::*;

#[test]
fn spend_caps_have_a_code_and_no_wait_and_own_limits_are_400() {
    for (kind, status, code) in [
        ("tier", 429, "enforced_spend_limit_reached"),
        ("contract", 429, "contract_spend_limit_reached"),
        ("own", 400, ""),
        ("own-workspace", 400, ""),
    ] {
        let text = format!("{SMALL}\n[rules]\nspend = {{ kind = \"{kind}\", left_usd = 0 }}");
        let mut engine = Engine::new(world(&text), 1, t());
        let answer = refused(engine.answer(message(100, 500, true), t()));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(
            body["error"]["details"]["error_code"]
                .as_str()
                .unwrap_or_default(),
            code
        );
        assert_eq!(header(&answer.headers, "retry-after"), "absent");
        assert!(
            body["error"]["message"]
                .as_str()
                .unwrap()
                .contains("2026-12-01"),
            "{body}"
        );
    }
}

#[test]
fn growth_steps_at_the_minute_boundary() {
    let text = format!("{SMALL}\n[rules]\nramp = {{ start = 1000, step = 500 }}");
    let mut engine = Engine::new(world(&text), 1, t());
    admitted(engine.answer(message(900, 500, true), t()));
    let answer = refused(engine.answer(message(300, 500, true), t()));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        body["error"]["details"]["error_code"],
        "ramp_limit_exceeded"
    );
    let text = body["error"]["message"].as_str().unwrap();
    assert!(
        text.contains("current limit is 1,000") && text.contains("increase to 1,500"),
        "{text}"
    );
    assert_eq!(
        header(&answer.headers, "retry-after"),
        "53",
        "12:00:07 to 12:01:00"
    );
    admitted(engine.answer(message(1_400, 500, true), after(t(), 53.0)));
}

#[test]
fn concurrency_and_burst_windows() {
    let text = format!("{SMALL}\n[rules]\nconcurrent = 2");
    let mut engine = Engine::new(world(&text), 1, t());
    let first = admitted(engine.answer(message(100, 500, true), t()));
    admitted(engine.answer(message(100, 500, true), t()));
    let answer = refused(engine.answer(message(100, 500, true), t()));
    assert!(String::from_utf8_lossy(&answer.body).contains("concurrent connections"));
    engine.end(first.ticket, t());
    admitted(engine.answer(message(100, 500, true), t()));

    let text = format!("{SMALL}\n[rules]\nburst_window_s = 1.0");
    let mut engine = Engine::new(world(&text), 1, t());
    admitted(engine.answer(message(100, 500, true), t()));
    let answer = refused(engine.answer(message(100, 500, true), t()));
    assert_eq!(header(&answer.headers, "retry-after"), "1");
    assert_eq!(
        header(&answer.headers, "anthropic-ratelimit-requests-remaining"),
        "59"
    );
    admitted(engine.answer(message(100, 500, true), after(t(), 1.0)));
}

#[test]
fn each_fault_is_what_it_says() {
    let world_with = |kind: &str| {
        world(&format!(
            "{SMALL}\n[[faults]]\nkind = \"{kind}\"\nshare = 1.0\nafter_tokens = 3\nwait_s = 2.0"
        ))
    };
    for (kind, status) in [
        ("overloaded", 529),
        ("server-error", 500),
        ("timeout", 504),
        ("conflict", 409),
        ("opaque", 429),
        ("billing", 402),
        ("on-hold", 400),
        ("compaction-unavailable", 529),
    ] {
        let mut engine = Engine::new(world_with(kind), 1, t());
        let answer = refused(engine.answer(message(100, 500, true), t()));
        assert_eq!(answer.status, status);
        // Section "errors": what has a code, and which.
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let code = match kind {
            "billing" => Some("linked_organization_spend_limit_reached"),
            "on-hold" => Some("organization_on_hold"),
            "compaction-unavailable" => Some("compaction_unavailable"),
            _ => None,
        };
        assert_eq!(body["error"]["details"]["error_code"].as_str(), code);
        assert_eq!(header(&answer.headers, "retry-after"), "absent");
        assert_eq!(
            header(&answer.headers, "anthropic-ratelimit-requests-limit"),
            "absent"
        );
    }
    for (kind, ending) in [
        ("stream-error", Ending::Error("overloaded_error".into(), 3)),
        ("cut", Ending::Cut(3)),
        ("truncated", Ending::Truncated(3)),
    ] {
        let mut engine = Engine::new(world_with(kind), 1, t());
        assert_eq!(
            admitted(engine.answer(message(100, 500, true), t()))
                .reply
                .ending,
            ending
        );
    }
    for (kind, stop) in [
        ("pause-turn", "pause_turn"),
        ("refusal", "refusal"),
        ("slow", "end_turn"),
    ] {
        let mut engine = Engine::new(world_with(kind), 1, t());
        let call = admitted(engine.answer(message(100, 500, true), t()));
        assert_eq!(call.reply.stop.reason(), stop);
        assert_eq!(call.wait_s > 2.0, kind == "slow");
    }
}

/// Section "headers seen": the window with overage was seen on calls to Fable only.
#[test]
fn the_window_with_overage_shows_on_fable_alone() {
    let text = "tier = \"build\"\n[headers]\nsubscription = { five_hour = 0.1, seven_day = 0.2, \
                per_1000_tokens = 0.01, seven_day_overage = 0.5 }";
    let mut engine = Engine::new(world(text), 1, t());
    let mut used = |model: &str| {
        let body = format!(
            r#"{{"model":"{model}","max_tokens":9,"messages":[{{"role":"user","content":"x"}}]}}"#
        );
        let ask = ask("POST", "/v1/messages", &body, API_KEY);
        let mut call = admitted(engine.answer(ask, t()));
        let head = engine.head(&mut call.ticket, t());
        let of =
            |name: &str| header(&head, &format!("anthropic-ratelimit-unified-{name}")).to_owned();
        [of("7d_oi-utilization"), of("representative-claim")]
    };
    assert_eq!(used("claude-opus-5-5"), ["absent", "seven_day"]);
    let [overage, claim] = used("claude-fable-5-1");
    assert!(overage.starts_with("0.50"), "{overage}");
    assert_eq!(claim, "seven_day_overage_included");
}
