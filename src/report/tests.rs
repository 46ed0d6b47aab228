//! Every output against its schema, on a board with each kind of gauge. Numbers are those of the
//! rate-limits page (Build tier) and of the screens in its words.

use super::{
    call, call_text,
    fixtures::{SUBJECT, board, snapshot, timeline, valid, verdict},
    limits, line, status, status_text,
};
use crate::domain::{
    board::Board,
    fixtures::t,
    id::{CallId, WorkspaceId},
    org::LimitsState,
    outcome::Outcome,
};
use serde_json::Value;

#[test]
fn status_says_what_is_known_and_null_for_the_rest() {
    let report = status::Status::of(SUBJECT, &board(), &[verdict()], [], t(1.5));
    let value = valid("status", &report);
    assert_eq!(value["organization"]["name"], "Acme Corp");
    assert_eq!(value["sources"]["limits"]["state"], "ok");
    assert_eq!(
        value["unknown_headers"]["anthropic-ratelimit-new-limit"],
        "7"
    );
    let gauge = |pool: &Value, limiter: &str| {
        let gauges = pool["gauges"].as_array().unwrap();
        gauges
            .iter()
            .find(|it| it["limiter"] == limiter)
            .unwrap()
            .clone()
    };
    let opus = &value["pools"][0];
    let rpm = gauge(opus, "requests_per_minute");
    assert_eq!(
        (&rpm["state"], &rpm["limit"]),
        (&"live".into(), &5_000.into())
    );
    assert_eq!(rpm["source"], "call");
    let itpm = gauge(opus, "input_tokens_per_minute_cache_aware");
    assert_eq!(itpm["state"], "limit_only");
    for unknown in [
        "remaining",
        "percent_left",
        "age_s",
        "burn_per_min",
        "empty_in_s",
    ] {
        assert!(itpm[unknown].is_null(), "{unknown} is {}", itpm[unknown]);
    }
    assert_eq!(value["other_groups"][0]["kind"], "batch");
}

#[test]
fn an_empty_board_is_valid_and_has_no_numbers() {
    let report = status::Status::of(SUBJECT, &Board::default(), &[], [], t(0.0));
    let value = valid("status", &report);
    assert!(value["organization"].is_null() && value["tier"].is_null());
    assert_eq!(value["sources"]["headers"]["state"], "none");
    assert_eq!(
        line::fill(line::DEFAULT, SUBJECT, &Board::default(), t(0.0)).unwrap(),
        "? ? ?"
    );
    let text = status_text::text(SUBJECT, &Board::default(), t(0.0));
    assert!(text.contains("none yet"), "{text}");
}

#[test]
fn the_line_names_the_tightest_gauge() {
    let fill = |template: &str| line::fill(template, SUBJECT, &board(), t(1.2));
    assert!(
        fill(line::DEFAULT)
            .unwrap()
            .starts_with("Opus 5.5 21% OTPM")
    );
    assert_eq!(fill("[{profile}|{limit}]").unwrap(), "[prod|1,000,000]");
    assert!(
        fill("{percnt}")
            .unwrap_err()
            .contains("{percnt}; it knows pool, dimension")
    );
    assert!(fill("{pool").is_err());
    for (name, _) in line::PLACEHOLDERS {
        assert!(fill(&format!("{{{name}}}")).is_ok(), "{name}");
    }
}

#[test]
fn spans_are_short() {
    let cases = [
        (0.4, "0s"),
        (59.6, "1m00s"),
        (100.0, "1m40s"),
        (7_500.0, "2h05m"),
        (400_000.0, "4d"),
    ];
    for (seconds, text) in cases {
        assert_eq!(line::span(seconds), text);
    }
}

#[test]
fn the_table_marks_what_it_does_not_know() {
    let text = status_text::text(SUBJECT, &board(), t(1.2));
    let row = text
        .lines()
        .find(|line| line.starts_with("Opus 5.5"))
        .unwrap();
    for part in [
        "/5,000",
        "?/5,000,000",
        "/1,000,000",
        "OTPM 21%",
        "call 0s ago",
        "other ?/7",
    ] {
        assert!(row.contains(part), "{part} in {row}");
    }
    assert!(text.contains("Message Batches"), "{text}");
    assert!(!text.contains('\u{202e}'));
}

