//! The spend guard between a call and the wire: asks the ledger, and corrects it afterwards.

use crate::{
    api::call::{Purse, Spent, Ticket},
    clock::Clock,
    domain::{
        batch,
        call::CallOrder,
        id::ModelId,
        spend::{Prices, Spend},
        usage::Usage,
    },
    store::ledger::{Ledger, LedgerError, Purpose, Reservation},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The purse of one profile.
#[derive(Debug)]
pub struct LedgerPurse {
    open: Mutex<Open>,
    prices: Arc<Prices>,
    clock: Clock,
}

#[derive(Debug)]
struct Open {
    ledger: Ledger,
    booked: HashMap<Ticket, (ModelId, Reservation)>,
    next: u64,
    /// What the ledger said last, for the screen.
    spend: Option<Spend>,
}

impl LedgerPurse {
    /// A purse on that ledger.
    pub fn new(ledger: Ledger, prices: Arc<Prices>, clock: Clock) -> Self {
        let open = Open {
            ledger,
            booked: HashMap::new(),
            next: 1,
            spend: None,
        };
        Self {
            open: Mutex::new(open),
            prices,
            clock,
        }
    }

    /// Spent so far and the caps, read again from the ledger.
    pub fn spend(&self) -> Result<Spend, LedgerError> {
        self.lock().ledger.spend(self.clock.now())
    }

    /// What the last booking or correction left; none before the first.
    pub fn last(&self) -> Option<Spend> {
        self.lock().spend
    }

    /// The same purse for calls of one purpose.
    pub fn with_purpose(self: Arc<Self>, purpose: Purpose) -> Purposed {
        Purposed {
            purse: self,
            purpose,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A purse for calls of one purpose.
#[derive(Debug)]
pub struct Purposed {
    purse: Arc<LedgerPurse>,
    purpose: Purpose,
}

impl Purse for Purposed {
    fn reserve(&self, order: &CallOrder, most: &Usage) -> Result<Ticket, String> {
        let usd = self.purse.prices.upper_bound(&order.model, most);
        self.book(order, usd)
    }

    fn settle(&self, ticket: Ticket, spent: Spent) {
        self.correct(ticket, |prices, model| match spent {
            Spent::Nothing => Some(0.0),
            Spent::Tokens(usage) => prices.cost(model, &usage),
            Spent::Unknown => None,
        });
    }

    fn reserve_batch(
        &self,
        order: &CallOrder,
        each: &Usage,
        requests: u64,
    ) -> Result<Ticket, String> {
        let usd = self.purse.prices.upper_bound(&order.model, each);
        self.book(order, usd.map(|usd| usd * requests as f64 * batch::PRICE))
    }

    fn settle_batch(&self, ticket: Ticket, answers: Option<&[Usage]>) {
        self.correct(ticket, |prices, model| {
            let costs = answers?.iter().map(|usage| prices.cost(model, usage));
            Some(costs.sum::<Option<f64>>()? * batch::PRICE)
        });
    }
}

impl Purposed {
    /// Books what something costs at most.
    fn book(&self, order: &CallOrder, usd: Option<f64>) -> Result<Ticket, String> {
        let purse = &self.purse;
        let now = purse.clock.now();
        let mut open = purse.lock();
        if let Some(why) = order.policy.refusal(open.ledger.is_free()) {
            return Err(format!("policy {why}"));
        }
        let booked = open
            .ledger
            .reserve(now, usd, self.purpose)
            .map_err(|error| error.to_string())?;
        let ticket = Ticket(open.next);
        open.next += 1;
        open.booked.insert(ticket, (order.model.clone(), booked));
        Ok(ticket)
    }

    /// Corrects a booking; none leaves it at its worst price.
    fn correct(&self, ticket: Ticket, cost: impl Fn(&Prices, &ModelId) -> Option<f64>) {
        let purse = &self.purse;
        let now = purse.clock.now();
        let mut open = purse.lock();
        let Some((model, booked)) = open.booked.remove(&ticket) else {
            return;
        };
        let usd = cost(&purse.prices, &model);
        match open.ledger.settle(now, booked, usd) {
            Ok(spend) => open.spend = Some(spend),
            // The booking stands at its worst price, which is the safe side.
            Err(error) => tracing::warn!("the spend of a call could not be corrected: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{fixtures::order, retry::Policy};

    fn purse(dir: &std::path::Path, caps: Spend) -> Arc<LedgerPurse> {
        let ledger = Ledger::new(dir, "prod", caps, 0.01);
        let prices = crate::assets::prices();
        Arc::new(LedgerPurse::new(ledger, prices, Clock::start()))
    }

    fn tokens(output_tokens: u64) -> Usage {
        Usage {
            input_tokens: 14,
            output_tokens,
            ..Usage::default()
        }
    }

    fn caps() -> Spend {
        Spend {
            session_cap_usd: Some(0.5),
            day_cap_usd: Some(1.0),
            ..Spend::default()
        }
    }

    // Pricing page: Opus 5.5 is 4 and 20 USD per million tokens.
    #[tokio::test]
    async fn the_worst_is_booked_and_the_truth_stays() {
        let dir = tempfile::tempdir().unwrap();
        let purse = purse(dir.path(), caps());
        let calls = Arc::clone(&purse).with_purpose(Purpose::Call);
        let opus = order("claude-opus-5-5");
        let day = || purse.spend().unwrap().day_usd;
        let ticket = calls.reserve(&opus, &tokens(256)).unwrap();
        assert!(day() > 256.0 * 20e-6 && day() < 0.0055, "{}", day());
        calls.settle(ticket, Spent::Tokens(tokens(9)));
        let cost = 14.0 * 4e-6 + 9.0 * 20e-6;
        assert!((day() - cost).abs() < 1e-9);
        let ticket = calls.reserve(&opus, &tokens(256)).unwrap();
        calls.settle(ticket, Spent::Nothing);
        assert!((day() - cost).abs() < 1e-9);
        let ticket = calls.reserve(&opus, &tokens(256)).unwrap();
        calls.settle(ticket, Spent::Unknown);
        assert!(day() > cost + 0.005);
    }

    #[tokio::test]
    async fn a_policy_for_simulators_only_is_refused_where_calls_cost() {
        let dir = tempfile::tempdir().unwrap();
        let order = CallOrder {
            policy: Policy::Immediate,
            ..order("claude-opus-5-5")
        };
        let calls = purse(dir.path(), caps()).with_purpose(Purpose::Call);
        let refused = calls.reserve(&order, &tokens(9)).unwrap_err();
        assert!(refused.contains("simulators only"), "{refused}");
        let free = Spend {
            free: true,
            ..caps()
        };
        let calls = purse(dir.path(), free).with_purpose(Purpose::Call);
        assert!(calls.reserve(&order, &tokens(9)).is_ok());
    }

    #[tokio::test]
    async fn caps_unknown_prices_and_read_only_refuse() {
        let dir = tempfile::tempdir().unwrap();
        let all = purse(dir.path(), caps());
        let calls = Arc::clone(&all).with_purpose(Purpose::Call);
        let opus = order("claude-opus-5-5");
        assert!(calls.reserve(&order("a-new-model"), &tokens(9)).is_err());
        let huge = calls.reserve(&opus, &tokens(1_000_000)).unwrap_err();
        assert!(huge.contains("cap of $0.50"), "{huge}");
        // Automatic probes have a cent here; what a person asks for has not.
        let probes = all.with_purpose(Purpose::AutomaticProbe);
        let refused = probes.reserve(&opus, &tokens(900)).unwrap_err();
        assert!(refused.contains("automatic probes"), "{refused}");
        assert!(calls.reserve(&opus, &tokens(900)).is_ok());
        let read_only = Spend {
            read_only: true,
            ..caps()
        };
        let calls = purse(dir.path(), read_only).with_purpose(Purpose::Call);
        assert!(
            calls
                .reserve(&opus, &tokens(9))
                .unwrap_err()
                .contains("read-only")
        );
    }

    // Pricing page: a batch costs half. Haiku 4.5: 1 and 5 USD per million tokens.
    #[test]
    fn a_batch_is_booked_and_settled_at_half_price() {
        let dir = tempfile::tempdir().unwrap();
        let caps = Spend {
            day_cap_usd: Some(1.0),
            ..Spend::default()
        };
        let purse = purse(dir.path(), caps);
        let calls = Arc::clone(&purse).with_purpose(Purpose::Call);
        let order = order("claude-haiku-4-5");
        let each = Usage {
            input_tokens: 0,
            output_tokens: 100_000,
            ..Usage::default()
        };
        // Each 0.25 USD: four of them fit, five do not.
        assert!(
            calls
                .reserve_batch(&order, &each, 5)
                .unwrap_err()
                .contains("cap of $1.00")
        );
        let ticket = calls.reserve_batch(&order, &each, 4).unwrap();
        let booked = purse.spend().unwrap().day_usd;
        assert!((booked - 1.0).abs() < 1e-6, "{booked}");
        let short = Usage {
            output_tokens: 10_000,
            ..each
        };
        calls.settle_batch(ticket, Some(&[short, short]));
        let spent = purse.spend().unwrap().day_usd;
        assert!((spent - 0.05).abs() < 1e-6, "{spent}");
        let ticket = calls.reserve_batch(&order, &each, 1).unwrap();
        calls.settle_batch(ticket, None);
        let spent = purse.spend().unwrap().day_usd;
        assert!(
            (spent - 0.30).abs() < 1e-6,
            "what nobody knows stands: {spent}"
        );
    }
}
