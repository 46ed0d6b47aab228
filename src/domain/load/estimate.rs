//! What calls may take before they are sent. The form, the question before a run and `ratetop call` say
//! the same of the same calls, by the same rule as each request is booked when it leaves.

use super::{
    plan::{MOST_CALLS, Plan},
    spread::Spread,
};
use crate::domain::{
    batch,
    call::CallOrder,
    id::ModelId,
    number::thousands,
    spend::{Prices, Spend, dollars},
};

/// Calls that may cost more are asked about, US dollars.
pub const ASK_ABOVE_USD: f64 = 0.10;

/// What calls may take at most. A refused request costs nothing, so its retries do not count; where broken
/// answers are called anew, each attempt may be paid. What is left out is said: a request that timed out
/// may be paid as well as the one that is sent in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Calls, at most; none where only time ends the run.
    pub calls: Option<u64>,
    /// Input tokens of a call, about.
    pub input: u64,
    /// Output tokens of a call, at most.
    pub output: u64,
    /// US dollars of an attempt, at most, as [`Prices::upper_bound`] says; none when the price is not
    /// known.
    pub each_usd: Option<f64>,
    /// Attempts of a call that may be paid.
    paid: u32,
    /// Whether more attempts than those may be paid, as one that times out is made again.
    may_pass: bool,
    /// US dollars of all of them; none when the price or the number is not known.
    pub usd: Option<f64>,
    models: Vec<ModelId>,
    batch: bool,
}

impl Estimate {
    /// Of a run; of a spread one as if all went to the dearest model, which may be, and at a price that
    /// is not known where that of one is not.
    pub fn of(order: &CallOrder, plan: &Plan, spread: Option<&Spread>, prices: &Prices) -> Self {
        let mut models: Vec<ModelId> = spread
            .iter()
            .flat_map(|spread| &spread.parts)
            .map(|part| part.model.clone())
            .collect();
        if models.is_empty() {
            models.push(order.model.clone());
        }
        let most = order.most();
        let costs = models.iter().map(|model| prices.upper_bound(model, &most));
        let each_usd = costs.reduce(|one, other| Some(one?.max(other?))).flatten();
        let anew = order.limits.broken.repeats(order.policy);
        let paid = if anew { order.attempts.max(1) } else { 1 };
        let again = order.attempts > 1 && order.policy.repeats_unanswered();
        // More than that is a run that only time ends.
        let calls = plan.most_calls();
        Self {
            calls: None,
            input: most.all_input(),
            output: most.output_tokens,
            each_usd,
            paid,
            may_pass: again && !anew,
            usd: None,
            models,
            batch: false,
        }
        .making(
            (calls < MOST_CALLS || (calls == MOST_CALLS && plan.duration_s.is_none()))
                .then_some(u64::from(calls)),
        )
    }

    /// Of a message batch of so many requests: half price.
    pub fn of_batch(order: &CallOrder, requests: u32, prices: &Prices) -> Self {
        let one = Self::of(order, &Plan::default(), None, prices);
        Self {
            each_usd: one.each_usd.map(|usd| usd * batch::PRICE),
            paid: 1,
            may_pass: false,
            batch: true,
            ..one
        }
        .making(Some(u64::from(requests)))
    }

    /// The same of that many calls.
    fn making(self, calls: Option<u64>) -> Self {
        Self {
            calls,
            usd: self
                .each_usd
                .zip(calls)
                .map(|(usd, calls)| usd * calls as f64 * f64::from(self.paid)),
            ..self
        }
    }

    /// Where the run is made two times.
    #[must_use]
    pub fn twice(self) -> Self {
        let calls = self.calls.map(|calls| calls.saturating_mul(2));
        self.making(calls)
    }

    /// Whether requests that time out may make it more than that.
    pub const fn may_pass(&self) -> bool {
        self.may_pass
    }

    /// Whether it is so little that nobody needs to be asked.
    pub fn is_little(&self) -> bool {
        self.usd.is_some_and(|usd| usd <= ASK_ABOVE_USD)
    }

