//! The spend guard before a run: what it may take, and whether that is meant.

use super::super::{Desk, Outlet};
use crate::{
    assets,
    cli::args,
    domain::{
        batch, call::CallOrder, id::ModelId, load::plan::Plan, number::thousands, spend::dollars,
    },
};
use std::io::{self, BufRead, IsTerminal};

/// A run that may cost more is asked about, US dollars.
const ASK_ABOVE_USD: f64 = 0.10;

/// What a run may take at most, retries left out: a refused request costs nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Estimate {
    /// None where only time ends it.
    calls: Option<u64>,
    input_tokens: u64,
    output_tokens: u64,
    /// For one call; none when its price is not known.
    usd: Option<f64>,
}

impl Estimate {
    fn of(plan: &Plan, order: &CallOrder) -> Self {
        let each = order.most();
        let most = plan.most_calls();
        Self {
            calls: (most < u32::MAX).then_some(u64::from(most)),
            input_tokens: each.all_input(),
            output_tokens: each.output_tokens,
            usd: assets::prices().upper_bound(&order.model, &each),
        }
    }

    fn usd(&self) -> Option<f64> {
        Some(self.usd? * self.calls? as f64)
    }

    /// Where the run is made two times.
    fn twice(self) -> Self {
        Self {
            calls: self.calls.map(|calls| calls * 2),
            ..self
        }
    }

    /// Where it is sent as a batch: half price.
    fn as_batch(self) -> Self {
        Self {
            usd: self.usd.map(|usd| usd * batch::PRICE),
            ..self
        }
    }

    /// What is not known is the worst.
    fn rank(&self) -> f64 {
        self.usd.unwrap_or(f64::INFINITY)
    }

    fn sentence(&self) -> String {
        let price = |usd: Option<f64>| usd.map_or("an unknown price".to_owned(), dollars);
        match self.calls {
            Some(calls) => format!(
                "{} calls, each about {} tokens in and at most {} out: at most {}",
                thousands(calls),
                thousands(self.input_tokens),
                thousands(self.output_tokens),
                price(self.usd())
            ),
            None => format!(
                "as many calls as fit, each about {} tokens in and at most {} out: at most {} a call",
                thousands(self.input_tokens),
                thousands(self.output_tokens),
                price(self.usd)
            ),
        }
    }
}

/// The order for each model that may be asked: a spread may go to the dearest alone.
fn dearest(args: &args::Call, order: &CallOrder) -> impl Iterator<Item = CallOrder> {
    let parts = args.spread.as_ref().map_or(&[][..], |spread| &spread.parts);
    let mut models: Vec<ModelId> = parts.iter().map(|part| part.model.clone()).collect();
    if models.is_empty() {
        models.push(order.model.clone());
    }
    models.into_iter().map(|model| CallOrder {
        model,
        ..order.clone()
    })
}

/// Says what a run that is not free may take, and asks where that is much. Why it is not begun, if it
/// is not.
pub(super) fn pass(
    plan: &Plan,
    order: &CallOrder,
    (args, twice): (&args::Call, bool),
    desk: &Desk,
    outlet: &mut Outlet<'_>,
) -> Result<(), String> {
    if desk.session.free {
        return Ok(());
    }
    let estimate = dearest(args, order)
        .map(|order| Estimate::of(plan, &order))
        .max_by(|one, other| one.rank().total_cmp(&other.rank()));
    let estimate = estimate.map(|it| if twice { it.twice() } else { it });
    let Some(estimate) = estimate.map(|it| if args.batch { it.as_batch() } else { it }) else {
        return Ok(());
    };
    let spend = desk.session.purse.spend().map_err(|it| it.to_string())?;
    if spend.check(estimate.usd).is_err() {
        // Not even one call may be sent: the run says so itself.
        return Ok(());
    }
    let caps = [
        (spend.session_cap_usd, spend.session_usd, "session"),
        (spend.day_cap_usd, spend.day_usd, "day"),
    ];
    let least = caps
        .iter()
        .filter_map(|(cap, spent, whose)| Some(((*cap)? - spent, *whose)))
        .min_by(|(one, _), (other, _)| one.total_cmp(other))
        .filter(|(left, _)| estimate.usd().is_none_or(|usd| usd > *left));
    let ends = least.map_or_else(String::new, |(left, whose)| {
        format!("; the {whose}'s cap ends the run after {}", dollars(left))
    });
    let sentence = estimate.sentence() + &ends;
    outlet.tell(&sentence);
    if args.yes || estimate.usd().is_some_and(|usd| usd <= ASK_ABOVE_USD) {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(format!(
            "a run that may cost more than {} must be meant: add --yes, or make it smaller",
            dollars(ASK_ABOVE_USD)
        ));
    }
    outlet.progress("Send them? [y/N] ");
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer) {
        Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Ok(()),
        _ => Err("nothing was sent".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;

    fn order(model: &str) -> CallOrder {
        CallOrder {
            max_tokens: 1_000,
            ..fixtures::order(model)
        }
    }

    // Pricing page: Opus 5.5 is 4 and 20 USD per million tokens.
    #[test]
    fn the_whole_run_is_estimated_at_its_worst() {
        let plan = Plan {
            workers: 8,
            calls: Some(2_000),
            ..Plan::default()
        };
        let estimate = Estimate::of(&plan, &order("claude-opus-5-5"));
        let usd = estimate.usd().unwrap();
        assert!(usd > 2_000.0 * 0.02 && usd < 2_000.0 * 0.0202, "{usd}");
        assert_eq!(
            estimate.sentence(),
            "2,000 calls, each about 11 tokens in and at most 1,000 out: at most $40.13"
        );
        let timed = Plan {
            calls: None,
            duration_s: Some(60.0),
            ..plan
        };
        let endless = Estimate::of(&timed, &order("claude-opus-5-5"));
        assert_eq!((endless.usd(), endless.calls), (None, None));
        let paced = Plan {
            rate: Some(2.0),
            ..timed
        };
        assert_eq!(
            Estimate::of(&paced, &order("claude-opus-5-5")).calls,
            Some(120)
        );
        assert_eq!(Estimate::of(&plan, &order("a-new-model")).usd(), None);
    }
}
