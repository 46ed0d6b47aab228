//! Everything that reads what others wrote, with many more cases than a unit test has: never a panic,
//! and nothing that could hurt a terminal comes out. Cases begin from what is right, since bytes that
//! are only random get no further than the first check.

use crate::{
    changes::{changed, changes, holds},
    life::dawn,
};
use clap::Parser as _;
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseError};
use ratetop::{
    api::limits::read,
    cli::{args::Cli, config::Config, environment::Environment},
    domain::{
        answer::{
            self,
            error::{self, Ending},
            sse::{Event, Reader},
            stream::Growing,
        },
        clean::is_harmless,
        headers::{self, Hint},
        outcome::Outcome,
        verdict::{Context, judge},
    },
    net::base::Base,
    sim::scenario::Scenario,
};

fn harmless(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(text.chars().all(is_harmless), "{text:?}");
    Ok(())
}

/// Section 2: every documented family, and the undocumented one.
const HEADS: &str = "date: Tue, 24 Nov 2026 12:00:00 GMT
request-id: req_011CX9f
anthropic-organization-id: 6a3f0f4e-0000-4000-8000-000000000001
anthropic-workspace-id: wrkspc_EX
retry-after: 17
retry-after-ms: 300
x-should-retry: true
anthropic-ratelimit-requests-limit: 1000
anthropic-ratelimit-requests-remaining: 999
anthropic-ratelimit-requests-reset: 2026-11-24T12:00:00Z
anthropic-ratelimit-input-tokens-limit: 2000000
anthropic-ratelimit-input-tokens-remaining: 1000000
anthropic-ratelimit-input-tokens-reset: 2026-11-24T12:00:30Z
anthropic-fast-output-tokens-limit: 400
anthropic-fast-output-tokens-remaining: 100
anthropic-ratelimit-unified-status: allowed_warning
anthropic-ratelimit-unified-reset: 1795521600
anthropic-ratelimit-unified-5h-status: rejected
anthropic-ratelimit-unified-5h-utilization: 1.02
anthropic-ratelimit-unified-7d_oi-reset: 1795521600
x-gateway-anthropic-ratelimit-tokens-limit: 60000
anthropic-ratelimit-moon-phase: 0.4";

#[test]
fn any_head_is_read() {
    holds(400_000, &changes(), |changes| {
        let bytes = changed(HEADS.as_bytes(), &changes);
        let lines: Vec<(String, Vec<u8>)> = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| {
                let at = line
                    .iter()
                    .position(|byte| *byte == b':')
                    .unwrap_or(line.len());
                let name = String::from_utf8_lossy(&line[..at]).to_lowercase();
                let value = line.get(at + 1..).unwrap_or_default();
                (name, value.trim_ascii().to_vec())
            })
            .collect();
        let lines = || {
            lines
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()))
        };
        let reading = headers::read(lines(), dawn());
        for level in &reading.levels {
            prop_assert!(level.full_in_s.is_none_or(|s| s >= 0.0 && s.is_finite()));
        }
        for (name, value) in reading
            .unknown
            .iter()
            .chain(&headers::raw_rate_limit_headers(lines()))
        {
            harmless(name)?;
            harmless(value)?;
        }
        for window in reading.unified.iter().flat_map(|unified| &unified.windows) {
            prop_assert!(window.utilization.is_none_or(f64::is_finite), "{window:?}");
            harmless(&window.name)?;
        }
        harmless(reading.request.as_ref().map_or("", |id| id.as_str()))
    });
}

/// Section 5: a whole stream, typed from the streaming page.
const STREAM: &str = "event: message_start
data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"role\":\"assistant\",\"model\":\"claude-opus-5-5\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"cache_read_input_tokens\":10,\"output_tokens\":1}}}

event: content_block_start
data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}

event: ping
data: {\"type\":\"ping\"}

event: content_block_delta
data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}

event: content_block_stop
data: {\"type\":\"content_block_stop\",\"index\":0}

event: message_delta
data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}

event: error
data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}

event: message_stop
data: {\"type\":\"message_stop\"}

";

fn events(pieces: &[&[u8]]) -> Vec<Event> {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    for piece in pieces {
        if reader.push(piece, &mut out).is_err() {
            return out;
        }
    }
    out.extend(reader.finish());
    out
}

#[test]
fn a_stream_says_the_same_however_it_is_cut() {
    let cases = (changes(), vec(any::<usize>(), 0..12));
    holds(200_000, &cases, |(changes, cuts)| {
        let bytes = changed(STREAM.as_bytes(), &changes);
        let whole = events(&[&bytes]);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|two| &bytes[two[0]..two[1]]).collect();
        prop_assert_eq!(events(&pieces), whole.clone());
        let mut growing = Growing::up_to(64);
        for event in &whole {
            if let Some(text) = growing.take(event).text {
                prop_assert!(
                    text.chars()
                        .all(|c| is_harmless(c) || c == '\n' || c == '\t')
                );
            }
        }
        let _ = growing.answer();
        Ok(())
    });
}

/// Section 4: the envelope.
const ERROR: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 30,000 input tokens per minute (org: 6a3f0f4e, model: claude-opus-5-5).","details":{"error_code":"ramp_limit_exceeded"}},"request_id":"req_011CX9f"}"#;

