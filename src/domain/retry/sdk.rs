//! What the official SDKs do, also where it is unwise: Python 2.12.0 `_base_client.py`
//! (`_should_retry`, `_parse_retry_after_header`, `_calculate_retry_timeout`).
//!
//! TypeScript 1.12.0 `client.ts` (`shouldRetry`, `retryRequest`) differs in three corners. A
//! `retry-after-ms` of 0 there falls on to `retry-after`, in Python it means the default backoff. A
//! wait over 2^31 - 1 ms there becomes the default backoff, Python waits 4,294,967 s. A request whose
//! body is a stream is not retried there. Python is followed here, but for numbers that only Python
//! reads: the header reader drops `inf`, `nan` and `1_000`.
//!
//! Before Python 1.6.0 (September 2026) and the TypeScript of that time only a hint of at most 60 s was
//! obeyed. Everything else was the same.

use super::{Decision, Ended, retry, stop};
use crate::domain::{headers::Hint, outcome::Outcome, time::spoken as secs};

/// Python waits at most this long, because sleeping longer raises on Windows.
pub(super) const LONGEST_S: f64 = 4_294_967.0;
/// Before September 2026 a longer hint counted as none.
pub(super) const CLASSIC_LONGEST_S: f64 = 60.0;
pub(super) const BASE_S: f64 = 0.5;
pub(super) const CAP_S: f64 = 8.0;
pub(super) const SPREAD: f64 = 0.25;

/// Today's SDKs.
pub(super) fn decide(ended: &Ended<'_>) -> Decision {
    decide_up_to(f64::INFINITY, ended)
}

/// Those before September 2026.
pub(super) fn decide_classic(ended: &Ended<'_>) -> Decision {
    decide_up_to(CLASSIC_LONGEST_S, ended)
}

/// A hint above `obeyed_s` counts as none.
fn decide_up_to(obeyed_s: f64, ended: &Ended<'_>) -> Decision {
    if let Err(why) = retries(ended) {
        return stop(why);
    }
    if let Some(stopped) = ended.used_up() {
        return stopped;
    }
    let unwise = if ended.is_spend() {
        "; unwise: a spend limit is reached and no retry helps, but the SDKs retry every such status"
    } else if ended.verdict.is_some_and(|verdict| !verdict.retry_helps) {
        "; unwise: no retry helps here, but the SDKs look at the status only"
    } else {
        ""
    };
    let hint = ended.outcome.hint();
    let asked = accepted(&hint);
    if let Some(asked) = asked.filter(|asked| *asked <= obeyed_s) {
        let wait = asked.min(LONGEST_S);
        let reason = format!(
            "the server asked {}; exactly that, without jitter",
            secs(asked)
        );
        return retry(wait, 0.0, reason + unwise);
    }
    let ceiling = (BASE_S * 2f64.powi(ended.retries().min(1_000) as i32)).min(CAP_S);
    // This jitter takes away: the wait lies in (75 %, 100 %] of the ceiling.
    let wait = ceiling * (1.0 - SPREAD * ended.die());
    let said = match asked {
        Some(asked) => format!(
            "the server's {} are more than {}, so {} too early",
            secs(asked),
            secs(obeyed_s),
            secs(asked - wait)
        ),
        None if hint.retry_after_ms_s.or(hint.retry_after_s).is_some() => {
            "the server's hint is not a wait above 0".to_owned()
        }
        None => "the server asked nothing".to_owned(),
    };
    let reason = format!(
        "{said}; {}, drawn between {} and {}",
        secs(wait),
        secs(ceiling * (1.0 - SPREAD)),
        secs(ceiling)
    );
    retry(wait, wait - ceiling * (1.0 - SPREAD), reason + unwise)
}

/// Whether the SDKs send again; else why not.
fn retries(ended: &Ended<'_>) -> Result<(), String> {
    let (status, hint) = match ended.outcome {
        Outcome::Refused { status, hint, .. } | Outcome::Foreign { status, hint, .. } => {
            (*status, hint)
        }
        Outcome::Unreachable { .. } => return Ok(()),
        _ => {
            return Err(format!(
                "{} came after a 200: the SDKs do not retry it",
                ended.what()
            ));
        }
    };
    if (200..300).contains(&status) {
        return Err(format!("{}: the SDKs take a 2xx as it is", ended.what()));
    }
    match hint.should_retry {
        Some(true) => return Ok(()),
        Some(false) => return Err("the server said x-should-retry: false".to_owned()),
        None => {}
    }
    if matches!(status, 408 | 409 | 429 | 500..) {
        Ok(())
    } else {
        Err(format!("{} is not retried by the SDKs", ended.what()))
    }
}

/// The first readable of `retry-after-ms` and `retry-after`, if it is above 0. A readable
/// `retry-after-ms` hides `retry-after` also when it is not above 0.
fn accepted(hint: &Hint) -> Option<f64> {
    hint.retry_after_ms_s
        .or(hint.retry_after_s)
        .filter(|s| *s > 0.0)
}
