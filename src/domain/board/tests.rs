use super::*;
use crate::domain::{
    gauge::GaugeState,
    headers::{Hint, Level, Reading},
    id::{CallId, Limiter},
    limit::{Dimension, Family},
    observation::{CallResult, Source},
    org::{ConfiguredLimit, GroupKind, LimitsSnapshot},
    outcome::{ApiError, Outcome},
    time::after,
    usage::Usage,
};

pub(super) const ORG: &str = "8a5ffd5c-0000-4000-8000-000000000001";

pub(super) fn t(s: f64) -> Time {
    after("2026-11-24T12:00:00Z".parse().unwrap(), s)
}

fn group(id: &str, name: &str, models: &[&str], limits: &[(&str, u64)]) -> Group {
    Group {
        id: id.into(),
        entry: None,
        kind: GroupKind::ModelGroup,
        name: name.to_owned(),
        models: models.iter().map(|m| ModelId::from(*m)).collect(),
        limits: limits
            .iter()
            .map(|(limiter, value)| ConfiguredLimit {
                limiter: (*limiter).into(),
                value: *value,
            })
            .collect(),
        guess: false,
    }
}

/// Build tier numbers of the rate-limits page for Opus 5.5, and an older pool.
pub(super) fn groups() -> Vec<Group> {
    vec![
        group(
            "rlg_opus55",
            "Claude Opus 5.5",
            &["claude-opus-5-5"],
            &[
                ("requests_per_minute", 5_000),
                ("input_tokens_per_minute_cache_aware", 5_000_000),
                ("output_tokens_per_minute", 1_000_000),
            ],
        ),
        group(
            "rlg_opus4",
            "Claude Opus 4.x",
            &["claude-opus-4-8", "claude-opus-4-7"],
            &[("requests_per_minute", 5_000)],
        ),
    ]
}

pub(super) fn snapshot(groups: Vec<Group>, organization: &str) -> LimitsSnapshot {
    LimitsSnapshot {
        at: t(0.0),
        organization: Some(Organization {
            id: organization.into(),
            name: "Acme Corp".to_owned(),
        }),
        groups,
        workspaces: Vec::new(),
        overrides: Vec::new(),
        faults: Vec::new(),
    }
}

pub(super) fn seen(at: Time, what: What) -> Observation {
    Observation {
        at,
        source: Source::Call,
        call: Some(CallId(1)),
        attempt: Some(1),
        client: Some("me".into()),
        organization: None,
        workspace: None,
        model: Some("claude-opus-5-5".into()),
        fast: false,
        what,
    }
}

pub(super) fn limits(groups: Vec<Group>) -> Observation {
    let snapshot = Some(Box::new(snapshot(groups, ORG)));
    seen(
        t(0.0),
        What::Limits {
            state: LimitsState::Ok,
            error: None,
            snapshot,
        },
    )
}

pub(super) fn level(limiter: &str, limit: u64, remaining: u64) -> Level {
    let limiter = Limiter::from(limiter);
    let (dimension, family) = (limiter.dimension(), limiter.family());
    Level {
        limiter,
        dimension,
        family,
        limit,
        remaining,
        full_in_s: None,
    }
}

pub(super) fn head(at: Time, organization: &str, levels: Vec<Level>) -> Observation {
    let reading = Reading {
        at,
        date: None,
        organization: Some(organization.into()),
        workspace: None,
        request: None,
        hint: Hint::default(),
        levels,
        unified: None,
        unknown: Vec::new(),
        raw: Vec::new(),
    };
    seen(
        at,
        What::Head {
            status: 200,
            reading,
            first_byte_s: 0.0,
        },
    )
}