#[test]
fn any_error_is_judged() {
    let cases = (
        changes(),
        prop_oneof![Just(429_u16), Just(529), Just(400), any::<u16>()],
        proptest::option::of(vec(any::<u8>(), 0..60)),
    );
    holds(200_000, &cases, |(changes, status, location)| {
        let body = changed(ERROR.as_bytes(), &changes);
        for end in [Ending::Whole, Ending::TooLong, Ending::Broken] {
            let outcome = error::outcome(status, location.as_deref(), Hint::default(), &body, end);
            if let Outcome::Refused { error, .. } = &outcome {
                harmless(&error.kind)?;
                harmless(&error.message)?;
            }
            if let Some(verdict) = judge(&outcome, &Context::at(dawn())) {
                harmless(&verdict.sentence)?;
                for evidence in &verdict.evidence {
                    harmless(&evidence.text)?;
                }
            }
        }
        Ok(())
    });
}

/// Section 3: a whole answer.
const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"Hello"},{"type":"tool_use","id":"t","name":"n","input":{"a":[1,2]}}],"stop_reason":"pause_turn","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":7}}"#;
/// Sections 1.2 and 1.3, all three shapes.
const LIMITS: &str = r#"{"data":[{"type":"rate_limit","id":"a","group_type":"model_group","models":["claude-opus-5-5"],"limits":[{"type":"requests_per_minute","value":1000}]},{"type":"rate_limit","id":"b","group":{"type":"model_group","id":"rlg_EX","display_name":"Claude Sonnet 4.x"},"models":["claude-sonnet-4-6"],"limits":[{"type":"input_tokens_per_minute_cache_aware","value":2000000}]},{"type":"workspace_rate_limit","workspace_id":"wrkspc_EX","rate_limit_id":"b","group":{"type":"batch","id":"rlg_B"},"models":null,"limits":[{"type":"enqueued_batch_requests","value":100,"org_limit":null,"source":{"type":"workspace"}}]}],"next_page":"page_1"}"#;

#[test]
fn any_answer_and_any_list_of_limits_is_read() {
    holds(200_000, &changes(), |changes| {
        let _ = answer::answer(&changed(ANSWER.as_bytes(), &changes));
        let list = changed(LIMITS.as_bytes(), &changes);
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&list) else {
            return Ok(());
        };
        let _ = read::organization(&value);
        let known = match read::groups(&value) {
            Ok(page) => {
                for fault in &page.faults {
                    harmless(fault)?;
                }
                for group in &page.entries {
                    harmless(&group.name)?;
                }
                page.entries
            }
            Err(sentence) => {
                harmless(&sentence)?;
                Vec::new()
            }
        };
        if let Ok(page) = read::overrides(&value, &"wrkspc_EX".into(), &known) {
            for fault in &page.faults {
                harmless(fault)?;
            }
        }
        let _ = read::workspaces(&value);
        Ok(())
    });
}

#[test]
fn any_scenario_is_read_or_refused_in_one_sentence() {
    let worlds = [
        include_str!("../../assets/scenarios/busy-afternoon.toml"),
        include_str!("../../assets/scenarios/overloaded.toml"),
        include_str!("../../assets/scenarios/subscription.toml"),
        include_str!("../../assets/scenarios/ramp.toml"),
        include_str!("../../assets/scenarios/spend-cap.toml"),
    ];
    holds(
        60_000,
        &(select(worlds.to_vec()), changes()),
        |(world, changes)| {
            let text = String::from_utf8_lossy(&changed(world.as_bytes(), &changes)).into_owned();
            if let Err(error) = Scenario::parse(&text, "own.toml") {
                let sentence = error.to_string();
                prop_assert!(sentence.starts_with("own.toml"), "{sentence:?}");
                harmless(&sentence)?;
            }
            Ok(())
        },
    );
}

#[test]
fn any_config_is_read_or_refused_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let shown = path.display().to_string();
    let env: Environment = [("RATETOP_CONFIG", shown.as_str()), ("KEY_A", "sk-ant-x")]
        .into_iter()
        .collect();
    let global = Cli::try_parse_from(["ratetop"]).unwrap().global;
    let configs = [
        include_str!("../../config.example.toml").to_owned(),
        "[profiles.a]\nbase_url = \"https://a.example\"\napi_key = { env = \"KEY_A\" }\n"
            .to_owned(),
        // The example with everything that is commented out.
        include_str!("../../config.example.toml")
            .lines()
            .map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n")
            .collect(),
    ];
    holds(
        30_000,
        &(select(configs.to_vec()), changes()),
        |(text, changes)| {
            std::fs::write(&path, changed(text.as_bytes(), &changes)).unwrap();
            if let Err(error) = Config::load(&global, &env) {
                let sentence = error.to_string();
                prop_assert!(
                    !sentence.is_empty() && !sentence.contains("sk-ant"),
                    "{sentence:?}"
                );
                harmless(&sentence)?;
            }
            Ok(())
        },
    );
}

#[test]
fn any_address_is_read_or_refused() {
    let addresses = select(vec![
        "https://api.anthropic.com",
        "http://127.0.0.1:4787/prefix",
        "https://user:secret@host/",
        "http://[::1]:80",
    ]);
    holds(60_000, &(addresses, changes()), |(address, changes)| {
        let text = String::from_utf8_lossy(&changed(address.as_bytes(), &changes)).into_owned();
        match Base::parse(&text) {
            Ok(base) => harmless(base.as_str())?,
            Err(sentence) => harmless(&sentence)?,
        }
        Ok(())
    });
}
