//! What polls of limits change on the board.

use super::*;

#[test]
fn limits_make_pools_and_headers_fill_them_by_membership_not_by_prefix() {
    let mut board = Board::default();
    assert!(
        board.absorb(&limits(groups())).is_empty(),
        "a first poll changes nothing"
    );
    let mut other = head(
        t(1.0),
        ORG,
        vec![level("requests_per_minute", 5_000, 4_000)],
    );
    other.model = Some("claude-opus-4-7".into());
    board.absorb(&other);
    assert_eq!(
        view(&board, "claude-opus-4-8", Dimension::Rpm, t(1.0)).remaining,
        Some(4_000)
    );
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::Rpm, t(1.0)).state,
        GaugeState::LimitOnly
    );
}

#[test]
fn a_limit_that_changed_between_two_polls_is_told() {
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    let mut lower = groups();
    lower[0].limits[2].value = 400_000;
    let told = board.absorb(&limits(lower));
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].sentence,
        "Claude Opus 5.5: output tokens per minute went from 1,000,000 to 400,000."
    );
    assert_eq!(told[0].weight, Weight::Warning);
    assert!(
        board
            .absorb(&limits(groups()[..1].to_vec()))
            .iter()
            .any(|d| d.sentence.contains("no longer"))
    );
}

#[test]
fn a_failed_poll_keeps_what_was_known() {
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    let failed = What::Limits {
        state: LimitsState::Failed,
        error: Some("no answer from api.anthropic.com".to_owned()),
        snapshot: None,
    };
    let told = board.absorb(&seen(t(9.0), failed));
    assert_eq!(board.pools().len(), 2);
    assert_eq!(board.sources().limits_at, Some(t(0.0)));
    assert_eq!(told.len(), 1);
}

#[test]
fn an_override_lowers_the_gauge_and_absent_means_inherited() {
    let mut board = Board::new(Some("wrkspc_a".into()), Arc::default());
    let mut poll = snapshot(groups(), ORG);
    let stored = |value| Override {
        workspace: "wrkspc_a".into(),
        group: "rlg_opus55".into(),
        limiter: "requests_per_minute".into(),
        value,
        org_limit: Some(5_000),
    };
    poll.overrides = vec![("wrkspc_a".into(), vec![stored(100)])];
    let what = |poll: &LimitsSnapshot| What::Limits {
        state: LimitsState::Ok,
        error: None,
        snapshot: Some(Box::new(poll.clone())),
    };
    board.absorb(&seen(t(0.0), what(&poll)));
    let rpm = view(&board, "claude-opus-5-5", Dimension::Rpm, t(0.0));
    assert_eq!(
        (rpm.limit, rpm.workspace_limit, rpm.effective_limit),
        (Some(5_000), Some(100), Some(100))
    );
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::Otpm, t(0.0)).effective_limit,
        Some(1_000_000)
    );
    poll.overrides = vec![("wrkspc_a".into(), vec![stored(9_000)])];
    board.absorb(&seen(t(0.0), what(&poll)));
    let rpm = view(&board, "claude-opus-5-5", Dimension::Rpm, t(0.0));
    assert_eq!(
        rpm.effective_limit,
        Some(5_000),
        "an override above the organization's is not enforced"
    );
    poll.overrides = vec![("wrkspc_a".into(), vec![])];
    board.absorb(&seen(t(0.0), what(&poll)));
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::Rpm, t(0.0)).effective_limit,
        Some(5_000)
    );
}