fn view(
    board: &Board,
    model: &str,
    dimension: Dimension,
    at: Time,
) -> super::super::gauge::GaugeView {
    let pool = board.pool_of(&model.into()).unwrap();
    pool.gauge(dimension, Family::Standard).unwrap().view(at)
}

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
fn the_plain_input_limiter_gets_the_input_headers_only_where_it_is_the_one() {
    let plain = ("input_tokens_per_minute", 2_000_000);
    let mut board = Board::default();
    board.absorb(&limits(vec![group(
        "rlg_a",
        "A",
        &["claude-opus-5-5"],
        &[plain],
    )]));
    board.absorb(&head(
        t(0.0),
        ORG,
        vec![level(
            "input_tokens_per_minute_cache_aware",
            2_000_000,
            1_000_000,
        )],
    ));
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::ItpmAll, t(0.0)).remaining,
        Some(1_000_000)
    );
    // Both configured: two gauges, told apart by the limit in the header.
    let both = [plain, ("input_tokens_per_minute_cache_aware", 5_000_000)];
    board.absorb(&limits(vec![group(
        "rlg_a",
        "A",
        &["claude-opus-5-5"],
        &both,
    )]));
    board.absorb(&head(
        t(1.0),
        ORG,
        vec![level(
            "input_tokens_per_minute_cache_aware",
            5_000_000,
            4_000_000,
        )],
    ));
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::Itpm, t(1.0)).reading,
        Some(4_000_000)
    );
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::ItpmAll, t(1.0)).reading,
        Some(1_000_000)
    );
}

#[test]
fn another_organizations_traffic_never_touches_the_profiles_gauges() {
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    let mut stranger = head(
        t(1.0),
        "other-org",
        vec![level("requests_per_minute", 50, 3)],
    );
    stranger.source = Source::Tap;
    board.absorb(&stranger);
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::Rpm, t(1.0)).state,
        GaugeState::LimitOnly
    );
    assert_eq!(board.foreign().len(), 1);
    assert_eq!(board.sources().headers_at, None);
}

#[test]
fn an_admin_key_of_another_organization_leaves_headers_only() {
    let mut board = Board::new(None, Arc::default());
    board.absorb(&limits(groups()));
    let told = board.absorb(&head(
        t(1.0),
        "own-org",
        vec![level("requests_per_minute", 50, 49)],
    ));
    assert_eq!(board.sources().limits, Some(LimitsState::OtherOrganization));
    assert!(told[0].sentence.contains("own-org") && told[0].sentence.contains(ORG));
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::Rpm, t(1.0)).limit,
        None
    );
    board.absorb(&limits(groups()));
    assert_eq!(
        board.sources().limits,
        Some(LimitsState::OtherOrganization),
        "and it stays so"
    );
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::Rpm, t(1.0)).limit,
        None
    );
}

#[test]
fn a_fast_response_leaves_the_standard_gauges_alone() {
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    board.absorb(&head(
        t(0.0),
        ORG,
        vec![level("output_tokens_per_minute", 1_000_000, 900_000)],
    ));
    let mut fast = head(
        t(1.0),
        ORG,
        vec![
            level("fast_otpm", 100_000, 1_000),
            level("output_tokens_per_minute", 1_000_000, 5_000),
        ],
    );
    fast.fast = true;
    board.absorb(&fast);
    assert_eq!(
        view(&board, "claude-opus-5-5", Dimension::Otpm, t(1.0)).reading,
        Some(900_000)
    );
    let pool = board.pool_of(&"claude-opus-5-5".into()).unwrap();
    assert_eq!(
        pool.gauge(Dimension::Otpm, Family::Fast)
            .unwrap()
            .view(t(1.0))
            .reading,
        Some(1_000)
    );
}

