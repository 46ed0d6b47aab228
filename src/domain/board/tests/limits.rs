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

/// A profile need not name its key's workspace: `anthropic-workspace-id` of its own answers does. Traffic of
/// others says nothing of it.
#[test]
fn the_workspace_that_own_answers_name_lowers_the_gauges_and_is_no_change() {
    let poll = |value| {
        let lowered = Override {
            workspace: "wrkspc_a".into(),
            group: "rlg_opus55".into(),
            limiter: "requests_per_minute".into(),
            value,
            org_limit: Some(5_000),
        };
        let mut poll = snapshot(groups(), ORG);
        poll.overrides = vec![("wrkspc_a".into(), vec![lowered])];
        let what = What::Limits {
            state: LimitsState::Ok,
            error: None,
            snapshot: Some(Box::new(poll)),
        };
        seen(t(0.0), what)
    };
    let answer = |source| {
        let mut head = head(t(1.0), ORG, vec![level("requests_per_minute", 100, 90)]);
        if let What::Head { reading, .. } = &mut head.what {
            reading.workspace = Some("wrkspc_a".into());
        }
        head.source = source;
        head
    };
    let own =
        |board: &Board| view(board, "claude-opus-5-5", Dimension::Rpm, t(1.0)).workspace_limit;
    let mut board = Board::default();
    board.absorb(&poll(100));
    board.absorb(&answer(Source::Tap));
    assert_eq!((own(&board), board.workspace()), (None, None));
    let told = board.absorb(&answer(Source::Call));
    assert_eq!((own(&board), told.len()), (Some(100), 0), "{told:?}");
    // The other way round, as limits are read more slowly than an answer comes.
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    board.absorb(&answer(Source::Probe));
    assert!(!board.knows_workspace());
    let told = board.absorb(&poll(100));
    assert_eq!((own(&board), told.len()), (Some(100), 0), "{told:?}");
    let told = board.absorb(&poll(50));
    assert_eq!(told.len(), 1);
    assert!(
        told[0].sentence.starts_with("Workspace override: ")
            && told[0].sentence.ends_with("went from 100 to 50."),
        "{}",
        told[0].sentence
    );
}