#[test]
fn limits_tell_inherited_from_unread_and_keep_faults() {
    let (snapshot, ok) = (snapshot(), LimitsState::Ok);
    let report = limits::Limits::of(
        SUBJECT,
        ok.clone(),
        None,
        Some(&snapshot),
        Some("Build"),
        None,
        t(2.0),
    );
    let value = valid("limits", &report);
    let workspaces = &value["workspaces"];
    assert_eq!(workspaces[0]["overrides"][0]["effective"], 5_000);
    assert!(workspaces[1]["overrides"].is_null());
    assert_eq!(value["faults"][0], "entry 3 has no limits");
    let text = report.text();
    for part in [
        "looks like Build",
        "stored as 9,000, the organization's is lower",
        "could not be read",
        "entry 3",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let only = WorkspaceId::from("wrkspc_b");
    let report = limits::Limits::of(
        SUBJECT,
        ok,
        None,
        Some(&snapshot),
        None,
        Some(&only),
        t(2.0),
    );
    assert_eq!(
        valid("limits", &report)["workspaces"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let refused = Some("this key cannot read limits");
    let report = limits::Limits::of(
        SUBJECT,
        LimitsState::Refused,
        refused,
        None,
        None,
        None,
        t(2.0),
    );
    let value = valid("limits", &report);
    assert!(value["groups"].is_null() && value["workspaces"].is_null());
}

#[test]
fn a_call_is_told_attempt_by_attempt() {
    let timeline = timeline();
    let ended = call::Ended {
        cache: None,
        free: false,
        call: timeline.call(CallId(1)).unwrap(),
        text: Some("Hello!\u{1b}[31m"),
        cost_usd: Some(0.000_03),
        list_cost_usd: Some(0.000_03),
        unsent: None,
    };
    let value = valid("call", &call::Calls::of(&[ended]));
    let told = &value["calls"][0];
    assert_eq!(
        (&told["outcome"], &told["text"]),
        (&"ok".into(), &"Hello![31m".into())
    );
    assert_eq!(told["attempts"][0]["status"], 429);
    assert_eq!(told["attempts"][0]["slept_s"], 17.4);
    assert_eq!(told["attempts"][0]["decision"]["action"], "retry");
    let totals = &value["totals"];
    assert_eq!(
        (&totals["logical"], &totals["wire"]),
        (&1.into(), &2.into())
    );
    assert_eq!(totals["refused"]["output_tokens_per_minute"], 1);
    assert_eq!(totals["cost_usd"], 0.000_03);
    assert_eq!(totals["list_cost_usd"], 0.000_03);
    assert!(told["worker"].is_null(), "one call has no workers");

    let first = call_text::attempt(&ended.call.attempts[0]);
    assert_eq!(
        first,
        "attempt 1: 429 refused, after 0.2 s, req_1\n  output tokens per minute of Opus 5.5 are used up\n  asked 17 s, waits 17.4 s: asked\n"
    );
    let mut cut_short = ended.call.attempts[1].clone();
    for (outcome, said) in [
        (Outcome::Cancelled, "attempt 2: 200 cancelled, "),
        (Outcome::StreamTruncated, "attempt 2: 200 cut off, "),
    ] {
        cut_short.outcome = Some(outcome);
        let told = call_text::attempt(&cut_short);
        assert!(told.starts_with(said), "{told}");
    }
    let summary = call_text::summary(&ended);
    assert_eq!(
        summary,
        "ok: claude-opus-5-5 by hint-jitter in 2 wire calls, stop reason end_turn, in 14 · cached 0 · written 0 · out 9, about $0.000030\n"
    );
    let unknown = call::Ended {
        free: false,
        cost_usd: None,
        ..ended
    };
    assert!(valid("call", &call::Calls::of(&[ended, unknown]))["totals"]["cost_usd"].is_null());
}
