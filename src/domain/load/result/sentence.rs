//! A run in a sentence: what went against the server or was wasted, else what became of its calls.

use super::{GaveUp, Summary};
use crate::domain::{number::thousands, time::spoken};

impl Summary {
    /// The run in a sentence.
    pub fn sentence(&self) -> String {
        let mut parts = Vec::new();
        if self.early > 0 {
            parts.push(format!(
                "{} of {} retries came before the hint",
                thousands(self.early),
                thousands(self.retries)
            ));
        }
        if let Some(GaveUp { asked_s, after_s }) = self.gave_up {
            parts.push(format!(
                "the policy gave up {} into a call whose server last asked for {}",
                spoken(after_s),
                spoken(asked_s)
            ));
        }
        if self.broken > 0 {
            parts.push(format!(
                "{} broke after a 200 and threw {} output tokens away{}",
                counted(self.broken, "answer"),
                thousands(self.thrown_away.output_tokens),
                match self.paid_twice.output_tokens {
                    0 => String::new(),
                    n if n == self.thrown_away.output_tokens => ", paid twice".to_owned(),
                    n => format!(", {} of them paid twice", thousands(n)),
                }
            ));
        }
        if self.denied > 0 {
            parts.push(format!(
                "{} more {} refused by the retry budget",
                thousands(self.denied),
                if self.denied == 1 {
                    "retry was"
                } else {
                    "retries were"
                }
            ));
        }
        let wasted = self.wasted_s / self.slept_s;
        if self.slept_s >= 1.0 && wasted >= 0.5 {
            parts.push(format!(
                "{:.0} % of {} slept came before another refusal",
                wasted * 100.0,
                spoken(self.slept_s)
            ));
        }
        if parts.is_empty() {
            return self.outcome();
        }
        parts.join("; ")
    }

    /// What became of the calls, where nothing else is worth a word.
    fn outcome(&self) -> String {
        let failed = self.failed - self.unsent;
        if failed > 0 {
            let all = thousands(self.logical);
            return format!("{} of {all} calls failed", thousands(failed));
        }
        if self.ok == 0 {
            return "no call was made to its end".to_owned();
        }
        let mut open = String::new();
        for (n, what) in [
            (self.cancelled, "ended from here"),
            (self.unsent, "not sent"),
        ] {
            if n > 0 {
                open += &[", ", &thousands(n), " ", what].concat();
            }
        }
        let all = if open.is_empty() {
            "every call was answered".to_owned()
        } else {
            let verb = if self.ok == 1 { "was" } else { "were" };
            let (ok, all) = (thousands(self.ok), thousands(self.logical));
            format!("{ok} of {all} calls {verb} answered")
        };
        match self.retries {
            0 if open.is_empty() => format!("{all} at once"),
            0 => format!("{all}{open}"),
            retries => format!("{all}, after {}{open}", counted(retries, "retry")),
        }
    }
}

/// `1 answer`, `2 answers`, `2 retries`.
fn counted(n: u64, what: &str) -> String {
    match (n, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{} {stem}ies", thousands(n)),
        (_, None) => format!("{} {what}s", thousands(n)),
    }
}
