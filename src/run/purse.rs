//! The spend guard between a call and the wire: asks the ledger, and corrects it afterwards.

use crate::{
    api::call::{Purse, Spent, Ticket},
    clock::Clock,
    domain::{
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
        let purse = &self.purse;
        let max_tokens = u32::try_from(most.output_tokens).unwrap_or(u32::MAX);
        let usd = purse
            .prices
            .upper_bound(&order.model, most.all_input(), max_tokens);
        let now = purse.clock.now();
        let mut open = purse.lock();
        let booked = open
            .ledger
            .reserve(now, usd, self.purpose)
            .map_err(|error| error.to_string())?;
        let ticket = Ticket(open.next);
        open.next += 1;
        open.booked.insert(ticket, (order.model.clone(), booked));
        Ok(ticket)
    }

    fn settle(&self, ticket: Ticket, spent: Spent) {
        let purse = &self.purse;
        let now = purse.clock.now();
        let mut open = purse.lock();
        let Some((model, booked)) = open.booked.remove(&ticket) else {
            return;
        };
        let usd = match spent {
            Spent::Nothing => Some(0.0),
            Spent::Tokens(usage) => purse.prices.cost(&model, &usage),
            Spent::Unknown => None,
        };
        match open.ledger.settle(now, booked, usd) {
            Ok(spend) => open.spend = Some(spend),
            // The booking stands at its worst price, which is the safe side.
            Err(error) => tracing::warn!("the spend of a call could not be corrected: {error}"),
        }
    }
}
