use super::*;
use proptest::prelude::*;

fn plans() -> impl Strategy<Value = Plan> {
    let bound = prop::option::of(1_u32..600);
    (0..Policy::ALL.len(), 1_u32..20, bound.clone(), bound).prop_map(
        |(policy, attempts, deadline, longest)| Plan {
            policy: Policy::ALL[policy],
            attempts,
            limits: Limits {
                deadline_s: deadline.map(f64::from),
                longest_wait_s: longest.map(|s| f64::from(s) / 10.0),
                ..Limits::default()
            },
        },
    )
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#') || line.starts_with("//")
}

#[test]
fn names_are_unique_and_found_again() {
    for target in Target::ALL {
        assert_eq!(Target::named(target.name()), Some(*target));
        let round = Target::ALL.iter().fold(*target, |it, _| it.step(1));
        assert_eq!(round, *target);
        assert_eq!(target.step(1).step(-1), *target);
    }
}

#[test]
fn the_recommended_policy_reads_so() {
    for target in Target::ALL {
        let code = Plan::of(Policy::HintJitter).code(*target);
        insta::assert_snapshot!(target.name(), code);
    }
}

proptest! {
    #[test]
    fn every_plan_is_a_neat_text(plan in plans()) {
        for target in Target::ALL {
            let code = plan.code(*target);
            prop_assert!(code.ends_with('\n') && !code.ends_with("\n\n"), "{code}");
            prop_assert!(!code.contains("\n\n\n\n"), "{code}");
            prop_assert!(code.lines().all(|line| line == line.trim_end()), "{code}");
            for line in code.lines() {
                let most = if is_comment(line) { COLUMNS } else { 104 };
                prop_assert!(line.chars().count() <= most, "{line}");
            }
        }
    }

    #[test]
    fn the_attempts_stand_in_the_code(plan in plans()) {
        let code = |target| plan.code(target);
        let attempts = if plan.policy == Policy::None { 1 } else { plan.attempts };
        let retries = attempts - 1;
        let sdk = attempts == 1 || matches!(plan.policy, Policy::Sdk | Policy::SdkClassic);
        if sdk {
            let said = code(Target::Python).contains(&format!("max_retries={retries})"));
            prop_assert!(said);
            let said = code(Target::TypeScript).contains(&format!("maxRetries: {retries} "));
            prop_assert!(said);
        } else {
            let said = code(Target::Python).contains(&format!("ATTEMPTS = {attempts}  #"));
            prop_assert!(said);
            let said = code(Target::TypeScript).contains(&format!("ATTEMPTS = {attempts};"));
            prop_assert!(said);
        }
        if retries > 0 {
            let said = code(Target::Tenacity).contains(&format!("stop_after_attempt({attempts})"));
            prop_assert!(said);
            let said = code(Target::Curl).contains(&format!("--retry {retries}"));
            prop_assert!(said);
        } else {
            prop_assert!(!code(Target::Curl).contains("--retry"));
        }
    }

    #[test]
    fn a_policy_for_simulators_never_names_the_api(attempts in 1_u32..20) {
        for target in Target::ALL {
            let code = Plan { attempts, ..Plan::of(Policy::Immediate) }.code(*target);
            prop_assert!(!code.contains("api.anthropic.com"));
            let apart = attempts == 1 && matches!(target, Target::Python | Target::TypeScript);
            prop_assert!(apart || code.contains("http://127.0.0.1:4787"));
        }
    }
}
