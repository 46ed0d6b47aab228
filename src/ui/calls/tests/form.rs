//! The form: what is typed and chosen, refused, counted.

use super::{SIZES, Stage, card, snap};
use crate::{
    app::{effect::Effect, event::Event},
    domain::{count::Count, id::CallId, retry::Policy, timeline::fixtures::t},
};

#[test]
fn an_invalid_value_is_refused_in_its_field() {
    let mut stage = Stage::new().typing("jje\x08\x08\x080\n");
    snap("invalid", &stage, 3);
    // Nothing was taken, nothing is sent while it is edited.
    assert!(stage.sent.is_empty());
    stage.keys("\x1b\n");
    assert!(
        matches!(stage.sent.as_slice(), [Effect::Call(order)] if order.max_tokens == 256 && order.call == CallId(1))
    );
}

#[test]
fn choosing_a_policy_shows_every_rule() {
    let stage = Stage::new().typing("jjjjjje");
    snap("policies", &stage, 3);
    let screen = stage.screen(SIZES[0]);
    for policy in Policy::ALL {
        let line = format!("{}  {}", policy.name(), policy.rule());
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&screen).contains(&words(&line)), "{line}: {screen}");
    }
}

/// Each rule is whole where the policy was chosen, beside all other fields; in less room while the
/// policy is the selected field.
#[test]
fn the_rule_of_the_chosen_policy_is_whole_on_every_screen() {
    for (at, policy) in Policy::ALL.iter().enumerate() {
        let mut card = card();
        card.form.policy = *policy;
        let form = |screen: &str| {
            // The left column, without its borders.
            let lines = screen.lines().map(|line| {
                let line: String = line.chars().skip(1).take(33).collect();
                line.trim().to_owned()
            });
            lines.collect::<Vec<_>>().join(" ")
        };
        let stage = Stage::with(card.clone());
        let screen = form(&stage.screen(SIZES[0]));
        assert!(screen.contains(policy.rule()), "{at}: {screen}");
        for field in ["retries", "send as"] {
            assert!(screen.contains(field), "{screen}");
        }
        let selected = stage.typing("jjjjjj");
        for size in [(100, 24), (80, 24), (40, 12)] {
            let screen = selected.screen(size);
            let words: Vec<&str> = screen
                .split([' ', '\n', '│'])
                .filter(|it| !it.is_empty())
                .collect();
            let rule: Vec<&str> = policy.rule().split(' ').collect();
            let whole = match size {
                // Beside what stands on the right.
                (100, _) => form(&screen).contains(policy.rule()),
                (40, _) => words.windows(rule.len()).any(|it| it == rule),
                _ => rule.iter().all(|word| words.contains(word)),
            };
            assert!(whole, "{size:?}: {screen}");
        }
    }
}

#[test]
fn what_may_not_be_sent_is_said_and_not_sent() {
    let mut read_only = card();
    read_only.spend.read_only = true;
    let mut keyless = card();
    keyless.can_call = false;
    keyless.cannot_call_because = Some("Set ANTHROPIC_API_KEY to make calls.".into());
    for (card, sentence) in [(read_only, "Read only"), (keyless, "Set ANTHROPIC_API_KEY")] {
        let stage = Stage::with(card).typing("\n");
        assert!(stage.sent.is_empty());
        assert!(stage.app.toast().unwrap().text.contains(sentence));
    }
}

#[test]
fn counted_tokens_stand_in_the_cost_until_the_prompt_changes() {
    let mut stage = Stage::new().typing("n");
    let Some(Effect::Count(order)) = stage.sent.pop() else {
        panic!("{:?}", stage.sent);
    };
    let count = |tokens| {
        Box::new(Count {
            order: order.clone(),
            tokens,
            verdict: None,
        })
    };
    let profile: std::sync::Arc<str> = "prod".into();
    let told = |count| Event::Counted {
        profile: profile.clone(),
        count,
    };
    stage.app.update(told(count(Some(4_321))), t(0.0));
    assert!(stage.screen((120, 36)).contains("4321 in + at most"));
    let toast = stage.app.toast().map(|toast| toast.text.as_str());
    assert_eq!(toast, Some("claude-opus-5-5: 4,321 input tokens."));
    let stage = stage.typing("je!\n");
    assert!(stage.screen((120, 36)).contains("about "));
}

/// A time-out may be paid as well as the attempt in its place: "at most" is of answered ones.
#[test]
fn the_cost_box_says_which_attempts_its_bound_is_of() {
    for (policy, told) in [(Policy::Sdk, true), (Policy::RetryAfter, false)] {
        let mut card = card();
        card.form.policy = policy;
        let screen = Stage::with(card).screen((120, 36));
        let price = screen
            .lines()
            .find(|line| line.contains("at most $"))
            .unwrap();
        assert_eq!(
            price.contains("at most $0.0052, answered once"),
            told,
            "{price}"
        );
    }
}

#[test]
fn an_empty_prompt_is_found_before_it_is_sent() {
    let mut empty = card();
    empty.form.prompt = " ".into();
    let stage = Stage::with(empty).typing("\n");
    assert!(stage.sent.is_empty());
    assert!(stage.app.toast().unwrap().text.starts_with("prompt: empty"));
}
