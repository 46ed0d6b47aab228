//! Our policies. They never retry what cannot help (a spend cap, a call larger than its bucket) and
//! surface every status that is not theirs at once.

use super::{Decision, Ended, retry, stop};
use crate::domain::{outcome::Outcome, time::spoken as secs};

/// A hint beyond this is no wait but a refusal: 49 days, the longest wait the SDKs accept.
pub(super) const LONGEST_HINT_S: f64 = 4_294_967.0;
/// `retry-after` without a hint.
pub(super) const NO_HINT_S: f64 = 60.0;
/// The guide's bounds and its spread.
pub(super) const GUIDE_MIN_S: f64 = 4.0;
pub(super) const GUIDE_MAX_S: f64 = 60.0;
pub(super) const GUIDE_JITTER_S: f64 = 2.0;

/// Exactly the hint of a 429; 60 s without one.
pub(super) fn retry_after(ended: &Ended<'_>) -> Decision {
    if let Some(stopped) = refuses(ended, |status| status == 429, false, false) {
        return stopped;
    }
    let hint = ended.outcome.hint();
    if let Some(asked) = hint.asked_s() {
        if asked > LONGEST_HINT_S {
            return too_long(asked);
        }
        return retry(
            asked,
            0.0,
            format!("the server asked {}; exactly that", secs(asked)),
        );
    }
    let zero = hint.retry_after_ms_s.or(hint.retry_after_s);
    if zero.is_some_and(|s| s.is_finite() && s <= 0.0) {
        return retry(0.0, 0.0, "the server asked for no wait".to_owned());
    }
    retry(
        NO_HINT_S,
        0.0,
        format!(
            "the server asked nothing; {} as this policy's rule",
            secs(NO_HINT_S)
        ),
    )
}

/// Why what has ended is not sent again by the rules of rate-limit guides: they know 429, 500 and 529.
fn guide_refuses(ended: &Ended<'_>) -> Option<Decision> {
    let statuses = |status| matches!(status, 429 | 500 | 529);
    refuses(ended, statuses, false, false)
}

/// max(4, min(2^n, 60)) plus uniform 0 to 2 s, whatever the server asked.
pub(super) fn exponential_jitter(ended: &Ended<'_>) -> Decision {
    if let Some(stopped) = guide_refuses(ended) {
        return stopped;
    }
    let base = power(1.0, ended.retries()).clamp(GUIDE_MIN_S, GUIDE_MAX_S);
    let jitter = GUIDE_JITTER_S * ended.die();
    let wait = base + jitter;
    let plan = format!("{} plus {} of jitter", secs(base), secs(jitter));
    let reason = regardless(&plan, wait, ended.outcome.hint().asked_s());
    retry(wait, jitter, reason)
}

/// At once, whatever the server asked. Against an address that anybody else uses this is an attack, so
/// it is for simulators only.
pub(super) fn immediate(ended: &Ended<'_>) -> Decision {
    if let Some(stopped) = guide_refuses(ended) {
        return stopped;
    }
    retry(
        0.0,
        0.0,
        regardless("at once", 0.0, ended.outcome.hint().asked_s()),
    )
}

/// The reason of a policy that ignores the hint: its plan, and by how much it comes too early.
pub(super) fn regardless(plan: &str, wait: f64, asked: Option<f64>) -> String {
    match asked {
        None => format!("{plan}; the server asked nothing"),
        Some(asked) if asked > wait => format!(
            "{plan}; ignores the server's {}, so {} too early",
            secs(asked),
            secs(asked - wait)
        ),
        Some(asked) => format!("{plan}; ignores the server's {}", secs(asked)),
    }
}

/// Why these policies stop here, if they do: not theirs, no use, or no attempt left.
pub(super) fn refuses(
    ended: &Ended<'_>,
    mine: impl Fn(u16) -> bool,
    connections: bool,
    streams: bool,
) -> Option<Decision> {
    if ended.is_spend() {
        return Some(stop(
            "a spend limit is reached: no retry helps before it is raised or its month ends",
        ));
    }
    match ended.outcome {
        Outcome::StreamError { .. } | Outcome::StreamCut { .. } | Outcome::StreamTruncated
            if !streams =>
        {
            return Some(stop(format!(
                "{} came after a 200: what it spent stays spent, so it is not sent again unasked",
                ended.what()
            )));
        }
        Outcome::Unreachable { .. } if !connections => {
            return Some(stop(format!(
                "{}: this policy retries answers only",
                ended.what()
            )));
        }
        Outcome::Refused { status, .. } | Outcome::Foreign { status, .. } if !mine(*status) => {
            return Some(stop(format!(
                "{} is not retried by this policy",
                ended.what()
            )));
        }
        _ => {}
    }
    if let Some(verdict) = ended.verdict.filter(|verdict| !verdict.retry_helps) {
        return Some(stop(format!(
            "no retry helps: {}",
            verdict.sentence.trim_end_matches('.')
        )));
    }
    ended.used_up()
}

fn too_long(asked: f64) -> Decision {
    stop(format!(
        "the server asked {}, more than {}: not waiting that long",
        secs(asked),
        secs(LONGEST_HINT_S)
    ))
}

/// `base` doubled `n` times, finite.
fn power(base: f64, n: u32) -> f64 {
    base * 2f64.powi(n.min(60) as i32)
}
