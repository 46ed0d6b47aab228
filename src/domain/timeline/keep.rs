//! Which calls are kept, and finding them.

use super::Call;
use crate::domain::id::{CallId, ClientId};
use std::collections::{BTreeMap, HashMap};

/// The newest calls, bounded. A noisy client pushes out its own calls first, so that a test call
/// stays in sight beside heavy traffic.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// By the order in which they began.
    calls: BTreeMap<u64, Call>,
    /// Where in that order a call is.
    places: HashMap<CallId, u64>,
    /// How many calls of each client are kept; test calls of a name are counted apart.
    clients: Vec<(bool, ClientId, usize)>,
    next: u64,
    capacity: usize,
}

impl Timeline {
    /// An empty timeline that keeps `capacity` calls (at least 1).
    pub fn new(capacity: usize) -> Self {
        Self {
            calls: BTreeMap::new(),
            places: HashMap::new(),
            clients: Vec::new(),
            next: 0,
            capacity: capacity.max(1),
        }
    }

    /// Oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &Call> + ExactSizeIterator {
        self.calls.values()
    }

    /// The call of that id, if it is still kept.
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.get(self.places.get(&id)?)
    }

    pub(super) fn call_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.get_mut(self.places.get(&id)?)
    }

    /// Keeps a call that was folded elsewhere.
    pub fn keep(&mut self, call: Call) {
        self.push(call);
    }

    /// Keeps a call. The one that had to go for it comes back.
    pub(super) fn push(&mut self, call: Call) -> Option<Call> {
        let gone = (self.calls.len() >= self.capacity)
            .then(|| self.make_room())
            .flatten();
        let own = call.is_own();
        match self
            .clients
            .iter_mut()
            .find(|(o, client, _)| *o == own && *client == call.client)
        {
            Some((_, _, count)) => *count += 1,
            None => self.clients.push((own, call.client.clone(), 1)),
        }
        self.places.insert(call.id, self.next);
        self.calls.insert(self.next, call);
        self.next += 1;
        gone
    }

    /// Takes a call out.
    pub fn remove(&mut self, id: CallId) -> Option<Call> {
        let call = self.calls.remove(&self.places.remove(&id)?)?;
        let own = call.is_own();
        if let Some(at) = self
            .clients
            .iter()
            .position(|(o, c, _)| *o == own && *c == call.client)
        {
            self.clients[at].2 -= 1;
            if self.clients[at].2 == 0 {
                self.clients.remove(at);
            }
        }
        Some(call)
    }

    /// Drops the oldest ended call of the client that has the most.
    fn make_room(&mut self) -> Option<Call> {
        let (own, noisiest, _) = self
            .clients
            .iter()
            .rev()
            .max_by_key(|(_, _, count)| *count)?;
        let belongs = |call: &&Call| call.is_own() == *own && call.client == *noisiest;
        let mut theirs = self.calls.values().filter(belongs);
        let oldest = theirs.clone().next()?.id;
        let victim = theirs
            .find(|call| !call.is_open())
            .map_or(oldest, |call| call.id);
        self.remove(victim)
    }
}
