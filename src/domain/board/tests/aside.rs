//! Groups that serve no model.

use super::*;

#[test]
fn counting_tokens_draws_from_its_own_group_and_from_no_model() {
    let mut board = Board::default();
    let mut groups = groups();
    groups.push(Group {
        id: "rlg_count".into(),
        entry: None,
        kind: GroupKind::TokenCount,
        name: "Token counting".into(),
        models: vec![],
        limits: vec![ConfiguredLimit {
            limiter: "requests_per_minute".into(),
            value: 4_000,
        }],
        guess: false,
    });
    board.absorb(&limits(groups));
    let counted = |at, status| {
        seen(
            at,
            What::Aside {
                group: GroupKind::TokenCount,
                status: Some(status),
                verdict: None,
            },
        )
    };
    for s in 0..5 {
        assert!(board.absorb(&counted(t(f64::from(s)), 200)).is_empty());
    }
    let own = |board: &Board, kind: GroupKind| {
        let pool = board.pools().iter().find(|pool| pool.kind == kind).unwrap();
        let rpm = pool.gauge(Dimension::Rpm, Family::Standard).unwrap();
        rpm.view(t(5.0)).own_burn_per_min.unwrap_or(0.0)
    };
    assert!(own(&board, GroupKind::TokenCount) > 10.0);
    assert!(own(&board, GroupKind::ModelGroup).abs() < 1e-9);
}
