//! The policies `sdk` and `sdk-classic` decide and wait as the official Python SDK was measured to do,
//! today's and the last old one, status by status and header by header. `tests/sdk/decisions.json` holds what was
//! measured; `tests/sdk/python/test_decisions.py` measures it again, and `tests/sdk/typescript/decisions.test.mjs` with the
//! TypeScript SDK, which differs in five cases of 205: it reads `1,5` as 1, and after a `retry-after-ms` of 0 the other
//! header.
use ratetop::domain::{
    headers,
    outcome::{ApiError, Outcome},
    retry::{Action, Ended, Policy},
    time::{Time, after},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Case {
    status: u16,
    headers: BTreeMap<String, String>,
    sdk: Value,
    #[serde(rename = "sdk-classic")]
    classic: Value,
}

/// The answer, as it came at a whole second.
fn outcome(case: &Case) -> Outcome {
    let at: Time = "2026-11-24T12:00:00Z".parse().unwrap();
    let date = |at: Time| at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut lines = case.headers.clone();
    for value in lines.values_mut() {
        // `+N` stands for the date N seconds from then.
        if let Some(seconds) = value.strip_prefix('+') {
            *value = date(after(at, seconds.parse().unwrap()));
        }
    }
    lines.insert("date".into(), date(at));
    let lines = lines
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    Outcome::Refused {
        status: case.status,
        error: ApiError::default(),
        hint: headers::read(lines, at).hint,
    }
}

fn decided(policy: Policy, outcome: &Outcome, die: f64) -> Option<f64> {
    let decision = policy.decide(&Ended {
        attempts: 1,
        allowed: 2,
        elapsed_s: 0.0,
        last_wait_s: 0.0,
        outcome,
        verdict: None,
        die,
    });
    (decision.action == Action::Retry).then_some(decision.wait_s)
}

#[test]
fn both_policies_decide_as_the_sdks_were_measured_to_do() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../sdk/decisions.json")).unwrap();
    assert!(cases.len() >= 200);
    let mut wrong = Vec::new();
    for case in &cases {
        let outcome = outcome(case);
        for (policy, measured) in [
            (Policy::Sdk, &case.sdk),
            (Policy::SdkClassic, &case.classic),
        ] {
            let dice = [0.0, 0.5, 0.999_999].map(|die| decided(policy, &outcome, die));
            let same = match measured.as_str() {
                Some("stop") => dice == [None; 3],
                Some("backoff") => {
                    let waits = dice.map(Option::unwrap_or_default);
                    (waits[0] - 0.5).abs() < 1e-6 && (waits[2] - 0.375).abs() < 1e-6
                }
                _ => {
                    let seconds = measured.as_f64().unwrap();
                    dice.iter()
                        .all(|wait| wait.is_some_and(|wait| (wait - seconds).abs() < 1e-6))
                }
            };
            if !same {
                wrong.push(format!(
                    "{} after {} {:?}: {dice:?}, measured {measured}",
                    policy.name(),
                    case.status,
                    case.headers
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
