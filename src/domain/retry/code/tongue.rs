//! What the Python and the TypeScript snippet say alike, each in its own words.

use super::{
    Rule,
    rule::{Growth, Spread, Unasked, equal},
};

/// A language's words.
pub(super) struct Tongue {
    /// The status of an error.
    pub(super) status: &'static str,
    /// Between two values that are the same.
    pub(super) is: &'static str,
    /// Between two conditions of which one suffices.
    pub(super) or: &'static str,
    /// What is never true.
    pub(super) never: &'static str,
    /// Whether a status is in a list, given with commas.
    pub(super) among: fn(&str) -> String,
    /// Whether a status is from the first to the last.
    pub(super) between: fn(u16, u16) -> String,
    /// Between a base and its exponent.
    pub(super) power: &'static str,
    /// The lesser, and the greater, of two.
    pub(super) min: &'static str,
    pub(super) max: &'static str,
}

impl Tongue {
    /// Whether the status of an error is retried.
    pub(super) fn statuses(&self, rule: &Rule) -> String {
        let (mut single, mut ranges) = (Vec::new(), Vec::new());
        for (first, last) in &rule.statuses {
            if *last == u16::MAX {
                ranges.push(format!("{} >= {first}", self.status));
            } else if last - first < 4 {
                single.extend((*first..=*last).map(|status| status.to_string()));
            } else {
                ranges.push((self.between)(*first, *last));
            }
        }
        let listed = match single.as_slice() {
            [] => None,
            [one] => Some([self.status, self.is, one].concat()),
            many => Some((self.among)(&many.join(", "))),
        };
        let parts: Vec<String> = listed.into_iter().chain(ranges).collect();
        if parts.is_empty() {
            return self.never.to_owned();
        }
        parts.join(self.or)
    }

    /// What has grown by the retry of that number, before the die; from its floor to its cap.
    pub(super) fn grown(&self, growth: &Growth) -> String {
        let Growth {
            base,
            factor,
            floor,
            cap,
            ..
        } = growth;
        let power = self.power;
        let times = if equal(*base, 1.0) {
            String::new()
        } else {
            format!("{base} * ")
        };
        let grown = format!("{}({cap}, {times}{factor}{power}retry)", self.min);
        if *floor > 0.0 {
            format!("{}({floor}, {grown})", self.max)
        } else {
            grown
        }
    }

    /// `wait(error, retry)`, no more than the longest wait where there is one.
    pub(super) fn pause(&self, rule: &Rule) -> String {
        let wait = format!("wait({})", arguments(rule).join(", "));
        if rule.longest.is_some() {
            format!("{}(LONGEST, {wait})", self.min)
        } else {
            wait
        }
    }
}

/// What `wait` looks at.
pub(super) fn arguments(rule: &Rule) -> Vec<&'static str> {
    let mut arguments = Vec::new();
    if rule.obeys_hint() {
        arguments.push("error");
    }
    match rule.unasked {
        Unasked::Fixed(_) => {}
        Unasked::Grown(growth) if growth.jitter == Spread::Decorrelated => arguments.push("last"),
        Unasked::Grown(_) => arguments.push("retry"),
    }
    arguments
}

/// Lines that name a rule's numbers: how each begins, and how a note stands behind it.
pub(super) fn constants(rule: &Rule, begins: &str, note: &str) -> String {
    let named = |name: &str, value: Option<String>, says: &str| {
        value.map(|value| format!("{begins}{name} = {value}{note}{says}\n"))
    };
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    [
        named(
            "ATTEMPTS",
            Some(rule.attempts.to_string()),
            "in all, the first included",
        ),
        named(
            "BUDGET",
            number(rule.budget),
            "seconds in all: no retry begins later",
        ),
        named(
            "LONGEST",
            number(rule.longest),
            "seconds that it waits at most",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