    /// What may be sent, what it may cost, what figure that is, and which cap ends it before.
    pub fn sentence(&self, spend: &Spend) -> String {
        let models: Vec<&str> = self.models.iter().map(ModelId::as_str).collect();
        let models = models.join(", ");
        let (input, output) = (thousands(self.input), thousands(self.output));
        let each = format!("each about {input} tokens in and at most {output} out");
        let what = match self.calls {
            Some(calls) => {
                let all = calls.saturating_mul(self.input.saturating_add(self.output));
                let of = if self.batch { "A batch of " } else { "" };
                let s = if calls == 1 { "" } else { "s" };
                let (calls, all) = (thousands(calls), thousands(all));
                format!("{of}{calls} real call{s} of {models}, {each}, {all} in all")
            }
            None => format!("Real calls of {models} until the time is over, {each}"),
        };
        let half = if self.batch {
            ", half of what they cost alone"
        } else {
            ""
        };
        let often = match self.paid {
            1 if self.may_pass => {
                "each answered once; one that times out may be paid again".to_owned()
            }
            1 => "each answered once".to_owned(),
            n => format!("each of {n} attempts paid, as broken answers are called anew"),
        };
        let cost = match (self.usd, self.each_usd) {
            (Some(usd), _) => format!("at most {}{half}, {BOUND}, {often}", dollars(usd)),
            (None, Some(usd)) => {
                let call = usd * f64::from(self.paid);
                format!("at most {} a call, {BOUND}, {often}", dollars(call))
            }
            (None, None) => "at a price that is not known".to_owned(),
        };
        // A batch is booked whole or not at all.
        let ends = spend
            .ends_before(self.usd)
            .filter(|_| !self.batch)
            .map_or_else(String::new, |(left, whose)| {
                format!("; the {whose}'s cap ends the run after {}", dollars(left))
            });
        format!("{what}: {cost}{ends}.")
    }
}

