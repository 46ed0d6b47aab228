use super::*;
use rstest::rstest;

fn tiers() -> Tiers {
    toml::from_str(include_str!("../../../assets/tiers.toml")).unwrap()
}

fn group(model: &str, rows: &[(&str, u64)]) -> Group {
    Group {
        id: "rlg_EX".into(),
        entry: None,
        kind: GroupKind::ModelGroup,
        name: "named by the API".to_owned(),
        models: vec![model.into()],
        limits: limits(rows),
        guess: false,
    }
}

// Section 4.1.
#[rstest]
#[case("claude-opus-5-5", "Start", 1_000, 2_000_000, 400_000)]
#[case("claude-opus-4-6", "Build", 5_000, 5_000_000, 1_000_000)]
#[case("claude-sonnet-4-5-20250929", "Scale", 10_000, 10_000_000, 2_000_000)]
#[case("claude-haiku-4-5", "Scale", 10_000, 10_000_000, 2_000_000)]
#[case("claude-fable-5", "Start", 1_000, 500_000, 100_000)]
#[case("claude-fable-5-1", "Build", 2_000, 1_500_000, 300_000)]
#[case("claude-mythos-5", "Scale", 4_000, 4_000_000, 800_000)]
fn published_numbers(
    #[case] model: &str,
    #[case] tier: &str,
    #[case] rpm: u64,
    #[case] itpm: u64,
    #[case] otpm: u64,
) {
    let numbers = tiers().numbers(&model.into(), tier);
    assert_eq!(numbers, Some(Numbers { rpm, itpm, otpm }));
}

#[test]
fn a_tier_is_inferred_when_all_known_groups_agree() {
    let tiers = self::tiers();
    for name in ["Start", "Build", "Scale"] {
        let groups: Vec<Group> = tiers
            .guess_groups(Some(name))
            .into_iter()
            .map(|group| Group {
                guess: false,
                ..group
            })
            .collect();
        assert_eq!(tiers.infer(&groups), Some(name));
    }
    let build = group("claude-opus-5-5", &[(RPM, 5_000), (OTPM, 1_000_000)]);
    let scale = group("claude-sonnet-5-5", &[(RPM, 10_000)]);
    let stranger = group("claude-of-tomorrow", &[(RPM, 7)]);
    let silent = group("claude-haiku-4-5", &[]);
    let one = std::slice::from_ref(&build);
    assert_eq!(tiers.infer(one), Some("Build"));
    assert_eq!(
        tiers.infer(&[build.clone(), stranger.clone(), silent.clone()]),
        Some("Build")
    );
    assert_eq!(tiers.infer(&[build, scale]), None);
    assert_eq!(tiers.infer(&[stranger]), None);
    assert_eq!(tiers.infer(&[silent]), None);
    assert_eq!(tiers.infer(&[]), None);
}

// Section 4.1: the example values of the Rate Limits API guide match no current tier.
#[test]
fn custom_and_example_limits_look_like_no_tier() {
    let tiers = self::tiers();
    let example = group(
        "claude-opus-4-8",
        &[(RPM, 4_000), (ITPM_ALL, 10_000_000), (OTPM, 800_000)],
    );
    assert_eq!(tiers.infer(&[example]), None);
}

#[test]
fn a_plain_input_limit_stands_in_only_when_it_is_alone() {
    let tiers = self::tiers();
    let alone = group("claude-opus-5-5", &[(RPM, 1_000), (ITPM_ALL, 2_000_000)]);
    assert_eq!(tiers.infer(&[alone]), Some("Start"));
    let beside = group("claude-opus-5-5", &[(ITPM, 2_000_000), (ITPM_ALL, 50_000)]);
    assert_eq!(tiers.infer(&[beside]), Some("Start"));
}

#[test]
fn guesses_do_not_prove_themselves() {
    let tiers = self::tiers();
    assert_eq!(tiers.infer(&tiers.guess_groups(Some("Build"))), None);
}

// Section 4.3 and trap 4: never split or joined by the id's beginning.
#[rstest]
#[case("claude-opus-5-5", "claude-opus-5", false)]
#[case("claude-opus-4-8", "claude-opus-4-5-20251101", true)]
#[case("claude-sonnet-4-6", "claude-sonnet-4-5", true)]
#[case("claude-sonnet-5-5", "claude-sonnet-5", false)]
#[case("claude-haiku-5-5", "claude-haiku-4-5", false)]
#[case("claude-fable-5-1", "claude-fable-5", true)]
#[case("claude-fable-5-2", "claude-fable-5-1", false)]
#[case("claude-fable-5", "claude-mythos-5", false)]
fn who_shares_a_pool(#[case] a: &str, #[case] b: &str, #[case] shared: bool) {
    let tiers = self::tiers();
    assert_eq!(tiers.pool_of(&a.into()) == tiers.pool_of(&b.into()), shared);
    let groups = tiers.guess_groups(None);
    let holds = |model: &str| {
        let mut holding = groups
            .iter()
            .filter(|group| group.models.contains(&model.into()));
        let only = holding.next().unwrap();
        assert!(holding.next().is_none(), "{model} is in two pools");
        only.id.clone()
    };
    assert_eq!(holds(a) == holds(b), shared);
}

#[test]
fn without_a_tier_there_are_pools_but_no_numbers() {
    for group in tiers().guess_groups(None) {
        assert!(group.guess && group.limits.is_empty() && !group.models.is_empty());
        assert_eq!(group.kind, GroupKind::ModelGroup);
    }
    let with = tiers().guess_groups(Some("Start"));
    let batch = with
        .iter()
        .find(|group| group.kind == GroupKind::Batch)
        .unwrap();
    assert_eq!(value(batch, RPM), Some(1_000));
    assert_eq!(value(batch, QUEUE), Some(200_000));
    assert!(with.iter().all(|group| group.guess));
}

#[test]
fn names_and_ends() {
    let tiers = self::tiers();
    assert_eq!(tiers.name_of(&"claude-opus-5-5".into()), Some("Opus 5.5"));
    assert_eq!(
        tiers.ends(&"claude-sonnet-4-5-20250929".into()),
        NaiveDate::from_ymd_opt(2026, 11, 30)
    );
    assert_eq!(tiers.ends(&"claude-opus-5-5".into()), None);
    assert_eq!(tiers.pool_of(&"claude-opus-4-1".into()), None);
}
