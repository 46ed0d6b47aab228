//! What heads change on the board: gauges, whose board it is, and that no header came.

use super::*;

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

/// The same without an Admin key: nothing but what we draw ourselves is known, and that is.
#[test]
fn without_headers_and_without_limits_the_own_burn_is_still_counted() {
    let tiers = toml::from_str(include_str!("../../../../assets/tiers.toml")).unwrap();
    let mut board = Board::new(None, Arc::new(tiers));
    let absent = What::Limits {
        state: LimitsState::Absent,
        error: None,
        snapshot: None,
    };
    board.absorb(&seen(t(0.0), absent));
    for id in 1..=4_u32 {
        let at = t(f64::from(id));
        let of = |seen: Observation| Observation {
            call: Some(CallId(id.into())),
            ..seen
        };
        board.absorb(&of(seen(at, What::Sent)));
        board.absorb(&of(head(at, ORG, Vec::new())));
    }
    let pool = board.pool_of(&"claude-opus-5-5".into()).unwrap();
    let (_, gauge, view) = pool.burns_first(t(5.0)).unwrap();
    assert_eq!(
        (gauge.dimension, view.state),
        (Dimension::Rpm, GaugeState::NoData)
    );
    assert!(view.own_burn_per_min.is_some_and(|own| own > 0.0));
}
