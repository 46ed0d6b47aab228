//! Nothing of prompts, replies, tools and keys is kept or told.

use super::*;

/// What is planted, each in a place of its own.
const SECRETS: [&str; 9] = [
    "PLANTEDprompt",
    "PLANTEDsystem",
    "PLANTEDreply",
    "PLANTEDtool",
    "PLANTEDbearer",
    "PLANTEDkey",
    "PLANTEDbadrequest",
    "PLANTEDthinking",
    "PLANTEDmetadata",
];

fn sends() -> Sends<'static> {
    Sends {
        headers: vec![
            ("user-agent", "Anthropic/Python 2.12.0"),
            ("authorization", "Bearer sk-ant-api03-PLANTEDbearer"),
            ("x-api-key", "PLANTEDkey-of-another-shape"),
        ],
        body: serde_json::json!({
            "system": "PLANTEDsystem",
            "messages": [{"role": "user", "content": "PLANTEDprompt"}],
            "tools": [{"name": "PLANTEDtool", "model": "PLANTEDtool"}],
            "metadata": {"user_id": "PLANTEDmetadata"},
            "model": "claude-opus-5-5",
            "max_tokens": 10,
            "stream": true,
        })
        .to_string(),
    }
}

fn delta(kind: &str, field: &str, text: &str) -> String {
    let data = serde_json::json!({"type":"content_block_delta","index":0,"delta":{"type":kind,field:text}});
    format!("event: content_block_delta\ndata: {data}\n\n")
}

#[test]
fn what_was_planted_is_nowhere() {
    let (hearing, paper) = hearing();
    let mut debugs = String::new();
    let stream = [
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5}}}\n\n".to_owned(),
        delta("text_delta", "text", "PLANTEDreply"),
        delta("thinking_delta", "thinking", "PLANTEDthinking"),
        delta("input_json_delta", "partial_json", "{\"a\":\"PLANTEDtool\"}"),
    ]
    .concat();
    let failing = |kind: &str, text: &str| {
        let data = serde_json::json!({"type":"error","error":{"type":kind,"message":text}});
        format!("{stream}event: error\ndata: {data}\n\n")
    };
    let quoting = "messages.0: PLANTEDbadrequest in PLANTEDprompt";
    let leaking = "the key PLANTEDkey-of-another-shape (sk-ant-api03-PLANTEDbearer) has too much";
    let sse = "text/event-stream";
    let json = "application/json";
    let message = MESSAGE.replace("Hello", "PLANTEDreply");
    let mut cases: Vec<(u16, &str, String)> = vec![
        (200, sse, stream.clone()),
        (200, sse, failing("invalid_request_error", quoting)),
        (200, sse, failing("overloaded_error", leaking)),
        (200, json, message.clone()),
        (200, json, message[..150].to_owned()),
        (200, json, refusal("invalid_request_error", quoting)),
        (200, "text/html", "<title>PLANTEDreply</title>".into()),
        (400, "text/plain", quoting.into()),
        (422, "text/html", format!("<html><title>{quoting}</title>")),
        (404, json, serde_json::json!({"detail": quoting}).to_string()),
        (400, json, r#"{"type":"error","error":{"type":"PLANTEDprompt PLANTEDtool","message":"","details":{"error_code":"PLANTEDprompt x"}},"request_id":"PLANTEDprompt x"}"#.into()),
    ];
    for status in [400, 401, 404, 408, 409, 413, 422] {
        cases.push((status, json, refusal("invalid_request_error", quoting)));
    }
    for status in [402, 403, 429, 500, 529] {
        cases.push((status, json, refusal("rate_limit_error", leaking)));
    }
    for (status, kind, body) in &cases {
        for end in [
            End::Whole,
            End::ClientGone,
            End::UpstreamBroke(leaking.into()),
        ] {
            let mut exchange = sends().send(&hearing, 0.0);
            let lines = [
                ("content-type", *kind),
                (
                    "anthropic-ratelimit-new-limit",
                    "PLANTEDkey-of-another-shape",
                ),
                ("set-cookie", "PLANTEDreply"),
            ];
            answers(&mut exchange, *status, &lines, body, 0.0);
            debugs.extend([format!("{exchange:?}"), format!("{hearing:?}")]);
            exchange.ended(end, t(0.0));
        }
    }
    let end = End::Unreachable {
        kind: Unreachable::Broken,
        how: leaking.into(),
    };
    sends().send(&hearing, 0.0).ended(end, t(0.0));
    let totals = hearing.totals(t(500.0));
    let all = paper.all();
    assert!(all.len() > 3 * cases.len(), "everything was told");
    let json = serde_json::to_string(&(&all, &totals)).unwrap();
    let everything = format!("{json} {all:?} {totals:?} {debugs}");
    for secret in SECRETS {
        if let Some(at) = everything.find(secret) {
            panic!("{}", &everything[at.saturating_sub(300)..at + 40]);
        }
    }
    assert!(
        everything.contains("has too much"),
        "words about limits stay"
    );
}
