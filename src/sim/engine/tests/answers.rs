//! What answers say: caching, tools, stop sequences, service tiers.

use super::*;
use serde_json::json;

fn call(engine: &mut Engine, body: &Value, now: Time) -> Admitted {
    admitted(engine.answer(ask("POST", "/v1/messages", &body.to_string(), API_KEY), now))
}

fn whole(admitted: &Admitted) -> Value {
    serde_json::from_slice(&admitted.reply.whole()).unwrap()
}

/// Section "caching and prices": below the minimum of its model a prompt is silently not cached.
#[test]
fn a_prompt_below_its_models_minimum_is_not_cached_and_one_at_it_is() {
    // Prompt-caching page, August 2026; the last one is not established and so a setting.
    for (model, minimum) in [
        ("claude-opus-5", 512_u64),
        ("claude-haiku-5-5", 512),
        ("claude-opus-4-8", 1_024),
        ("claude-sonnet-4-5-20250929", 1_024),
        ("claude-opus-4-7", 2_048),
        ("claude-haiku-4-5", 4_096),
        ("claude-opus-5-5", 300),
    ] {
        let settings = "[answers]\ncache_minimum = 300";
        let mut engine = Engine::new(world(settings), 1, t());
        for (tokens, cached) in [(minimum - 1, 0), (minimum, minimum)] {
            let prompt = "x".repeat(tokens as usize * 4);
            let body = json!({"model": model, "max_tokens": 9,
                "system": [{"type": "text", "text": prompt, "cache_control": {"type": "ephemeral"}}],
                "messages": [{"role": "user", "content": "hi"}]});
            let usage = call(&mut engine, &body, t()).reply.usage;
            assert_eq!(
                usage.cache_creation_input_tokens, cached,
                "{model} {tokens}"
            );
            assert_eq!(usage.cache_read_input_tokens, 0);
            // A cache is a model's own.
            if cached > 0 {
                let usage = call(&mut engine, &body, t()).reply.usage;
                assert_eq!(usage.cache_read_input_tokens, cached, "{model}");
                let other = if model == "claude-opus-5" {
                    "claude-haiku-5-5"
                } else {
                    "claude-opus-5"
                };
                let mut body = body.clone();
                body["model"] = other.into();
                let usage = call(&mut engine, &body, t()).reply.usage;
                assert_eq!(usage.cache_read_input_tokens, 0, "{model} is not {other}");
            }
        }
    }
}

/// The same for what a world's own prompts share: no call of any built-in world shows cached tokens
/// below the minimum of its model.
#[test]
fn no_world_shows_cached_tokens_below_the_minimum() {
    use crate::{domain::cache, sim::traffic::Traffic};
    let mut cached = 0;
    for name in Scenario::names() {
        let world = Scenario::named(name).unwrap();
        let unknown = world.answers.cache_minimum;
        let mut traffic = Traffic::new(&world, 3, t());
        let mut engine = Engine::new(world, 3, t());
        for second in 1..=40 {
            let now = after(t(), f64::from(second));
            for order in traffic.take(now) {
                let body = json!({"model": order.model, "max_tokens": order.max_tokens,
                    "messages": [{"role": "user", "content": order.prompt}]});
                let ask = ask("POST", "/v1/messages", &body.to_string(), API_KEY);
                let Answered::Call(call) = engine.answer(ask, now) else {
                    continue;
                };
                let usage = call.reply.usage;
                engine.end(call.ticket, now);
                let tokens = usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
                let minimum = cache::minimum(order.model.as_str()).unwrap_or(unknown);
                assert!(
                    tokens == 0 || tokens >= minimum,
                    "{name}: {order:?} {usage:?}"
                );
                cached += u64::from(tokens > 0);
            }
        }
    }
    assert!(cached > 50, "caching is seen at all");
}

