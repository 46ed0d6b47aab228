//! When the make-believe clients of `me` call, and what they ask: a pure schedule.

use super::{
    dice::Dice,
    scenario::{Client, Scenario},
};
use crate::domain::{
    call::CallOrder,
    id::{CallId, ClientId, ModelId},
    observation::Source,
    retry::Limits,
    time::{Time, after, seconds_between},
};

/// Ids of make-believe calls begin here, far above those of people.
pub const FIRST_CALL: u64 = 1 << 40;
/// Longer silence than this is not made up for: a laptop that slept does not wake to a flood.
const MEMORY_S: f64 = 5.0;
/// Orders that one `take` gives at most.
const AT_ONCE: usize = 64;

/// Sentences that prompts are made of.
const QUESTIONS: &[&str] = &[
    "Please summarise the following notes in three sentences. ",
    "A customer writes that their order has not arrived; draft a short reply. ",
    "Compare both drafts below and say which one is clearer. ",
    "List the open questions in this report, most urgent first. ",
    "Rewrite this paragraph for somebody who is new to the subject. ",
    "Find what is inconsistent between these two descriptions. ",
];

/// The schedule.
#[derive(Clone, Debug)]
pub struct Traffic {
    clients: Vec<Seat>,
    seed: u64,
    start: Time,
    calls: u64,
}

#[derive(Clone, Debug)]
struct Seat {
    client: Client,
    next: Time,
    turns: u64,
}

impl Traffic {
    /// The clients of a world, from `start` on.
    pub fn new(world: &Scenario, seed: u64, start: Time) -> Self {
        let clients = world.me.iter().enumerate().map(|(n, client)| {
            let die = Dice::new(seed, n as u64, 31).share();
            // Everybody is heard of within the first seconds.
            let first_s = (60.0 / client.per_minute).min(3.0) * die;
            Seat {
                client: client.clone(),
                next: after(start, first_s),
                turns: 0,
            }
        });
        Self {
            clients: clients.collect(),
            seed,
            start,
            calls: 0,
        }
    }

    /// When somebody may call next; none in a world without clients.
    pub fn next_due(&self) -> Option<Time> {
        self.clients.iter().map(|seat| seat.next).min()
    }

    /// How often a client's own loop makes a failed call anew.
    pub fn anew(&self, client: &ClientId) -> u32 {
        let mut seats = self.clients.iter();
        let seat = seats.find(|seat| seat.client.name == client.as_str());
        seat.map_or(0, |seat| seat.client.anew)
    }

    /// The calls that are due at `now`, in order of time.
    pub fn take(&mut self, now: Time) -> Vec<CallOrder> {
        let mut orders = Vec::new();
        for seat in &mut self.clients {
            if seconds_between(seat.next, now) > MEMORY_S {
                seat.next = after(now, -MEMORY_S);
            }
        }
        while orders.len() < AT_ONCE {
            let due = self
                .clients
                .iter()
                .enumerate()
                .min_by_key(|(_, seat)| seat.next);
            let Some((n, seat)) = due.filter(|(_, seat)| seat.next <= now) else {
                break;
            };
            let mut dice = Dice::new(self.seed ^ (n as u64) << 32, seat.turns, 32);
            let at_s = seconds_between(self.start, seat.next);
            let (wait_s, calls) = seat.client.next_in(at_s, dice.share());
            if calls {
                orders.push(order(&seat.client, FIRST_CALL + self.calls, &mut dice));
                self.calls += 1;
            }
            if let Some(seat) = self.clients.get_mut(n) {
                seat.next = after(seat.next, wait_s);
                seat.turns += 1;
            }
        }
        orders
    }
}

fn order(client: &Client, call: u64, dice: &mut Dice) -> CallOrder {
    let policy = client.policy();
    let bytes = (dice.between(client.input) as usize)
        .saturating_sub(8)
        .max(1)
        * 4;
    let mut prompt = String::with_capacity(bytes + 80);
    let first = dice.whole((0, QUESTIONS.len() as u64 - 1)) as usize;
    for question in QUESTIONS.iter().cycle().skip(first) {
        if prompt.len() >= bytes {
            break;
        }
        prompt.push_str(question);
    }
    prompt.truncate(bytes);
    CallOrder {
        call: CallId(call),
        client: ClientId::from(client.name.as_str()),
        source: Source::Call,
        model: ModelId::from(client.model.as_str()),
        prompt,
        cache: None,
        max_tokens: dice.between(client.output).max(1.0) as u32,
        stream: dice.share() < client.stream,
        policy,
        attempts: client.attempts.unwrap_or(policy.attempts()).max(1),
        limits: Limits::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::estimate_tokens;

    fn t() -> Time {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn orders(name: &str, seed: u64, seconds: f64) -> Vec<CallOrder> {
        let mut traffic = Traffic::new(&Scenario::named(name).unwrap(), seed, t());
        let mut orders = Vec::new();
        let end = after(t(), seconds);
        while let Some(due) = traffic.next_due().filter(|due| *due <= end) {
            orders.extend(traffic.take(due));
        }
        orders
    }

    #[test]
    fn clients_keep_their_rates_sizes_and_models() {
        let calls = orders("calm", 5, 120.0);
        let chat = calls
            .iter()
            .filter(|order| order.client.as_str() == "chat")
            .count();
        assert!(
            (34..=46).contains(&chat),
            "20 a minute for two minutes: {chat}"
        );
        let world = Scenario::named("calm").unwrap();
        for order in &calls {
            let named = |client: &&Client| client.name == order.client.as_str();
            let client = world.me.iter().find(named).unwrap();
            let tokens = estimate_tokens(&order.prompt) as f64;
            let (least, most) = client.input;
            assert!((least - 10.0..=most + 10.0).contains(&tokens), "{order:?}");
            assert_eq!(order.model.as_str(), client.model);
        }
        let ids: std::collections::BTreeSet<_> = calls.iter().map(|order| order.call).collect();
        assert_eq!(ids.len(), calls.len());
    }

    #[test]
    fn same_seed_same_calls_and_nobody_calls_in_an_idle_world() {
        assert_eq!(
            orders("busy-afternoon", 5, 30.0),
            orders("busy-afternoon", 5, 30.0)
        );
        assert_ne!(
            orders("busy-afternoon", 5, 30.0),
            orders("busy-afternoon", 6, 30.0)
        );
        assert!(orders("idle", 5, 30.0).is_empty());
        let idle = Traffic::new(&Scenario::named("idle").unwrap(), 1, t());
        assert_eq!(idle.next_due(), None);
    }

    #[test]
    fn sleep_is_not_made_up_for() {
        let mut traffic = Traffic::new(&Scenario::named("calm").unwrap(), 1, t());
        assert!(traffic.take(after(t(), 36_000.0)).len() < 10);
    }
}
