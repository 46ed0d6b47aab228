//! The Python SDK. How often it retries is a setting; when and how long is not, so anything but its own
//! policy is a loop around a client that does not retry. The functions are tenacity's too.

use super::{
    Rule, Written,
    rule::{Growth, Hint, Spread, Unasked},
    tongue::{Tongue, arguments, constants},
};
use crate::domain::{retry::Policy, time::spoken as secs};
use std::fmt::Write as _;

pub(super) fn write(rule: &Rule) -> Written {
    if rule.attempts == 1 || rule.is_sdk() {
        return settings(rule);
    }
    let mut code = imports(rule, &["time"]);
    let _ = write!(
        code,
        "\n{}\n{}{}{}{}",
        client(rule),
        constants(rule, "", "  # "),
        worth_a_retry(rule),
        wait(rule),
        create(rule)
    );
    Written {
        needs: "anthropic 2.5 or newer",
        notes: vec![off("create()")],
        unsaid: left_out(rule),
        code,
    }
}

/// The SDK's own retries.
fn settings(rule: &Rule) -> Written {
    let classic = rule.policy == Policy::SdkClassic && rule.attempts > 1;
    let notes = if classic {
        vec![
            "Newer ones obey a hint above 60 s too and cannot be told otherwise: \
             pip install anthropic==1.5.0"
                .to_owned(),
        ]
    } else {
        Vec::new()
    };
    let retries = rule.attempts - 1;
    Written {
        needs: if classic {
            "anthropic 1.5.0 or older"
        } else if retries > 0 {
            "anthropic 1.6 or newer"
        } else {
            "any anthropic"
        },
        notes,
        unsaid: unbounded(rule),
        code: format!("import anthropic\n\nclient = anthropic.Anthropic(max_retries={retries})\n"),
    }
}

/// Bounds that the SDKs' own retries do not have.
pub(super) fn unbounded(rule: &Rule) -> Vec<String> {
    if rule.attempts == 1 {
        return Vec::new();
    }
    let budget = rule.budget.map(|s| {
        let budget = secs(s);
        format!("an end after {budget} in all (the SDK's timeout is one attempt's)")
    });
    let longest = rule.longest.map(|s| format!("no wait above {}", secs(s)));
    budget.into_iter().chain(longest).collect()
}

/// Why there is a loop.
pub(super) fn off(name: &str) -> String {
    format!("The SDK can be told how often to retry, not when and how late: {name} does that here.")
}

/// What code that sees the answer only cannot do.
pub(super) fn left_out(rule: &Rule) -> Vec<String> {
    let larger =
        "giving up on a call that is larger than its own limit (the answer does not tell it apart)";
    let streams = "calling anew what broke after a 200 (that is raised while the stream is read)";
    let streams = rule.streams.then_some(streams);
    std::iter::once(larger)
        .chain(streams)
        .map(str::to_owned)
        .collect()
}