/// What makes the figure an upper bound ([`Prices::upper_bound`]).
const BOUND: &str = "with half as much input again and all output used";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        fixtures,
        retry::{Broken, Policy},
    };
    use proptest::prelude::*;

    fn order(model: &str) -> CallOrder {
        CallOrder {
            max_tokens: 1_000,
            ..fixtures::order(model)
        }
    }

    fn prices() -> Prices {
        toml::from_str(include_str!("../../../assets/prices.toml")).unwrap()
    }

    fn plan(calls: Option<u32>) -> Plan {
        Plan {
            workers: 8,
            calls,
            ..Plan::default()
        }
    }

    // Pricing page: Opus 5.5 is 4 and 20 USD per million tokens.
    #[test]
    fn a_run_is_estimated_at_its_worst_and_the_sentence_says_so() {
        let of = |plan: &Plan, model| Estimate::of(&order(model), plan, None, &prices());
        let estimate = of(&plan(Some(2_000)), "claude-opus-5-5");
        let usd = estimate.usd.unwrap();
        assert!(usd > 2_000.0 * 0.02 && usd < 2_000.0 * 0.0202, "{usd}");
        let spend = Spend::default();
        assert_eq!(
            estimate.sentence(&spend),
            "2,000 real calls of claude-opus-5-5, each about 11 tokens in and at most 1,000 out, \
             2,022,000 in all: at most $40.13, with half as much input again and all output used, \
             each answered once."
        );
        assert_eq!(of(&plan(Some(2_000)), "a-new-model").usd, None);
        let timed = Plan {
            duration_s: Some(60.0),
            ..plan(None)
        };
        let endless = of(&timed, "claude-opus-5-5");
        assert_eq!((endless.usd, endless.calls), (None, None));
        let sentence = endless.sentence(&spend);
        assert!(sentence.contains("until the time is over") && sentence.contains("a call"));
        let paced = Plan {
            rate: Some(2.0),
            ..timed
        };
        assert_eq!(of(&paced, "claude-opus-5-5").calls, Some(120));
        let twice = of(&paced, "claude-opus-5-5").twice();
        assert_eq!(twice.calls, Some(240));
    }

    #[test]
    fn a_spread_may_go_to_its_dearest_and_a_batch_costs_half() {
        let plan = plan(Some(10));
        let of = |spread: &str| {
            let spread: Spread = spread.parse().unwrap();
            Estimate::of(&order("claude-haiku-4-5"), &plan, Some(&spread), &prices())
        };
        let alone = Estimate::of(&order("claude-opus-5-5"), &plan, None, &prices());
        assert_eq!(of("claude-haiku-4-5=99,claude-opus-5-5=1").usd, alone.usd);
        assert_eq!(of("claude-haiku-4-5,a-new-model").usd, None);
        let batch = Estimate::of_batch(&order("claude-opus-5-5"), 10, &prices());
        assert!((batch.usd.unwrap() * 2.0 - alone.usd.unwrap()).abs() < 1e-12);
        let sentence = batch.sentence(&Spend::default());
        assert!(
            sentence.starts_with("A batch of 10 real calls"),
            "{sentence}"
        );
        assert!(
            sentence.contains("half of what they cost alone"),
            "{sentence}"
        );
    }

    // Anthropic's streams may break after a 200; what was generated is paid, and so is the next attempt.
    #[test]
    fn where_broken_answers_are_called_anew_each_attempt_is_paid() {
        let of = |broken| {
            let mut order = order("claude-opus-5-5");
            (order.attempts, order.limits.broken) = (5, broken);
            Estimate::of(&order, &plan(Some(10)), None, &prices())
        };
        let (once, anew) = (of(Broken::AsPolicy), of(Broken::Anew));
        assert_eq!(once.usd, of(Broken::Surface).usd);
        assert_eq!(anew.each_usd, once.each_usd);
        assert!((anew.usd.unwrap() - 5.0 * once.usd.unwrap()).abs() < 1e-9);
        let sentence = anew.sentence(&Spend::default());
        assert!(sentence.contains("each of 5 attempts paid"), "{sentence}");
    }

    // Errors page: a request that timed out may have been processed all the same.
    #[test]
    fn a_bound_that_time_outs_may_pass_says_so_and_no_other_does() {
        let said = |policy, attempts, broken| {
            let mut order = order("claude-opus-5-5");
            (order.policy, order.attempts, order.limits.broken) = (policy, attempts, broken);
            let estimate = Estimate::of(&order, &plan(Some(10)), None, &prices());
            let sentence = estimate.sentence(&Spend::default());
            let told =
                sentence.ends_with("each answered once; one that times out may be paid again.");
            assert_eq!(told, estimate.may_pass(), "{sentence}");
            assert!(
                told || sentence.contains("each answered once.")
                    || sentence.contains("attempts paid")
            );
            told
        };
        assert!(said(Policy::Sdk, 3, Broken::AsPolicy));
        assert!(!said(Policy::Sdk, 1, Broken::AsPolicy));
        assert!(!said(Policy::RetryAfter, 3, Broken::AsPolicy));
        // Each attempt is in the figure.
        assert!(!said(Policy::Sdk, 3, Broken::Anew));
        let batch = Estimate::of_batch(&order("claude-opus-5-5"), 10, &prices());
        assert!(!batch.may_pass());
    }

    #[test]
    fn the_cap_that_ends_a_run_is_named() {
        let spend = Spend {
            session_cap_usd: Some(0.50),
            session_usd: 0.30,
            day_cap_usd: Some(5.0),
            ..Spend::default()
        };
        let estimate = Estimate::of(
            &order("claude-opus-5-5"),
            &plan(Some(2_000)),
            None,
            &prices(),
        );
        let sentence = estimate.sentence(&spend);
        assert!(
            sentence.ends_with("; the session's cap ends the run after $0.20."),
            "{sentence}"
        );
        let little = Estimate::of(&order("claude-opus-5-5"), &plan(Some(1)), None, &prices());
        assert!(little.is_little() && !little.sentence(&spend).contains("cap"));
    }

    proptest! {
        /// No answered call costs more than was estimated.
        #[test]
        fn what_is_asked_about_is_never_passed(
            calls in 1_u32..500,
            input in 0_u64..16,
            output in 0_u64..=1_000,
        ) {
            let order = order("claude-opus-5-5");
            let estimate = Estimate::of(&order, &plan(Some(calls)), None, &prices());
            let usage = crate::domain::usage::Usage {
                input_tokens: input,
                output_tokens: output,
                ..Default::default()
            };
            let cost = prices().cost(&order.model, &usage).unwrap() * f64::from(calls);
            prop_assert!(cost <= estimate.usd.unwrap() + 1e-9);
        }
    }
}
