//! What passed a tap, as text for people: a line for each refusal, and the totals.

use crate::domain::{
    clean::clean,
    id::{ClientId, ModelId},
    number::thousands,
    observation::{Observation, What},
    time::spoken,
    traffic::{Tally, Totals},
};
use std::fmt::Write as _;

/// One line for a call that was not served: when, who, what, why. None for anything else.
pub fn verdict(seen: &Observation) -> Option<String> {
    let What::Finished {
        verdict: Some(verdict),
        ..
    } = &seen.what
    else {
        return None;
    };
    let mut line = seen.at.format("%H:%M:%SZ").to_string();
    let status = verdict.status.map(|status| status.to_string());
    let model = seen.model.as_ref().map(ModelId::as_str);
    let client = seen.client.as_ref().map(ClientId::as_str);
    for part in [status.as_deref(), model, client].into_iter().flatten() {
        line.push(' ');
        line.push_str(&clean(part, 64));
    }
    if let Some(id) = &verdict.request_id {
        let _ = write!(line, " ({})", clean(id.as_str(), 80));
    }
    line.push_str(": ");
    line.push_str(&clean(&verdict.sentence, 500));
    Some(line)
}

/// The totals: everything in a few lines, then each client and each model where there are several.
/// `kept_out` are the requests that the tap itself refused.
pub fn totals(totals: &Totals, kept_out: u64) -> String {
    let all = totals.all();
    let mut text = String::from("through the tap: ");
    tally(&mut text, &all);
    for (what, rows) in [
        (
            "client",
            totals
                .clients
                .iter()
                .map(|row| (row.client.as_str(), &row.tally))
                .collect::<Vec<_>>(),
        ),
        (
            "model",
            totals
                .models
                .iter()
                .map(|row| (row.model.as_str(), &row.tally))
                .collect(),
        ),
    ] {
        if rows.len() < 2 {
            continue;
        }
        for (name, row) in rows {
            let _ = write!(text, "  {what} {}: ", clean(name, 64));
            tally(&mut text, row);
        }
    }
    if totals.elsewhere.wire > 0 {
        let _ = writeln!(
            text,
            "  to other paths: {}",
            count(totals.elsewhere.wire, "request")
        );
    }
    if kept_out > 0 {
        let _ = writeln!(
            text,
            "  not passed on by the tap: {}",
            count(kept_out, "request")
        );
    }
    for (kind, dropped) in totals.drops.kinds() {
        if dropped > 0 {
            let _ = writeln!(text, "  not told: {} {kind}", thousands(dropped));
        }
    }
    text
}

/// Said at the start of a tap with trouble on purpose.
pub fn banner(name: &str, about: &str) -> String {
    format!(
        "CHAOS {}: answers are broken on purpose and say so in x-ratetop-chaos\n  {}\n",
        clean(name, 64),
        clean(about, 500)
    )
}

/// How many requests that befell.
pub fn chaos(name: &str, requests: u64) -> String {
    let name = clean(name, 64);
    format!(
        "  befallen by chaos {name}: {}\n",
        count(requests, "request")
    )
}

fn count(n: u64, word: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {word}{s}", thousands(n))
}

fn tally(text: &mut String, it: &Tally) {
    let mut parts = vec![count(it.wire, "request")];
    if it.retries > 0 {
        let _ = write!(parts[0], " for {}", count(it.logical, "call"));
    }
    let mut of = |n: u64, words: &str| {
        if n > 0 {
            parts.push(format!("{} {words}", thousands(n)));
        }
    };
    of(it.whole, "answered");
    of(it.refusals(), "refused");
    of(it.broken, "broken off");
    of(it.unreachable, "without an answer");
    of(it.cancelled, "given up by the client");
    of(it.open, "still open");
    if it.early > 0 {
        parts.push(format!(
            "{} before the time that was asked for, by up to {}",
            count(it.early, "retry").replace("retrys", "retries"),
            spoken(it.early_worst_s)
        ));
    }
    text.push_str(&parts.join(", "));
    let causes: Vec<String> = it
        .refused
        .iter()
        .filter_map(|(cause, n)| {
            let word = serde_json::to_value(cause).ok()?;
            Some(format!("{} {}", thousands(*n), word.as_str()?))
        })
        .collect();
    if !causes.is_empty() {
        let _ = write!(text, " ({})", causes.join(", "));
    }
    let usage = &it.usage;
    let read =
        usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens;
    if read + usage.output_tokens > 0 {
        let _ = write!(
            text,
            "; tokens: {} in, {} out",
            thousands(read),
            thousands(usage.output_tokens)
        );
    }
    text.push('\n');
}