/// What the code needs, in alphabetical order.
pub(super) fn imports(rule: &Rule, more: &[&str]) -> String {
    let mut modules: Vec<&str> = more.to_vec();
    if rule.obeys_hint() {
        modules.push("math");
    }
    if rolls(rule) {
        modules.push("random");
    }
    modules.sort_unstable();
    let mut text = String::new();
    for module in modules {
        let _ = writeln!(text, "import {module}");
    }
    if rule.obeys_hint() {
        text.push_str("from email.utils import parsedate_to_datetime\n");
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str("import anthropic\n");
    text
}

fn rolls(rule: &Rule) -> bool {
    matches!(rule.hint, Hint::Floor { .. })
        || matches!(rule.unasked, Unasked::Grown(growth) if growth.jitter != Spread::None)
}

/// The client that does not retry. A policy for simulators speaks to one.
pub(super) fn client(rule: &Rule) -> String {
    if rule.policy.is_free_only() {
        return "# Towards `ratetop sim` only: anywhere else this would be an attack.\n\
                client = anthropic.Anthropic(\n    \
                base_url=\"http://127.0.0.1:4787\", api_key=\"sk-ant-api03-ratetop-sim\", max_retries=0\n)\n"
            .to_owned();
    }
    "client = anthropic.Anthropic(max_retries=0)\n".to_owned()
}

/// Which errors are sent again.
pub(super) fn worth_a_retry(rule: &Rule) -> String {
    let mut text = "\n\ndef worth_a_retry(error):\n".to_owned();
    if rule.connections {
        text.push_str(
            "    if isinstance(error, anthropic.APIConnectionError):\n        return True\n",
        );
    }
    text.push_str(
        "    if not isinstance(error, anthropic.APIStatusError):\n        return False\n",
    );
    if rule.is_sdk() {
        text.push_str(
            "    # An error inside a stream has the status of the stream, 200.\n    \
             if error.status_code < 300:\n        return False\n    \
             should = error.response.headers.get(\"x-should-retry\")\n    \
             if should in (\"true\", \"false\"):\n        return should == \"true\"\n",
        );
    } else {
        text.push_str(
            "    # Nothing helps before a spend limit is raised or its month ends.\n    \
             if \"spend_limit_reached\" in (error.error_code or \"\"):\n        return False\n",
        );
    }
    if rule.longest.is_some() && rule.obeys_hint() {
        text.push_str("    if (asked(error) or 0) > LONGEST:\n        return False\n");
    }
    let _ = writeln!(text, "    return {}", PYTHON.statuses(rule));
    text
}

/// As Python says it: `error.status_code in (408, 429) or error.status_code >= 500`.
const PYTHON: Tongue = Tongue {
    status: "error.status_code",
    is: " == ",
    or: " or ",
    never: "False",
    among: |list| format!("error.status_code in ({list})"),
    between: |first, last| format!("{first} <= error.status_code <= {last}"),
    power: "**",
    min: "min",
    max: "max",
};

/// What the server asks for; nothing where that is ignored.
pub(super) fn asked(rule: &Rule) -> String {
    if !rule.obeys_hint() {
        return String::new();
    }
    let taken = match (rule.is_sdk(), rule.hint) {
        // The first that can be read counts, also when it is no wait.
        (true, _) => "        return seconds if 0 < seconds < math.inf else None\n",
        (false, Hint::Exact { .. }) => {
            "        if 0 <= seconds < math.inf:\n            return seconds\n"
        }
        (false, _) => "        if 0 < seconds < math.inf:\n            return seconds\n",
    };
    format!(
        "\n\ndef asked(error):\n    \
         \"\"\"Seconds that the server asks for; None when it asks for nothing.\"\"\"\n    \
         response = getattr(error, \"response\", None)\n    \
         headers = {{}} if response is None else response.headers\n    \
         for name, unit in ((\"retry-after-ms\", 0.001), (\"retry-after\", 1.0)):\n        \
         try:\n            \
         seconds = float(headers[name]) * unit\n        \
         except (KeyError, ValueError):\n            \
         continue\n\
         {taken}    \
         try:  # a date\n        \
         till, now = (parsedate_to_datetime(headers[name]) for name in (\"retry-after\", \"date\"))\n        \
         return max((till - now).total_seconds(), 0.0) or None\n    \
         except (KeyError, TypeError, ValueError):\n        \
         return None\n"
    )
}

fn wait(rule: &Rule) -> String {
    let mut text = asked(rule);
    let _ = write!(text, "\n\ndef wait({}):\n", arguments(rule).join(", "));
    text.push_str("    \"\"\"Seconds before the next attempt.\"\"\"\n");
    hinted(rule, &mut text);
    let _ = writeln!(text, "    return {}", unasked(rule));
    text
}

/// What a hint does, first of all.
pub(super) fn hinted(rule: &Rule, text: &mut String) {
    match rule.hint {
        Hint::Ignored => {}
        Hint::Exact { up_to } => {
            let bound = up_to.map_or(String::new(), |s| format!(" and hint <= {s}"));
            let _ = write!(
                text,
                "    hint = asked(error)\n    if hint is not None{bound}:\n        return hint\n"
            );
        }
        Hint::Floor { share, least } => {
            let _ = write!(
                text,
                "    hint = asked(error)\n    if hint is not None:\n        \
                 return hint + random.uniform(0, max({share} * hint, {least}))\n"
            );
        }
    }
}

fn unasked(rule: &Rule) -> String {
    let growth = match rule.unasked {
        Unasked::Fixed(seconds) => return seconds.to_string(),
        Unasked::Grown(growth) => growth,
    };
    let grown = PYTHON.grown(&growth);
    let Growth {
        base, cap, jitter, ..
    } = growth;
    match jitter {
        Spread::None => grown,
        Spread::Share(0.0) => format!("random.uniform(0, {grown})"),
        Spread::Share(share) => format!("{grown} * random.uniform({share}, 1)"),
        Spread::Plus(most) => format!("{grown} + random.uniform(0, {most})"),
        Spread::Decorrelated => {
            format!("min({cap}, random.uniform({base}, 3 * max({base}, last)))")
        }
    }
}

/// The loop.
fn create(rule: &Rule) -> String {
    let last = arguments(rule).contains(&"last");
    let mut text = "\n\ndef create(**request):\n    \
                    \"\"\"client.messages.create(**request), with the retries of this policy.\"\"\"\n"
        .to_owned();
    if rule.budget.is_some() {
        text.push_str("    begun = time.monotonic()\n");
    }
    if last {
        text.push_str("    last = 0\n");
    }
    text.push_str(
        "    for retry in range(ATTEMPTS):\n        try:\n            \
         return client.messages.create(**request)\n        \
         except anthropic.APIError as error:\n            \
         if retry == ATTEMPTS - 1 or not worth_a_retry(error):\n                raise\n",
    );
    let pause = PYTHON.pause(rule);
    let name = if last { "last" } else { "pause" };
    let _ = writeln!(text, "            {name} = {pause}");
    if rule.budget.is_some() {
        let _ = write!(
            text,
            "            if time.monotonic() - begun + {name} > BUDGET:\n                raise\n"
        );
    }
    let _ = writeln!(text, "            time.sleep({name})");
    text
}
