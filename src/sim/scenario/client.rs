//! Make-believe clients, and how their rates change over time.

use super::Range;
use crate::domain::retry::Policy;
use serde::Deserialize;

/// A make-believe client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its name on the screen.
    pub name: String,
    /// The model it asks for.
    pub model: String,
    /// Calls per minute while it is busy.
    pub per_minute: f64,
    /// Input tokens of a call.
    pub input: Range,
    /// Output tokens of an unseen call; `max_tokens` of one of mine.
    pub output: Range,
    /// Share of its calls that stream (mine only).
    #[serde(default = "one")]
    pub stream: f64,
    /// Its retry policy (mine only); the default policy unless said.
    #[serde(default)]
    pub policy: Option<String>,
    /// Attempts in all (mine only); the policy's own number unless said.
    #[serde(default)]
    pub attempts: Option<u32>,
    /// How often a loop around its retries makes a failed call anew (mine only).
    #[serde(default)]
    pub anew: u32,
    /// How its rate changes over time.
    #[serde(default)]
    pub pattern: Pattern,
    /// Seconds of one turn of the pattern.
    #[serde(default = "minute")]
    pub period_s: f64,
    /// Share of a `bursts` period in which it is busy.
    #[serde(default = "half")]
    pub duty: f64,
    /// Seconds by which the pattern is shifted.
    #[serde(default)]
    pub phase_s: f64,
    /// How regular its calls are: 0 like a clock, 1 as likely early as late by a whole interval.
    #[serde(default = "half")]
    pub jitter: f64,
}

/// How a client's rate changes over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// It does not.
    #[default]
    Steady,
    /// Busy for `duty` of each period, then silent.
    Bursts,
    /// Swings between nothing and twice `per_minute`.
    Wave,
    /// Grows from nothing to `per_minute` over the first period, and stays.
    Grow,
}

fn one() -> f64 {
    1.0
}
fn half() -> f64 {
    0.5
}
fn minute() -> f64 {
    60.0
}

impl Client {
    /// Calls per minute, `at_s` seconds after the start of the world.
    pub fn rate(&self, at_s: f64) -> f64 {
        let period = self.period_s.max(1.0);
        let turn = ((at_s + self.phase_s) / period).rem_euclid(1.0);
        self.per_minute
            * match self.pattern {
                Pattern::Steady => 1.0,
                Pattern::Bursts if turn < self.duty => 1.0,
                Pattern::Bursts => 0.0,
                Pattern::Wave => 1.0 - (turn * std::f64::consts::TAU).cos(),
                Pattern::Grow => ((at_s + self.phase_s) / period).clamp(0.0, 1.0),
            }
    }

    /// Seconds from `at_s` to the next call for a die in [0, 1), and whether there is one then: at
    /// low ebb the next look comes before the next call would, so that no swing is slept through.
    pub fn next_in(&self, at_s: f64, die: f64) -> (f64, bool) {
        let rate = self.rate(at_s);
        let look_s = if self.pattern == Pattern::Steady {
            f64::INFINITY
        } else {
            self.period_s.max(1.0) / 40.0
        };
        if rate <= 0.0 {
            return (look_s.min(5.0), false);
        }
        let every_s = 60.0 / rate;
        let looks_first = every_s > look_s.max(60.0 / self.per_minute * 1.5);
        if looks_first {
            return (look_s, die < look_s / every_s);
        }
        let spread = 1.0 + self.jitter.clamp(0.0, 1.0) * (2.0 * die - 1.0);
        ((every_s * spread).clamp(0.001, 3600.0), true)
    }

    /// Its retry policy.
    pub fn policy(&self) -> Policy {
        self.policy
            .as_deref()
            .and_then(Policy::named)
            .unwrap_or(Policy::HintJitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::dice::Dice;
    use rstest::rstest;

    fn calls(pattern: &str, per_minute: f64, minutes: f64) -> f64 {
        let text = format!(
            "name = \"x\"\nmodel = \"m\"\nper_minute = {per_minute}\ninput = [1, 1]\noutput = [1, 1]\npattern = \"{pattern}\"\nperiod_s = 60\nduty = 0.25"
        );
        let client: Client = toml::from_str(&text).unwrap();
        let (mut at_s, mut count, mut turns) = (0.0, 0.0, 0);
        while at_s < minutes * 60.0 {
            let (wait_s, due) = client.next_in(at_s, Dice::new(9, turns, 1).share());
            count += f64::from(u8::from(due));
            turns += 1;
            at_s += wait_s;
        }
        count
    }

    /// Over whole periods a pattern keeps its mean rate, for rare and for frequent callers.
    #[rstest]
    #[case("steady", 1.0)]
    #[case("bursts", 0.25)]
    #[case("wave", 1.0)]
    fn a_pattern_keeps_its_mean(
        #[case] pattern: &str,
        #[case] share: f64,
        #[values(12.0, 120.0, 1200.0)] per_minute: f64,
    ) {
        let expected = per_minute * share * 50.0;
        let found = calls(pattern, per_minute, 50.0);
        assert!(
            (found / expected - 1.0).abs() < 0.2,
            "{found} for {expected}"
        );
    }
}
