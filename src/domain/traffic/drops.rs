//! What the tap's reader did not tell, did not read, or lost. Forwarding is never touched by any of it.

use serde::{Deserialize, Serialize};

/// Every kind of drop, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Drops {
    /// Observations that the screen's channel had no room for. Refusals are never among them.
    pub screen: u64,
    /// Heads of whole answers whose rate-limit headers were not read, because others of the same model
    /// and organization had been a moment before.
    pub readings: u64,
    /// Calls answered whole that were not told one by one. Their tokens are in the totals and in
    /// `Counted`.
    pub observations: u64,
    /// Compressed bodies that grew beyond 64 MB or 100:1, or were broken, so that reading stopped.
    pub decoders: u64,
    /// Bodies in an encoding that is not read.
    pub encodings: u64,
    /// Event streams with a line above 1 MB, so that reading stopped.
    pub lines: u64,
    /// Requests whose client or model had no row of its own any more and went to `other`.
    pub names: u64,
    /// Failed calls that were forgotten before their client could have come back.
    pub links: u64,
    /// Failures of the reader itself; that exchange was forwarded unread.
    pub reader: u64,
}

impl Drops {
    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.screen += other.screen;
        self.readings += other.readings;
        self.observations += other.observations;
        self.decoders += other.decoders;
        self.encodings += other.encodings;
        self.lines += other.lines;
        self.names += other.names;
        self.links += other.links;
        self.reader += other.reader;
    }

    /// Each kind in words, with its count.
    pub const fn kinds(&self) -> [(&'static str, u64); 9] {
        [
            ("samples the screen had no room for", self.screen),
            ("heads not read in full", self.readings),
            ("calls not told one by one", self.observations),
            ("compressed bodies not read to the end", self.decoders),
            ("bodies in an unknown encoding", self.encodings),
            ("event streams with a line above 1 MB", self.lines),
            ("requests counted under \"other\"", self.names),
            ("failed calls forgotten early", self.links),
            ("failures of the reader", self.reader),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_merged_and_told() {
        // No `..`: a kind that is added has to be added here.
        let all = Drops {
            screen: 1,
            readings: 2,
            observations: 4,
            decoders: 8,
            encodings: 16,
            lines: 32,
            names: 64,
            links: 128,
            reader: 256,
        };
        let mut twice = all;
        twice.merge(&all);
        let kinds = twice.kinds();
        // As bits, so that none stands in for another.
        let told: u64 = kinds.iter().map(|(_, count)| count).sum();
        assert_eq!(told, 2 * 511);
        assert!(kinds.iter().all(|(_, count)| count.is_power_of_two()));
    }
}
