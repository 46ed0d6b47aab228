//! Whose turn it is: many workspaces, read one after the other. Pure.

use crate::domain::id::WorkspaceId;
use std::collections::VecDeque;

/// Workspaces in turn. A list that changes keeps the turn.
#[derive(Clone, Debug, Default)]
pub struct Rota {
    waiting: VecDeque<WorkspaceId>,
    due: usize,
}

impl Rota {
    /// The workspaces there are now, but for the profile's own, and how many may be read until the next
    /// poll. New ones come first: nothing is known of them yet.
    pub fn set(
        &mut self,
        all: impl Iterator<Item = WorkspaceId>,
        own: Option<&WorkspaceId>,
        turns: usize,
    ) {
        let all: Vec<_> = all.filter(|id| Some(id) != own).collect();
        self.waiting.retain(|id| all.contains(id));
        for id in all.into_iter().rev() {
            if !self.waiting.contains(&id) {
                self.waiting.push_front(id);
            }
        }
        self.due = turns.min(self.waiting.len());
    }

    /// The next to be read; none until the next `set`.
    pub fn take(&mut self) -> Option<WorkspaceId> {
        self.due = self.due.checked_sub(1)?;
        let id = self.waiting.pop_front()?;
        self.waiting.push_back(id.clone());
        Some(id)
    }

    /// Nobody else is read until the next `set`.
    pub fn rest(&mut self) {
        self.due = 0;
    }

    /// How many are still to be read.
    pub const fn due(&self) -> usize {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> impl Iterator<Item = WorkspaceId> + use<> {
        let ids: Vec<_> = names.iter().map(|name| WorkspaceId::from(*name)).collect();
        ids.into_iter()
    }

    fn everyone(rota: &mut Rota) -> String {
        std::iter::from_fn(|| rota.take())
            .map(|id| id.as_str().to_owned())
            .collect()
    }

    #[test]
    fn everybody_has_a_turn_and_the_own_one_none() {
        let mut rota = Rota::default();
        rota.set(ids(&["a", "b", "own", "c"]), Some(&"own".into()), 2);
        assert_eq!(everyone(&mut rota), "ab");
        rota.set(ids(&["a", "b", "own", "c"]), Some(&"own".into()), 2);
        assert_eq!(everyone(&mut rota), "ca");
    }

    #[test]
    fn those_that_are_gone_lose_their_turn_and_new_ones_come_first() {
        let mut rota = Rota::default();
        rota.set(ids(&["a", "b", "c"]), None, 1);
        assert_eq!(everyone(&mut rota), "a");
        rota.set(ids(&["a", "c", "d"]), None, 9);
        assert_eq!(everyone(&mut rota), "dca");
        rota.set(ids(&[]), None, 9);
        assert_eq!(rota.due(), 0);
    }
}