fn offer(more: &Value) -> Value {
    let mut body = json!({"model": "claude-opus-5-5", "max_tokens": 500,
        "tools": [{"name": "get_weather", "input_schema": {"type": "object",
            "properties": {"city": {"type": "string"}}, "required": ["city"]}}],
        "messages": [{"role": "user", "content": "Weather?"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Section "streaming": `tool_use` asks for a `tool_result`; once that came the model answers.
#[test]
fn offered_tools_are_asked_for_until_their_result_came() {
    let mut engine = Engine::new(world(SMALL), 1, t());
    let answer = whole(&call(&mut engine, &offer(&json!({})), t()));
    assert_eq!(answer["stop_reason"], "tool_use");
    let block = &answer["content"][1];
    assert_eq!(
        (&block["type"], &block["name"]),
        (&json!("tool_use"), &json!("get_weather"))
    );
    assert_eq!(block["input"], json!({"city": "bucket"}));
    assert!(block["id"].as_str().unwrap().starts_with("toolu_"));
    let with_result = offer(&json!({"messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": answer["content"]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": block["id"], "content": "sunny"}]},
    ]}));
    let answer = whole(&call(&mut engine, &with_result, t()));
    assert_eq!(answer["stop_reason"], "end_turn");
    let none = offer(&json!({"tool_choice": {"type": "none"}}));
    assert_eq!(
        whole(&call(&mut engine, &none, t()))["stop_reason"],
        "end_turn"
    );
    // Asking takes tokens; where they do not fit, the answer is cut.
    let short = offer(&json!({"max_tokens": 5}));
    let answer = whole(&call(&mut engine, &short, t()));
    assert_eq!(answer["stop_reason"], "max_tokens");
    assert_eq!(answer["usage"]["output_tokens"], 5);
    // How often a model asks is a setting; a choice that forces it is obeyed.
    let mut engine = Engine::new(
        world(&SMALL.replace("estimate", "tool_use = 0.0\nestimate")),
        1,
        t(),
    );
    assert_eq!(
        whole(&call(&mut engine, &offer(&json!({})), t()))["stop_reason"],
        "end_turn"
    );
    let forced = offer(&json!({"tool_choice": {"type": "any"}}));
    assert_eq!(
        whole(&call(&mut engine, &forced, t()))["stop_reason"],
        "tool_use"
    );
}

/// Section "streaming": `stop_sequence`.
#[test]
fn a_text_stops_at_the_first_of_its_stop_sequences() {
    let mut engine = Engine::new(world(SMALL), 1, t());
    let mut stopping = |sequences: Value| {
        let body = json!({"model": "claude-opus-5-5", "max_tokens": 500, "stop_sequences": sequences,
            "messages": [{"role": "user", "content": "hi"}]});
        whole(&call(&mut engine, &body, t()))
    };
    let answer = stopping(json!(["never said", "simulator", "the"]));
    assert_eq!(answer["stop_reason"], "stop_sequence");
    assert_eq!(answer["stop_sequence"], "the");
    assert_eq!(answer["content"][0]["text"], "Hello from ");
    assert_eq!(answer["usage"]["output_tokens"], 3);
    // One that stands across two tokens.
    let answer = stopping(json!(["om th"]));
    assert_eq!(answer["content"][0]["text"], "Hello fr");
    let answer = stopping(json!(["Zebra", ""]));
    assert_eq!(
        (&answer["stop_reason"], &answer["stop_sequence"]),
        (&json!("end_turn"), &Value::Null)
    );
}

const COMMITTED: &str = r#"
tier = "none"
[answers]
tokens = [50, 50]
first_byte_s = [0, 0]
tokens_per_s = [0, 0]
estimate = 1.0
[[pools]]
name = "Opus 4.x"
limits = { requests_per_minute = 60, input_tokens_per_minute_cache_aware = 30000, output_tokens_per_minute = 8000, priority_input = 6000, priority_output = 600 }
"#;

fn tiered(tier: &str, tokens: usize) -> Value {
    json!({"model": "claude-opus-4-8", "max_tokens": 50, "service_tier": tier,
        "system": [{"type": "text", "text": "x".repeat(tokens * 4), "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [{"role": "user", "content": "hi"}]})
}

/// Sections "semantics" (Priority Tier: weights, both buckets) and "response headers" (only with a
/// commitment).
#[test]
fn a_priority_call_draws_by_weight_from_both_buckets_and_shows_its_family() {
    let mut engine = Engine::new(world(COMMITTED), 1, t());
    let level = |engine: &mut Engine, limiter| {
        engine
            .level("claude-opus-4-8", limiter, t())
            .unwrap()
            .round() as i64
    };
    let mut served = call(&mut engine, &tiered("auto", 2_000), t());
    let usage = served.reply.usage;
    assert_eq!(
        (usage.input_tokens, usage.cache_creation_input_tokens),
        (9, 2_000)
    );
    assert_eq!(whole(&served)["usage"]["service_tier"], "priority");
    // A write of an hour weighs 2.
    assert_eq!(level(&mut engine, "priority_input"), 6_000 - 9 - 4_000);
    assert_eq!(level(&mut engine, "priority_output"), 550);
    assert_eq!(
        level(&mut engine, "input_tokens_per_minute_cache_aware"),
        30_000 - 2_009
    );
    assert_eq!(level(&mut engine, "output_tokens_per_minute"), 7_950);
    let head = engine.head(&mut served.ticket, t());
    assert_eq!(
        header(&head, "anthropic-priority-input-tokens-limit"),
        "6000"
    );
    assert_eq!(
        header(&head, "anthropic-priority-input-tokens-remaining"),
        "2000"
    );
    assert_eq!(
        header(&head, "anthropic-priority-output-tokens-limit"),
        "600"
    );
    assert_eq!(
        header(&head, "anthropic-ratelimit-input-tokens-remaining"),
        "28000"
    );
    // A read weighs 0.1, and does not count to ITPM.
    let read = call(&mut engine, &tiered("auto", 2_000), t());
    assert_eq!(read.reply.usage.cache_read_input_tokens, 2_000);
    assert_eq!(
        level(&mut engine, "priority_input"),
        6_000 - 9 - 4_000 - 9 - 200
    );
    assert_eq!(
        level(&mut engine, "input_tokens_per_minute_cache_aware"),
        30_000 - 2_018
    );
    // Whoever asks for the standard tier leaves the commitment alone.
    let before = level(&mut engine, "priority_input");
    let standard = call(&mut engine, &tiered("standard_only", 2_000), t());
    assert_eq!(whole(&standard)["usage"]["service_tier"], "standard");
    assert_eq!(level(&mut engine, "priority_input"), before);
    // The Admin API does not list it.
    let (_, list) = get(&mut engine, "/v1/organizations/rate_limits", t());
    assert!(!list.to_string().contains("priority"), "{list}");
}

#[test]
fn what_a_commitment_does_not_hold_runs_as_standard_or_is_refused() {
    for refuses in [false, true] {
        let text = format!("{COMMITTED}\n[rules]\npriority_refuses = {refuses}");
        let mut engine = Engine::new(world(&text), 1, t());
        let body = tiered("auto", 4_000);
        let answered = engine.answer(ask("POST", "/v1/messages", &body.to_string(), API_KEY), t());
        if refuses {
            let answer = refused(answered);
            assert_eq!(answer.status, 429);
            assert_eq!(
                header(&answer.headers, "anthropic-priority-input-tokens-limit"),
                "6000"
            );
        } else {
            let served = admitted(answered);
            assert_eq!(whole(&served)["usage"]["service_tier"], "standard");
        }
    }
    // No commitment, no family.
    let mut engine = Engine::new(world(SMALL), 1, t());
    let mut served = admitted(engine.answer(message(100, 50, true), t()));
    let head = engine.head(&mut served.ticket, t());
    assert_eq!(
        header(&head, "anthropic-priority-input-tokens-limit"),
        "absent"
    );
    assert_eq!(whole(&served)["usage"]["service_tier"], "standard");
}
