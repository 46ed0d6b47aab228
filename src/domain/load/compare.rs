//! Two runs of the same calls beside each other: what pacing, another policy or a cache changed.

use super::result::Summary;
use crate::domain::{spend::dollars, time::spoken};

/// The numbers of one run that are compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// How it is called: `without pacing`, `hint-jitter`.
    pub name: String,
    /// Calls.
    pub logical: u64,
    /// Requests on the wire.
    pub wire: u64,
    /// Calls that were answered whole.
    pub ok: u64,
    /// Requests that were refused with 429.
    pub refused: u64,
    /// The same with 529.
    pub overloaded: u64,
    /// Retries before the hint had passed.
    pub early: u64,
    /// Seconds slept before retries, of all calls.
    pub slept_s: f64,
    /// Seconds from the beginning to the last end.
    pub elapsed_s: f64,
    /// Half of the calls were over within so many seconds; none without any.
    pub call_p50_s: Option<f64>,
    /// The same of 99 %.
    pub call_p99_s: Option<f64>,
    /// US dollars; none where it is not known.
    pub cost_usd: Option<f64>,
}

impl Side {
    /// The numbers of a run so far.
    pub fn of(name: impl Into<String>, summary: &Summary) -> Self {
        let status = |status| summary.statuses.get(&status).copied().unwrap_or(0);
        Self {
            name: name.into(),
            logical: summary.logical,
            wire: summary.wire,
            ok: summary.ok,
            refused: status(429),
            overloaded: status(529),
            early: summary.early,
            slept_s: summary.slept_s,
            elapsed_s: summary.elapsed_s(),
            call_p50_s: summary.total.percentile_s(50.0),
            call_p99_s: summary.total.percentile_s(99.0),
            cost_usd: summary.cost_usd(),
        }
    }

    fn phrase(&self) -> String {
        format!("{} of {} requests", self.refused, self.wire)
    }
}

/// Two runs of the same calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The one that is compared with.
    pub before: Side,
    /// The one that it is about.
    pub after: Side,
}

impl Comparison {
    /// 429s that the second run spared; negative where it got more. Beside runs of another length it is
    /// what the second would have got at the first one's rate of them.
    pub fn avoided(&self) -> i64 {
        let calls = (self.before.logical, self.after.logical);
        let before = if calls.0 == calls.1 || calls.0 == 0 {
            self.before.refused as f64
        } else {
            self.before.refused as f64 * calls.1 as f64 / calls.0 as f64
        };
        before.round() as i64 - self.after.refused as i64
    }

    /// In a sentence: 429s first, then answers, time and money where they differ.
    pub fn sentence(&self) -> String {
        let (before, after) = (&self.before, &self.after);
        let mut parts = vec![format!(
            "{}: {} refused with 429; {}: {}",
            before.name,
            before.phrase(),
            after.name,
            after.phrase()
        )];
        if before.logical != after.logical {
            parts.push(format!("{} calls beside {}", before.logical, after.logical));
        }
        if (before.ok, before.logical) != (after.ok, after.logical) {
            parts.push(format!("{} answers beside {}", before.ok, after.ok));
        }
        parts.push(format!(
            "{} in all beside {}",
            spoken(before.elapsed_s),
            spoken(after.elapsed_s)
        ));
        if let (Some(one), Some(other)) = (before.cost_usd, after.cost_usd)
            && (one - other).abs() > 1e-9
        {
            parts.push(format!("{} beside {}", dollars(one), dollars(other)));
        }
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(name: &str, refused: u64, wire: u64) -> Side {
        Side {
            name: name.to_owned(),
            logical: 60,
            ok: 60,
            wire,
            refused,
            elapsed_s: 75.0,
            ..Side::default()
        }
    }

    #[test]
    fn the_sentence_says_how_many_429s_were_spared() {
        let both = Comparison {
            before: side("without pacing", 42, 102),
            after: Side {
                elapsed_s: 71.5,
                ..side("with it", 0, 60)
            },
        };
        assert_eq!(both.avoided(), 42);
        assert_eq!(
            both.sentence(),
            "without pacing: 42 of 102 requests refused with 429; with it: 0 of 60 requests; \
             75 s in all beside 71.5 s"
        );
    }

    #[test]
    fn a_run_of_another_length_is_measured_by_its_rate() {
        let longer = Side {
            logical: 120,
            ..side("with it", 10, 130)
        };
        let both = Comparison {
            before: side("without pacing", 42, 102),
            after: longer,
        };
        assert_eq!(both.avoided(), 74, "84 would have come, 10 did");
        assert!(both.sentence().contains("60 calls beside 120"));
    }
}