#[test]
fn readings_made_before_the_first_poll_move_into_the_pool_that_the_api_names() {
    let mut board = Board::default();
    board.absorb(&head(
        t(0.0),
        ORG,
        vec![level("requests_per_minute", 5_000, 4_900)],
    ));
    assert!(board.pools()[0].guess);
    board.absorb(&limits(groups()));
    assert_eq!(board.pools().len(), 2);
    let rpm = view(&board, "claude-opus-5-5", Dimension::Rpm, t(1.0));
    assert_eq!((rpm.reading, rpm.limit), (Some(4_900), Some(5_000)));
    assert!(!board.pools()[0].guess);
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
fn own_usage_is_drawn_as_it_is_seen_and_a_refused_estimate_comes_back() {
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    board.absorb(&head(
        t(0.0),
        ORG,
        vec![
            level("input_tokens_per_minute_cache_aware", 5_000_000, 4_000_000),
            level("output_tokens_per_minute", 1_000_000, 500_000),
        ],
    ));
    let began = What::Began {
        policy: "none".into(),
        attempts: Some(1),
        stream: true,
        input_estimate: 90_000,
    };
    board.absorb(&seen(t(1.0), began));
    board.absorb(&seen(t(1.0), What::Sent));
    let own = |board: &Board, d| view(board, "claude-opus-5-5", d, t(1.0)).own_burn_per_min;
    assert!(own(&board, Dimension::Itpm).is_some_and(|burn| burn > 0.0));
    let refusal = What::Finished {
        outcome: Outcome::Refused {
            status: 429,
            error: ApiError::default(),
            hint: Hint::default(),
        },
        usage: None,
        duration_s: 0.1,
        verdict: None,
    };
    board.absorb(&seen(t(1.0), refusal));
    assert_eq!(own(&board, Dimension::Itpm), Some(0.0));

    board.absorb(&seen(t(1.0), What::Sent));
    let usage = Usage {
        input_tokens: 60_000,
        output_tokens: 100,
        ..Usage::default()
    };
    board.absorb(&seen(t(1.0), What::Progress { usage }));
    let done = Usage {
        output_tokens: 900,
        ..usage
    };
    let whole = What::Finished {
        outcome: Outcome::Complete {
            status: 200,
            stop_reason: None,
        },
        usage: Some(done),
        duration_s: 2.0,
        verdict: None,
    };
    board.absorb(&seen(t(1.0), whole));
    board.absorb(&seen(
        t(1.0),
        What::Closed {
            result: CallResult::Ok,
        },
    ));
    let at = |d| {
        view(&board, "claude-opus-5-5", d, t(5.0))
            .own_burn_per_min
            .unwrap()
    };
    assert!(
        (at(Dimension::Itpm) - 60_000.0 * 4.0).abs() < 1.0,
        "{}",
        at(Dimension::Itpm)
    );
    assert!(
        (at(Dimension::Otpm) - 900.0 * 4.0).abs() < 1.0,
        "{}",
        at(Dimension::Otpm)
    );
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

/// Some accounts and gateways send no rate-limit headers at all (claude-api: the cases of 2.3).
#[test]
fn answers_without_headers_are_counted_and_the_pool_that_burns_first_is_known() {
    let mut board = Board::new(None, Arc::default());
    board.absorb(&limits(groups()));
    let answer = |id: u64, at: Time, status, levels| {
        let mut sent = seen(at, What::Sent);
        sent.call = Some(CallId(id));
        let mut head = head(at, ORG, levels);
        head.call = sent.call;
        let What::Head { status: of, .. } = &mut head.what else {
            unreachable!("a head")
        };
        *of = status;
        [sent, head]
    };
    let pool = |board: &Board| board.pool_of(&"claude-opus-5-5".into()).cloned().unwrap();
    for id in 0..3 {
        for seen in answer(id, t(id as f64), 200, vec![]) {
            board.absorb(&seen);
        }
    }
    for seen in answer(3, t(3.0), 529, vec![]) {
        board.absorb(&seen);
    }
    assert_eq!(pool(&board).bare_answers, 3, "a 529 never has any");
    assert_eq!(board.sources().bare_answers, 3);
    assert!(pool(&board).tightest(t(4.0)).is_none());
    let opus = pool(&board);
    let (share, gauge, view) = opus.burns_first(t(4.0)).unwrap();
    assert_eq!(gauge.dimension, Dimension::Rpm);
    assert!(share > 0.0 && view.own_burn_per_min.is_some());
    for seen in answer(
        4,
        t(5.0),
        200,
        vec![level("requests_per_minute", 5_000, 4_990)],
    ) {
        board.absorb(&seen);
    }
    assert_eq!(
        (pool(&board).bare_answers, board.sources().bare_answers),
        (0, 0)
    );
}
