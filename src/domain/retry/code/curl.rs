//! curl. It retries by itself (`--retry`), reads `retry-after` in seconds or as a date, and doubles 1 s
//! up to 10 minutes without one; of all this only the number, one fixed delay and a total can be set.
//! Which statuses it retries cannot: 408, 429, 500, 502, 503, 504 (newer ones some more; curl's
//! manual, `--retry`).

use super::{
    Rule, Written,
    rule::{Growth, Hint, Spread, Unasked},
};
use crate::domain::{retry::Policy, time::spoken as secs};
use std::fmt::Write as _;

/// Statuses that every curl of today retries.
const STATUSES: [u16; 6] = [408, 429, 500, 502, 503, 504];

pub(super) fn write(rule: &Rule) -> Written {
    let (base, key) = if rule.policy.is_free_only() {
        ("http://127.0.0.1:4787", "sk-ant-api03-ratetop-sim")
    } else {
        ("https://api.anthropic.com", "$ANTHROPIC_API_KEY")
    };
    let mut code = String::new();
    if rule.policy.is_free_only() {
        code.push_str("# Towards `ratetop sim` only: anywhere else this would be an attack.\n");
    }
    let _ = write!(code, "curl {base}/v1/messages \\\n  --fail-with-body");
    if rule.attempts > 1 {
        let _ = write!(code, " --retry {}", rule.attempts - 1);
        if let Unasked::Fixed(seconds) = rule.unasked
            && seconds >= 1.0
        {
            let _ = write!(code, " --retry-delay {seconds:.0}");
        }
        if let Some(budget) = rule.budget {
            let _ = write!(code, " --retry-max-time {:.0}", budget.max(1.0).floor());
        }
        if rule.connections {
            code.push_str(" --retry-connrefused");
        }
    }
    let _ = write!(
        code,
        " \\\n  -H \"x-api-key: {key}\" -H \"anthropic-version: 2023-06-01\" \\\n  \
         -H \"content-type: application/json\" \\\n  \
         -d '{{\"model\":\"claude-haiku-4-5\",\"max_tokens\":256,\n    \
         \"messages\":[{{\"role\":\"user\",\"content\":\"Say hello.\"}}]}}'\n"
    );
    Written {
        needs: "curl 7.76 or newer",
        notes: Vec::new(),
        unsaid: if rule.attempts > 1 {
            unsaid(rule)
        } else {
            Vec::new()
        },
        code,
    }
}

fn unsaid(rule: &Rule) -> Vec<String> {
    let mut unsaid = Vec::new();
    match rule.hint {
        Hint::Ignored => {
            unsaid.push("ignoring the server's hint (curl waits what retry-after asks)".to_owned());
        }
        Hint::Exact { up_to: Some(most) } => unsaid.push(format!(
            "ignoring a hint above {} (curl waits it too)",
            secs(most)
        )),
        Hint::Exact { up_to: None } => {}
        Hint::Floor { .. } => unsaid.push(
            "jitter upon a hint (clients that are refused together come back together)".to_owned(),
        ),
    }
    match rule.unasked {
        Unasked::Fixed(seconds) if seconds >= 1.0 => {}
        Unasked::Fixed(_) => {
            unsaid.push(
                "a wait of 0 s (without a hint curl waits 1, 2, 4, 8 s and so on)".to_owned(),
            );
        }
        Unasked::Grown(Growth { jitter, cap, .. }) => {
            unsaid.push(format!(
                "its waits without a hint, {} at most (curl's are 1, 2, 4, 8 s and so on, 600 s at \
                 most)",
                secs(cap)
            ));
            if jitter != Spread::None && !matches!(rule.hint, Hint::Floor { .. }) {
                unsaid.push("jitter".to_owned());
            }
        }
    }
    let ours = |status: u16| {
        rule.statuses
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&status))
    };
    let list = |statuses: Vec<u16>| {
        let texts: Vec<String> = statuses.iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    let more: Vec<u16> = STATUSES.into_iter().filter(|it| !ours(*it)).collect();
    if !more.is_empty() {
        unsaid.push(format!(
            "leaving out {} (curl retries these too)",
            list(more)
        ));
    }
    let fewer: Vec<u16> = [409, 529].into_iter().filter(|it| ours(*it)).collect();
    if !fewer.is_empty() {
        unsaid.push(format!("a retry on {} (curl makes none)", list(fewer)));
    }
    if !rule.connections {
        unsaid.push("leaving out time-outs (curl retries these too)".to_owned());
    }
    if rule.is_sdk() {
        unsaid.push("x-should-retry and retry-after-ms (curl reads neither)".to_owned());
    } else {
        if rule.policy != Policy::Immediate {
            unsaid.push(
                "giving up at a spend limit, or on a call larger than its own limit (curl sees the \
                 status only)"
                    .to_owned(),
            );
        }
        if rule.obeys_hint() {
            unsaid.push("retry-after-ms (curl does not read it)".to_owned());
        }
    }
    if rule.streams {
        unsaid.push("calling anew what broke after a 200".to_owned());
    }
    if let Some(budget) = rule.budget {
        unsaid.push(format!(
            "giving up before a wait of its own that would pass {} (curl looks when it has ended)",
            secs(budget)
        ));
    }
    if let Some(longest) = rule.longest {
        unsaid.push(format!("no wait above {}", secs(longest)));
    }
    unsaid
}
