//! tenacity, the Python library, around a client of the SDK that does not retry. Its own waits where
//! they say it, functions where a hint counts.

use super::{
    Rule, Written, python,
    rule::{Growth, Hint, Spread, Unasked, equal},
};
use std::fmt::Write as _;

pub(super) fn write(rule: &Rule) -> Written {
    let retries = rule.attempts > 1;
    let wait = wait(rule);
    let mut names = vec!["retry", "retry_if_exception", "stop_after_attempt"];
    if rule.budget.is_some() {
        names.push("stop_before_delay");
    }
    names.extend(wait.imports.iter().copied());
    names.sort_unstable();
    names.dedup();
    let mut code = if retries {
        python::imports(rule, &[])
    } else {
        "import anthropic\n".to_owned()
    };
    if !wait.rolls {
        code = code.replace("import random\n", "");
        code = code.trim_start_matches('\n').to_owned();
    }
    if retries {
        let _ = write!(code, "{}", from(&names));
    }
    let _ = write!(code, "\n{}", python::client(rule));
    if let Some(longest) = rule.longest.filter(|_| retries) {
        let _ = writeln!(code, "LONGEST = {longest}  # seconds that it waits at most");
    }
    let mut unsaid = Vec::new();
    if retries {
        if !rule.is_sdk() {
            unsaid.extend(python::left_out(rule));
        }
        code.push_str(&python::asked(rule));
        code.push_str(&python::worth_a_retry(rule));
        code.push_str(&wait.before);
        let mut stop = format!("stop_after_attempt({})", rule.attempts);
        if let Some(budget) = rule.budget {
            let _ = write!(stop, " | stop_before_delay({budget})");
        }
        let _ = write!(
            code,
            "\n\n@retry(\n    retry=retry_if_exception(worth_a_retry),\n    wait={},\n    stop={stop},\n    \
             reraise=True,\n)\n",
            wait.word
        );
    } else {
        code.push_str("\n\n# One attempt: there is nothing for tenacity to do.\n");
    }
    code.push_str("def create(**request):\n    return client.messages.create(**request)\n");
    Written {
        needs: "tenacity 9 with anthropic 2.5 or newer",
        notes: Vec::new(),
        unsaid,
        code,
    }
}

/// `from tenacity import …`, one name a line where they are many.
fn from(names: &[&str]) -> String {
    let line = format!("from tenacity import {}\n", names.join(", "));
    if line.len() <= 100 {
        return line;
    }
    format!(
        "from tenacity import (\n    {},\n)\n",
        names.join(",\n    ")
    )
}

/// The waiting strategy: code that stands before it, its word, what it needs.
struct Wait {
    before: String,
    word: String,
    imports: Vec<&'static str>,
    rolls: bool,
}

fn wait(rule: &Rule) -> Wait {
    let grown = grown(rule);
    if rule.hint == Hint::Ignored && rule.longest.is_none() && !grown.needs_state {
        return Wait {
            before: String::new(),
            word: grown.word,
            imports: grown.imports,
            rolls: false,
        };
    }
    let mut before = String::new();
    if !grown.needs_state && !matches!(rule.unasked, Unasked::Fixed(_)) {
        let _ = write!(before, "\n\nbackoff = {}\n", grown.word);
    }
    before.push_str("\n\ndef wait(state):\n    \"\"\"Seconds before the next attempt.\"\"\"\n");
    let mut body = String::new();
    if rule.obeys_hint() {
        body.push_str("    error = state.outcome.exception()\n");
        python::hinted(rule, &mut body);
    }
    let rest = match rule.unasked {
        Unasked::Fixed(seconds) => seconds.to_string(),
        Unasked::Grown(_) if grown.needs_state => grown.word,
        Unasked::Grown(Growth {
            jitter: Spread::Share(share),
            ..
        }) if rule.is_sdk() => {
            format!("backoff(state) * random.uniform({share}, 1)")
        }
        Unasked::Grown(_) => "backoff(state)".to_owned(),
    };
    let _ = writeln!(body, "    return {rest}");
    if rule.longest.is_some() {
        // Whatever it is, it is cut.
        body = body
            .lines()
            .map(|line| match line.split_once("return ") {
                Some((indent, value)) => format!("{indent}return min(LONGEST, {value})\n"),
                None => format!("{line}\n"),
            })
            .collect();
    }
    let rolls = body.contains("random.");
    before.push_str(&body);
    Wait {
        before,
        word: "wait".to_owned(),
        imports: grown.imports,
        rolls,
    }
}

/// A backoff without a hint, in tenacity's words, or in Python's where those have none.
struct Grown {
    word: String,
    imports: Vec<&'static str>,
    needs_state: bool,
}

fn grown(rule: &Rule) -> Grown {
    let Unasked::Grown(growth) = rule.unasked else {
        return Grown {
            word: "wait_none()".to_owned(),
            imports: if rule.obeys_hint() || rule.longest.is_some() {
                vec![]
            } else {
                vec!["wait_none"]
            },
            needs_state: false,
        };
    };
    let Growth { base, cap, .. } = growth;
    let settings = |share: f64| {
        let mut text = format!("multiplier={}", base * share);
        if !equal(growth.factor, 2.0) {
            let _ = write!(text, ", exp_base={}", growth.factor);
        }
        if growth.floor > 0.0 {
            let _ = write!(text, ", min={}", growth.floor);
        }
        let _ = write!(text, ", max={}", cap * share);
        text
    };
    let (word, imports) = match growth.jitter {
        Spread::None => (
            format!("wait_exponential({})", settings(1.0)),
            vec!["wait_exponential"],
        ),
        Spread::Share(_) if rule.is_sdk() => (
            format!("wait_exponential({})", settings(1.0)),
            vec!["wait_exponential"],
        ),
        Spread::Share(0.0) => (
            format!("wait_random_exponential({})", settings(1.0)),
            vec!["wait_random_exponential"],
        ),
        Spread::Share(share) => (
            format!(
                "wait_exponential({}) + wait_random_exponential({})",
                settings(share),
                settings(1.0 - share)
            ),
            vec!["wait_exponential", "wait_random_exponential"],
        ),
        Spread::Plus(most) => (
            format!(
                "wait_exponential({}) + wait_random(0, {most})",
                settings(1.0)
            ),
            vec!["wait_exponential", "wait_random"],
        ),
        Spread::Decorrelated => {
            return Grown {
                // What it slept last is still there when the next wait is asked for.
                word: format!(
                    "min({cap}, random.uniform({base}, 3 * max({base}, state.upcoming_sleep)))"
                ),
                imports: vec![],
                needs_state: true,
            };
        }
    };
    Grown {
        word,
        imports,
        needs_state: false,
    }
}
