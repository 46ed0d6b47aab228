//! The TypeScript SDK. As in Python: the number of retries is a setting, the rest a loop around a client
//! that does not retry.

use super::{
    Rule, Written, python,
    rule::{Growth, Hint, Spread, Unasked},
    tongue::{Tongue, arguments, constants},
};
use crate::domain::retry::Policy;
use std::fmt::Write as _;

pub(super) fn write(rule: &Rule) -> Written {
    if rule.attempts == 1 || rule.is_sdk() {
        return settings(rule);
    }
    let mut unsaid = python::left_out(rule);
    let unbounded = rule.obeys_hint() && rule.budget.is_none() && rule.longest.is_none();
    if unbounded {
        unsaid.push("a wait above 24.8 days (that is setTimeout's longest)".to_owned());
    }
    let mut code = "import Anthropic from \"@anthropic-ai/sdk\";\n\n".to_owned();
    code.push_str(&client(rule));
    code.push('\n');
    code.push_str(&constants(rule, "const ", "; // "));
    code.push_str(&worth_a_retry(rule));
    if rule.obeys_hint() {
        code.push_str(&asked(rule));
    }
    code.push_str(&wait(rule));
    code.push_str(&retrying(rule, unbounded));
    Written {
        needs: "@anthropic-ai/sdk 1.5 or newer",
        notes: vec![python::off("retrying()")],
        unsaid,
        code,
    }
}

/// The SDK's own retries.
fn settings(rule: &Rule) -> Written {
    let classic = rule.policy == Policy::SdkClassic && rule.attempts > 1;
    let notes = if classic {
        vec!["Newer ones obey a hint above 60 s too and cannot be told otherwise.".to_owned()]
    } else {
        Vec::new()
    };
    let retries = rule.attempts - 1;
    Written {
        needs: if classic {
            "@anthropic-ai/sdk of before September 2026"
        } else if retries > 0 {
            "@anthropic-ai/sdk 1.0 or newer"
        } else {
            "any @anthropic-ai/sdk"
        },
        notes,
        unsaid: python::unbounded(rule),
        code: format!(
            "import Anthropic from \"@anthropic-ai/sdk\";\n\n\
             export const client = new Anthropic({{ maxRetries: {retries} }});\n"
        ),
    }
}

fn client(rule: &Rule) -> String {
    if rule.policy.is_free_only() {
        return "// Towards `ratetop sim` only: anywhere else this would be an attack.\n\
                export const client = new Anthropic({\n  \
                baseURL: \"http://127.0.0.1:4787\",\n  \
                apiKey: \"sk-ant-api03-ratetop-sim\",\n  maxRetries: 0,\n});\n"
            .to_owned();
    }
    "export const client = new Anthropic({ maxRetries: 0 });\n".to_owned()
}

fn worth_a_retry(rule: &Rule) -> String {
    let mut text = "\nfunction worthARetry(error: unknown): boolean {\n".to_owned();
    if rule.connections {
        text.push_str("  if (error instanceof Anthropic.APIConnectionError) return true;\n");
    }
    text.push_str(
        "  if (!(error instanceof Anthropic.APIError) || error.status === undefined) return false;\n  \
         // Nothing helps before a spend limit is raised or its month ends.\n  \
         if (error.errorCode?.includes(\"spend_limit_reached\")) return false;\n",
    );
    if rule.longest.is_some() && rule.obeys_hint() {
        text.push_str("  if ((asked(error) ?? 0) > LONGEST) return false;\n");
    }
    let _ = write!(text, "  return {};\n}}\n", TYPESCRIPT.statuses(rule));
    text
}

/// As TypeScript says it: `[408, 429].includes(error.status) || error.status >= 500`.
const TYPESCRIPT: Tongue = Tongue {
    status: "error.status",
    is: " === ",
    or: " || ",
    never: "false",
    among: |list| format!("[{list}].includes(error.status)"),
    between: |first, last| format!("({first} <= error.status && error.status <= {last})"),
    power: " ** ",
    min: "Math.min",
    max: "Math.max",
};

