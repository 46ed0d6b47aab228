//! A test call as text for people: attempts as they happen, then the summary.

use super::{
    cache,
    call::{Ended, sent},
};
use crate::domain::{
    answer::Thought, clean::clean, number::thousands, observation::CallResult, outcome::Outcome,
    retry::Action, time::spoken, timeline::Attempt,
};

/// One attempt that is over, in a line or two: what came, what the server asked, what comes next.
pub fn attempt(it: &Attempt) -> String {
    // Only an answer that says no is a refusal: not one that broke, nor one that was not waited for.
    let became = match &it.outcome {
        Some(Outcome::Complete { .. }) => "",
        Some(Outcome::Cancelled) => "cancelled",
        Some(Outcome::StreamError { .. }) => "then an error",
        Some(Outcome::StreamCut { .. } | Outcome::StreamTruncated) => "cut off",
        Some(Outcome::Foreign { .. }) => "not the API's answer",
        Some(Outcome::Refused { .. }) => "refused",
        Some(Outcome::Unreachable { .. }) | None => "no answer",
    };
    let status = match it.status {
        Some(status) => format!("{status} {became}"),
        None => became.to_owned(),
    };
    let status = status.trim_end();
    let mut parts = vec![format!("attempt {}: {status}", it.n)];
    parts.extend(it.duration_s.map(|s| format!("after {}", spoken(s))));
    parts.extend(it.request.as_ref().map(|id| clean(id.as_str(), 80)));
    let mut text = parts.join(", ");
    if let Some(verdict) = &it.verdict {
        text.push_str("\n  ");
        text.push_str(&clean(&verdict.sentence, 500));
    }
    if let Some(decision) = &it.decision
        && it.is_paused_turn()
    {
        text.push_str("\n  ");
        text.push_str(&clean(&decision.reason, 300));
    } else if let Some(decision) = &it.decision
        && (it.verdict.is_some() || decision.action == Action::Retry)
    {
        let asked = it.asked_s.map_or_else(
            || "asked nothing".to_owned(),
            |s| format!("asked {}", spoken(s)),
        );
        let action = match decision.action {
            Action::Retry => format!("waits {}", spoken(decision.wait_s)),
            Action::Stop => "stops".to_owned(),
        };
        let reason = clean(&decision.reason, 300);
        text.push_str(&["\n  ", &asked, ", ", &action, ": ", &reason].concat());
    }
    text.push('\n');
    text
}

/// The last line: how it ended and what it took.
pub fn summary(ended: &Ended<'_>) -> String {
    let call = ended.call;
    let word = match call.result {
        Some(CallResult::Ok) => "ok",
        Some(CallResult::Failed) => "failed",
        Some(CallResult::Cancelled) => "cancelled",
        None => "not over",
    };
    let wire = sent(call).count();
    let continued = sent(call).rev().skip(1).filter(|it| it.is_paused_turn());
    let continued = match continued.count() {
        0 => String::new(),
        n => format!(", {n} of them to continue a paused turn"),
    };
    let mut parts = vec![format!(
        "{word}: {}{} in {wire} wire {}{continued}",
        clean(call.model.as_str(), 80),
        if call.policy.is_empty() {
            String::new()
        } else {
            format!(" by {}", call.policy)
        },
        if wire == 1 { "call" } else { "calls" }
    )];
    parts.extend(
        call.stop_reason()
            .map(|reason| format!("stop reason {reason}")),
    );
    parts.extend(call.usage().map(|usage| {
        format!(
            "in {} · cached {} · written {} · out {}",
            thousands(usage.input_tokens),
            thousands(usage.cache_read_input_tokens),
            thousands(usage.cache_creation_input_tokens),
            thousands(usage.output_tokens)
        )
    }));
    parts.extend(call.thought().map(Thought::words));
    parts.push(match ended.cost_usd {
        _ if ended.free => "free: simulator".to_owned(),
        None => "cost unknown".to_owned(),
        Some(usd) if usd > 0.0 => format!("about ${usd:.6}"),
        Some(_) => "nothing charged".to_owned(),
    });
    let mut text = parts.join(", ");
    text.push('\n');
    if let (Some(order), Some(usage)) = (ended.cache, call.usage()) {
        text += &[
            "cache: ",
            &cache::row(order, call.model.as_str(), &usage),
            "\n",
        ]
        .concat();
    }
    text
}
