use super::{field::ANY, *};
use crate::domain::{id::CallId, load::plan::MOST_CALLS, spend::Prices};
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case(Field::Model, "", "name a model")]
#[case(Field::Model, "claude opus", "a model's name has no spaces")]
#[case(Field::Prompt, " \n ", "empty: the API wants some text")]
#[case(Field::MaxTokens, "0", "at least 1")]
#[case(Field::MaxTokens, "", "a number is missing")]
#[case(Field::MaxTokens, "-5", "a whole number, please")]
#[case(Field::MaxTokens, "1e3", "a whole number, please")]
#[case(Field::MaxTokens, "99999999999999", "at most 1,000,000")]
#[case(Field::Attempts, "0", "at least 1")]
#[case(Field::Attempts, "21", "at most 20")]
#[case(Field::Workers, "0", "at least 1")]
#[case(Field::Workers, "257", "at most 256")]
#[case(Field::Rate, "-3", "above 0 and at most 2000 a second")]
#[case(Field::Calls, "0", "at least 1")]
#[case(Field::Calls, "2000000", "at most 1,000,000")]
#[case(Field::Duration, "0 s", "above 0 and at most a week")]
#[case(Field::Deadline, "soon", "a time, please, such as 30 s or 2 min")]
#[case(Field::Ramp, "1 steps over 3 s", "from 2 to 1000 steps")]
fn a_bad_value_is_refused_with_a_reason(
    #[case] field: Field,
    #[case] text: &str,
    #[case] why: &str,
) {
    let mut form = Form {
        model: "claude-haiku-4-5".into(),
        ..Form::default()
    };
    let before = form.clone();
    assert_eq!(form.set(field, text), Err(why.to_owned()));
    assert_eq!(form, before);
}

#[test]
fn absurd_lengths_are_refused() {
    assert!(Field::Model.problem(&"m".repeat(129)).is_some());
    assert!(Field::Prompt.problem(&"p".repeat(PROMPT_MAX + 1)).is_some());
    assert!(Field::Prompt.problem(&"p".repeat(PROMPT_MAX)).is_none());
}

#[test]
fn without_a_number_of_its_own_the_policys_counts() {
    let mut form = Form::default();
    assert_eq!(form.attempts(), 5);
    form.set(Field::Policy, "sdk").unwrap();
    assert_eq!(form.attempts(), 3);
    form.set(Field::Attempts, "9").unwrap();
    form.set(Field::Policy, "none").unwrap();
    assert_eq!(form.attempts(), 9);
    form.set(Field::Attempts, "").unwrap();
    assert_eq!(form.attempts(), 1);
}

#[test]
fn without_a_number_of_calls_there_is_one_for_each_worker_or_as_many_as_fit() {
    let mut form = Form {
        model: "claude-haiku-4-5".into(),
        ..Form::default()
    };
    assert!(form.is_single());
    form.set(Field::Workers, "32").unwrap();
    assert_eq!(
        (form.load_plan().calls, form.is_single()),
        (Some(32), false)
    );
    form.set(Field::Duration, "2 min").unwrap();
    assert_eq!(form.load_plan().calls, Some(MOST_CALLS));
    assert_eq!(form.text(Field::Calls), ANY);
    assert_eq!(form.estimate(&Prices::default()).calls, None);
    form.set(Field::Rate, "5/s").unwrap();
    assert_eq!(form.estimate(&Prices::default()).calls, Some(600));
    form.set(Field::Calls, "7").unwrap();
    form.set(Field::Ending, "refusal").unwrap();
    assert_eq!(form.estimate(&Prices::default()).calls, Some(7));
    assert_eq!(form.problem(), None);
    assert_eq!(Form::default().again(&form.run(CallId(9))), form);
}

#[test]
fn a_batch_has_as_many_requests_as_calls_at_half_the_price_and_no_pace() {
    let mut form = Form {
        model: "claude-opus-5-5".into(),
        workers: 4,
        ..Form::default()
    };
    form.set(Field::Batch, "a batch, half price").unwrap();
    assert_eq!((form.requests(), form.is_single()), (4, false));
    let prices: Prices = toml::from_str(include_str!("../../../../assets/prices.toml")).unwrap();
    let half = form.estimate(&prices).usd.unwrap();
    form.batch = false;
    let whole = form.estimate(&prices).usd.unwrap();
    assert!((half * 2.0 - whole).abs() < 1e-12, "{half} {whole}");
    form.batch = true;
    form.calls = Some(7);
    let asked = form.batch_order(CallId(9));
    assert_eq!(asked.requests, 7);
    assert_eq!(
        Form {
            workers: 1,
            ..form.clone()
        },
        Form::default().again_as_batch(&asked)
    );
    assert_eq!(form.no_batch(), None);
    for (field, text) in [
        (Field::Rate, "5/s"),
        (Field::Duration, "1 min"),
        (Field::Pace, "live"),
        (Field::Spread, "a,b"),
        (Field::Ending, "refusal"),
        (Field::Calls, "100001"),
    ] {
        let mut wrong = form.clone();
        wrong.set(field, text).unwrap();
        assert_eq!(wrong.no_batch().map(|it| it.0), Some(field));
        wrong.batch = false;
        assert_eq!(wrong.no_batch(), None);
    }
}

#[test]
fn an_empty_model_is_a_problem_and_named() {
    assert_eq!(
        Form::default().problem(),
        Some((Field::Model, "name a model".into()))
    );
}

proptest! {
    #[test]
    fn whatever_is_taken_comes_back_as_text(text in "\\PC{0,40}", which in 0_usize..Field::ALL.len()) {
        let field = Field::ALL[which];
        let mut form = Form::default();
        if form.set(field, &text).is_ok() {
            let shown = form.text(field);
            prop_assert!(field.problem(&shown).is_none());
            let mut again = form.clone();
            prop_assert!(again.set(field, &shown).is_ok());
            prop_assert_eq!(again, form);
        }
    }

    #[test]
    fn turning_never_leaves_the_valid_range(turns in prop::collection::vec((0_usize..Field::ALL.len(), any::<bool>()), 0..60)) {
        let models = vec!["claude-opus-5-5".to_owned(), "claude-haiku-4-5".to_owned()];
        let mut form = Form { model: models[0].clone(), ..Form::default() };
        for (which, up) in turns {
            form.turn(Field::ALL[which], if up { 1 } else { -1 }, &models);
            prop_assert_eq!(form.problem(), None);
        }
    }
}