fn asked(rule: &Rule) -> String {
    let least = if matches!(rule.hint, Hint::Exact { .. }) {
        ">="
    } else {
        ">"
    };
    format!(
        "\n/** Seconds that the server asks for; none when it asks for nothing. */\n\
         function asked(error: unknown): number | undefined {{\n  \
         const headers = error instanceof Anthropic.APIError ? error.headers : undefined;\n  \
         for (const [name, unit] of [[\"retry-after-ms\", 0.001], [\"retry-after\", 1]] as const) {{\n    \
         const seconds = Number(headers?.get(name) || NaN) * unit;\n    \
         if (seconds {least} 0 && seconds < Infinity) return seconds;\n  }}\n  \
         const date = (name: string) => Date.parse(headers?.get(name) ?? \"\");\n  \
         const seconds = (date(\"retry-after\") - date(\"date\")) / 1000;\n  \
         return seconds > 0 ? seconds : undefined;\n}}\n"
    )
}

fn wait(rule: &Rule) -> String {
    let typed: Vec<String> = arguments(rule)
        .iter()
        .map(|name| match *name {
            "error" => "error: unknown".to_owned(),
            name => format!("{name}: number"),
        })
        .collect();
    let mut text = format!(
        "\n/** Seconds before the next attempt. */\nfunction wait({}): number {{\n",
        typed.join(", ")
    );
    match rule.hint {
        Hint::Ignored => {}
        Hint::Exact { up_to } => {
            let bound = up_to.map_or(String::new(), |s| format!(" && hint <= {s}"));
            let _ = write!(
                text,
                "  const hint = asked(error);\n  if (hint !== undefined{bound}) return hint;\n"
            );
        }
        Hint::Floor { share, least } => {
            let _ = write!(
                text,
                "  const hint = asked(error);\n  if (hint !== undefined) return hint + \
                 Math.random() * Math.max({share} * hint, {least});\n"
            );
        }
    }
    let _ = write!(text, "  return {};\n}}\n", unasked(rule));
    text
}

fn unasked(rule: &Rule) -> String {
    let growth = match rule.unasked {
        Unasked::Fixed(seconds) => return seconds.to_string(),
        Unasked::Grown(growth) => growth,
    };
    let grown = TYPESCRIPT.grown(&growth);
    let Growth {
        base, cap, jitter, ..
    } = growth;
    match jitter {
        Spread::None => grown,
        Spread::Share(0.0) => format!("Math.random() * {grown}"),
        Spread::Share(share) => {
            format!("({share} + {} * Math.random()) * {grown}", 1.0 - share)
        }
        Spread::Plus(most) => format!("{grown} + Math.random() * {most}"),
        Spread::Decorrelated => format!(
            "Math.min({cap}, {base} + Math.random() * (3 * Math.max({base}, last) - {base}))"
        ),
    }
}

fn retrying(rule: &Rule, unbounded: bool) -> String {
    let last = arguments(rule).contains(&"last");
    let mut text = "\n/** What `send` gives after its retries: \
                    retrying(() => client.messages.create({ … })). */\n\
                    export async function retrying<T>(send: () => Promise<T>): Promise<T> {\n"
        .to_owned();
    if rule.budget.is_some() {
        text.push_str("  const begun = performance.now();\n");
    }
    if last {
        text.push_str("  let last = 0;\n");
    }
    text.push_str(
        "  for (let retry = 0; ; retry++) {\n    try {\n      return await send();\n    } catch (error) {\n      \
         if (retry + 1 >= ATTEMPTS || !worthARetry(error)) throw error;\n",
    );
    let pause = TYPESCRIPT.pause(rule);
    let name = if last { "last" } else { "pause" };
    let _ = writeln!(
        text,
        "      {}{name} = {pause};",
        if last { "" } else { "const " }
    );
    if rule.budget.is_some() {
        let _ = writeln!(
            text,
            "      if ((performance.now() - begun) / 1000 + {name} > BUDGET) throw error;"
        );
    }
    let span = if unbounded {
        format!("Math.min({name} * 1000, 2 ** 31 - 1)")
    } else {
        format!("{name} * 1000")
    };
    let _ = write!(
        text,
        "      await new Promise((resume) => setTimeout(resume, {span}));\n    }}\n  }}\n}}\n"
    );
    text
}
