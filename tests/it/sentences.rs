//! Sentences that are longer than a line: cards and evidence tell them whole, hints are not cut.

use crate::{
    screens::{WIDE, cells, look, press, text},
    world::{self, at, noon},
};
use ratetop::{
    app::App,
    domain::{
        id::ModelId,
        observation::{Observation, What},
        outcome::{ApiError, Outcome},
        timeline::FIRST_FOREIGN_CALL,
        verdict::{Cause, Certainty, Evidence, EvidenceFrom, Scope, Verdict},
    },
};

const MODEL: &str = "claude-sonnet-5-5-20260930";
const MESSAGE: &str = "This request would exceed your organization's maximum usage increase rate for \
                       input tokens per minute (org: 5f0c0a52-7e1d-4c58-9b0e-2d6a4f1c8e90, model: \
                       claude-sonnet-5-5-20260930). Please ramp up your usage gradually.";
const SENTENCE: &str = "429: input tokens per minute of Claude Sonnet 5.5 grew faster than the ramp \
                        allowance: 8,000 allowed now, 14,000 from the next minute on; the server asks \
                        to wait 24 s";

/// A world with one refusal of a model whose name is long.
fn refused(cause: Cause) -> App {
    let mut app = world::fresh(WIDE);
    let group = world::model_group("g", "Opus 5.5", &["claude-opus-5-5"], [50, 30_000, 8_000]);
    world::limits(&mut app, at(-60.0), vec![group]);
    let evidence = |from, text: &str| Evidence {
        from,
        text: text.to_owned(),
    };
    let verdict = Verdict {
        cause,
        limiter: None,
        scope: Scope::Organization,
        certainty: Certainty::Stated,
        evidence: vec![
            evidence(EvidenceFrom::ErrorCode, "ramp_limit_exceeded"),
            evidence(EvidenceFrom::Message, MESSAGE),
            evidence(EvidenceFrom::Headers, MESSAGE),
        ],
        status: Some(429),
        model: Some(ModelId::from(MODEL)),
        pool: None,
        retry_helps: true,
        retry_at: Some(at(20.0)),
        asked_s: Some(24.0),
        request_id: Some("req_011CXa7mQ9f".into()),
        sentence: SENTENCE.to_owned(),
    };
    let error = ApiError {
        kind: "rate_limit_error".to_owned(),
        message: MESSAGE.to_owned(),
        code: None,
        request: None,
    };
    world::send(&mut app, world::seen(at(-4.0), 1, MODEL, What::Sent));
    let finished = What::Finished {
        outcome: Outcome::Refused {
            status: 429,
            error,
            hint: ratetop::domain::headers::Hint::default(),
        },
        usage: None,
        duration_s: 0.1,
        verdict: Some(Box::new(verdict)),
    };
    world::send(&mut app, world::seen(at(-3.9), 1, MODEL, finished));
    app.wake(noon());
    app
}

/// The words between the borders of boxes, line by line, as one text.
fn told(screen: &str) -> String {
    let words = screen.split(|c: char| c.is_whitespace() || "│╭╮╰╯─▸".contains(c));
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The same of the right half only, where the cards of refusals and events are.
fn right_half(screen: &str) -> String {
    let half = |line: &str| line.chars().skip(60).collect::<String>();
    told(&screen.lines().map(half).collect::<Vec<_>>().join("\n"))
}

fn screen(app: &App) -> String {
    text(&cells(app, noon(), WIDE, &look("dark", false)))
}

#[test]
fn a_long_title_of_a_refusal_goes_on_in_a_second_line() {
    for (cause, words) in [
        (
            Cause::StreamError,
            "error inside a stream asked for claude-sonnet-5-5-20260930",
        ),
        (
            Cause::SubscriptionWindow,
            "subscription window asked for claude-sonnet-5-5-20260930",
        ),
    ] {
        let shown = screen(&refused(cause));
        let right = right_half(&shown)
            .replace("· stated ", "")
            .replace("· seen here ", "");
        assert!(right.contains(words), "{words} is not told whole:\n{shown}");
        assert!(
            shown.contains("stated") || shown.contains("seen here"),
            "{shown}"
        );
    }
}

#[test]
fn an_events_sentence_is_whole_in_its_card() {
    let shown = screen(&refused(Cause::Ramp));
    assert!(right_half(&shown).contains(SENTENCE), "{shown}");
    insta::assert_snapshot!("a_refusal_in_many_words", shown);
}

#[test]
fn every_line_of_evidence_is_told_whole() {
    let mut app = refused(Cause::Ramp);
    press(&mut app, "7 <enter>", &mut noon());
    let shown = screen(&app);
    let all = told(&shown);
    assert!(all.contains(SENTENCE), "{shown}");
    assert_eq!(all.matches(MESSAGE).count(), 2, "{shown}");
    assert!(!shown.contains('…'), "{shown}");
    insta::assert_snapshot!("evidence_in_many_words", shown);
}

#[test]
fn the_hint_at_calls_of_others_is_whole() {
    for n in [1_u64, 48, 300] {
        let mut app = world::fresh(WIDE);
        for id in 0..n {
            let began = What::Began {
                policy: "none".to_owned(),
                attempts: Some(1),
                stream: false,
                input_estimate: 20,
            };
            let began = Observation {
                client: Some("worker-1".into()),
                ..world::seen(at(-3.0), FIRST_FOREIGN_CALL + id, MODEL, began)
            };
            world::send(&mut app, began);
        }
        press(&mut app, "2", &mut noon());
        let shown = screen(&app);
        let calls = if n == 1 { "call" } else { "calls" };
        let hint = format!("o shows {n} {calls} of others │");
        let squeezed = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(&hint), "{hint}:\n{shown}");
    }
}
