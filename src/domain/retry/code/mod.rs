//! A retry policy as code that people can take home: settings for the official SDKs, tenacity and
//! curl. Pure text. What a library's settings cannot express is written out beside them, and what cannot
//! be expressed at all is said in the text.
//!
//! To add a target: a variant and an entry in [`Target::ALL`], and a file with its text.

mod curl;
mod python;
mod rule;
mod tenacity;
#[cfg(test)]
mod tests;
mod tongue;
mod typescript;

use super::{Limits, Policy};
use crate::domain::time::spoken as secs;
use rule::Rule;
use std::fmt::Write as _;

/// Where the code is meant to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The official Python SDK.
    Python,
    /// The official TypeScript SDK.
    TypeScript,
    /// The Python library tenacity, around the official SDK.
    Tenacity,
    /// The command curl.
    Curl,
}

impl Target {
    /// Every target, in the order of lists.
    pub const ALL: &'static [Self] = &[Self::Python, Self::TypeScript, Self::Tenacity, Self::Curl];

    /// As flags write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::TypeScript => "typescript",
            Self::Tenacity => "tenacity",
            Self::Curl => "curl",
        }
    }

    /// What it is, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Python => "Python SDK",
            Self::TypeScript => "TypeScript SDK",
            Self::Tenacity => "tenacity around the Python SDK",
            Self::Curl => "curl",
        }
    }

    /// The target of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.name() == name)
    }

    /// The target `by` places further in the list, round its ends.
    #[must_use]
    pub fn step(self, by: isize) -> Self {
        let here = Self::ALL.iter().position(|it| *it == self).unwrap_or(0);
        let to = (here as isize + by).rem_euclid(Self::ALL.len() as isize);
        Self::ALL[to as usize]
    }

    const fn comment(self) -> &'static str {
        match self {
            Self::TypeScript => "//",
            _ => "#",
        }
    }
}

/// What is to be written down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// The policy.
    pub policy: Policy,
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// Bounds around it.
    pub limits: Limits,
}

impl Plan {
    /// A policy as it comes.
    pub fn of(policy: Policy) -> Self {
        Self {
            policy,
            attempts: policy.attempts(),
            limits: Limits::default(),
        }
    }

    /// The plan as code, ending with a line feed.
    pub fn code(&self, target: Target) -> String {
        let rule = Rule::of(self);
        let written = match target {
            Target::Python => python::write(&rule),
            Target::TypeScript => typescript::write(&rule),
            Target::Tenacity => tenacity::write(&rule),
            Target::Curl => curl::write(&rule),
        };
        let mark = target.comment();
        let mut text = String::new();
        let mut say = |what: &str| comment(&mut text, mark, what);
        say(&format!("{}: {}.", self.policy.name(), self.policy.rule()));
        say(&format!("{}. For {}.", self.bounds(), written.needs));
        for note in &written.notes {
            say(note);
        }
        if !written.unsaid.is_empty() {
            say("What it cannot express:");
            for what in &written.unsaid {
                say(&format!("- {what}"));
            }
        }
        text.push('\n');
        text.push_str(&written.code);
        text
    }

    /// `5 attempts, 120 s in all, no wait above 30 s`.
    fn bounds(&self) -> String {
        let mut text = if self.attempts == 1 {
            "1 attempt".to_owned()
        } else {
            format!("{} attempts", self.attempts)
        };
        if let Some(deadline) = self.limits.deadline_s {
            let _ = write!(text, ", {} in all", secs(deadline));
        }
        if let Some(longest) = self.limits.longest_wait_s {
            let _ = write!(text, ", no wait above {}", secs(longest));
        }
        text
    }
}

/// Columns of a comment.
const COLUMNS: usize = 76;

/// Appends a comment in lines of at most [`COLUMNS`]; what is left over of one is indented.
fn comment(text: &mut String, mark: &str, what: &str) {
    let mut column = 0;
    for word in what.split(' ') {
        let width = word.chars().count() + 1;
        if column == 0 || column + width > COLUMNS {
            let lead = if column == 0 {
                mark
            } else {
                &format!("\n{mark}  ")
            };
            text.push_str(lead);
            column = lead.trim_start().chars().count();
        }
        text.push(' ');
        text.push_str(word);
        column += width;
    }
    text.push('\n');
}

/// One target's text without its head.
struct Written {
    /// What it runs on: `anthropic 2.5 or newer`.
    needs: &'static str,
    /// What a reader should know, one sentence each.
    notes: Vec<String>,
    /// What of the policy it cannot express, one phrase each.
    unsaid: Vec<String>,
    /// The code.
    code: String,
}
