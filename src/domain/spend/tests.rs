use super::*;
use crate::domain::usage::{CacheCreation, Usage};
use proptest::prelude::*;
use rstest::rstest;

fn prices() -> Prices {
    toml::from_str(include_str!("../../../assets/prices.toml")).unwrap()
}

fn used(input: u64, output: u64) -> Usage {
    Usage {
        input_tokens: input,
        output_tokens: output,
        ..Usage::default()
    }
}

fn cost(model: &str, usage: &Usage) -> f64 {
    prices().cost(&model.into(), usage).unwrap()
}

// Section 10's table: input and output for a million tokens each.
#[rstest]
#[case("claude-fable-5-2", 48.0)]
#[case("claude-mythos-5-2", 48.0)]
#[case("claude-fable-5-1", 60.0)]
#[case("claude-fable-5", 60.0)]
#[case("claude-opus-5-5", 24.0)]
#[case("claude-opus-4-8", 30.0)]
#[case("claude-opus-4-5-20251101", 30.0)]
#[case("claude-sonnet-5-5", 12.0)]
#[case("claude-sonnet-5", 12.0)]
#[case("claude-sonnet-4-5-20250929", 18.0)]
#[case("claude-haiku-4-5", 6.0)]
#[case("claude-haiku-4-5-20251001", 6.0)]
fn the_price_table(#[case] model: &str, #[case] usd: f64) {
    let got = cost(model, &used(1_000_000, 1_000_000));
    assert!((got - usd).abs() < 1e-9, "{model}: {got}");
}

// Section 10: more than 100,000 tokens of prompt cost the long rates as a whole.
#[rstest]
#[case(100_000, 0, 0.01)]
#[case(100_001, 0, 0.050_000_5)]
#[case(60_000, 60_000, 0.033)]
fn a_long_prompt_of_haiku_costs_more_as_a_whole(
    #[case] input: u64,
    #[case] cached: u64,
    #[case] usd: f64,
) {
    let usage = Usage {
        cache_read_input_tokens: cached,
        ..used(input, 0)
    };
    let got = cost("claude-haiku-5-5", &usage);
    assert!((got - usd).abs() < 1e-9, "{got}");
    let more = cost(
        "claude-haiku-5-5",
        &Usage {
            output_tokens: 1_000_000,
            ..usage
        },
    );
    let output = if input + cached > 100_000 { 2.5 } else { 0.5 };
    assert!((more - got - output).abs() < 1e-9);
}

#[test]
fn cache_writes_and_reads_have_prices_of_their_own() {
    let usage = Usage {
        cache_creation_input_tokens: 1_000_000,
        cache_read_input_tokens: 1_000_000,
        ..Usage::default()
    };
    assert!((cost("claude-opus-5-5", &usage) - 8.2).abs() < 1e-9);
    // Not published: an upper bound.
    assert!((cost("claude-fable-5-2", &usage) - 24.0).abs() < 1e-9);
}

// Section 9: a write for five minutes is cheaper; an answer that does not say counts as the dearer.
#[test]
fn a_write_for_five_minutes_costs_less_than_one_for_an_hour() {
    let written = |short, long| Usage {
        cache_creation_input_tokens: 1_000_000,
        cache_creation: CacheCreation {
            ephemeral_5m_input_tokens: short,
            ephemeral_1h_input_tokens: long,
        },
        ..Usage::default()
    };
    let of = |short, long| cost("claude-opus-5-5", &written(short, long));
    assert!((of(1_000_000, 0) - 5.0).abs() < 1e-9);
    assert!((of(0, 1_000_000) - 8.0).abs() < 1e-9);
    assert!((of(400_000, 600_000) - 6.8).abs() < 1e-9);
    assert!((of(0, 0) - 8.0).abs() < 1e-9, "not said");
    // More than was written cannot have been for five minutes.
    assert!((of(9_000_000, 0) - 5.0).abs() < 1e-9);
}

#[test]
fn a_probe_costs_what_the_notes_say() {
    // Section 9: 8 to 10 input and 1 output token.
    for (model, about) in [
        ("claude-haiku-4-5", 0.000_015),
        ("claude-sonnet-5-5", 0.000_03),
        ("claude-opus-5-5", 0.000_06),
        ("claude-fable-5-2", 0.000_12),
    ] {
        let got = cost(model, &used(10, 1));
        assert!((got - about).abs() / about < 0.1, "{model}: {got}");
    }
}

#[test]
fn an_unknown_model_has_no_price() {
    let prices = self::prices();
    for model in [
        "claude-of-tomorrow",
        "",
        "-20251001",
        "claude-haiku-4-5-2025100",
    ] {
        assert_eq!(prices.cost(&model.into(), &used(1, 1)), None, "{model}");
        assert_eq!(prices.upper_bound(&model.into(), &used(1, 1)), None);
    }
}

#[test]
fn refusals_say_the_numbers_and_what_to_do() {
    let spend = Spend {
        session_usd: 0.1,
        day_usd: 0.98,
        session_cap_usd: Some(0.5),
        day_cap_usd: Some(1.0),
        ..Spend::default()
    };
    assert_eq!(spend.check(Some(0.02)), Ok(()));
    assert_eq!(
        spend.check(Some(0.05)).unwrap_err(),
        "today's cap of $1.00 is reached: $0.98 spent, this call may cost $0.05; raise \
         spend.day_usd or wait for 00:00 UTC"
    );
    assert_eq!(
        spend.check(Some(0.41)).unwrap_err(),
        "this session's cap of $0.50 is reached: $0.10 spent, this call may cost $0.41; raise \
         spend.session_usd or --max-spend"
    );
    assert!(spend.check(None).unwrap_err().contains("not known"));
    assert!(spend.check(Some(f64::NAN)).is_err());
    let read_only = Spend {
        read_only: true,
        ..Spend::default()
    };
    assert!(
        read_only
            .check(Some(0.0))
            .unwrap_err()
            .contains("--read-only")
    );
    for free in [spend, read_only] {
        let free = Spend { free: true, ..free };
        assert_eq!(free.check(Some(100.0)), Ok(()));
        assert_eq!(free.check(None), Ok(()));
    }
    assert_eq!(Spend::default().check(None), Ok(()));
}

#[rstest]
#[case(0.0, "$0.00")]
#[case(1.0, "$1.00")]
#[case(0.98, "$0.98")]
#[case(0.005_19, "$0.0052")]
#[case(0.000_015, "$0.000015")]
#[case(1e-300, "$0.000000000")]
fn small_amounts_keep_two_digits(#[case] usd: f64, #[case] text: &str) {
    assert_eq!(dollars(usd), text);
}

proptest! {
    #[test]
    fn the_bound_holds_and_what_passes_stays_below_the_cap(
        estimate in 0..3_000_000u64,
        max_tokens in 1..100_000u32,
        share in 0.0..1.0f64,
        spent in 0.0..2.0f64,
        cap in 0.0..2.0f64,
    ) {
        let prices = self::prices();
        for (model, _) in &prices.models {
            let bound = prices.upper_bound(model, &used(estimate, u64::from(max_tokens))).unwrap();
            let output = (f64::from(max_tokens) * share) as u64;
            prop_assert!(prices.cost(model, &used(estimate, output)).unwrap() <= bound);
            let spend = Spend { day_usd: spent, day_cap_usd: Some(cap), ..Spend::default() };
            if spend.check(Some(bound)).is_ok() {
                prop_assert!(spent + bound <= cap + 1e-8);
            }
        }
    }
}
