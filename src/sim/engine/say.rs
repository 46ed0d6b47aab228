//! What an admitted call will say: when it begins, how fast it is, where it stops and how it ends.

use super::Engine;
use crate::sim::{
    dice::Dice,
    scenario::{Fault, FaultKind},
    speak::{
        message::{MessagesAsk, Wanted},
        prose::Prose,
        reply::{Ending, Stop},
    },
};

/// How an answer will go.
#[derive(Debug)]
pub(super) struct Plan {
    /// Seconds until its head.
    pub(super) first_byte_s: f64,
    /// Output tokens a second; 0 is at once.
    pub(super) tokens_per_s: f64,
    /// All that it would say.
    pub(super) output: u64,
    /// Why it stops there.
    pub(super) stop: Stop,
    /// Whether it gets there.
    pub(super) ending: Ending,
}

impl Plan {
    /// Tokens that are really said.
    pub(super) fn said(&self) -> f64 {
        match self.ending {
            Ending::Normal => self.output,
            Ending::Error(_, after) | Ending::Cut(after) | Ending::Truncated(after) => {
                self.output.min(after)
            }
        }
        .min(u64::from(u32::MAX)) as f64
    }

    /// Seconds that saying it takes.
    pub(super) fn seconds(&self) -> f64 {
        if self.tokens_per_s > 0.0 {
            self.said() / self.tokens_per_s
        } else {
            0.0
        }
    }
}

impl Engine {
    /// The plan of a call that may meet `fault`.
    pub(super) fn plan(
        &self,
        ask: &MessagesAsk,
        fault: Option<&Fault>,
        fast: bool,
        dice: &mut Dice,
    ) -> Plan {
        let answers = &self.world.answers;
        let slow_s = fault
            .filter(|fault| fault.kind == FaultKind::Slow)
            .map_or(0.0, |fault| fault.wait_s);
        let first_byte_s = dice.between(answers.first_byte_s) + slow_s;
        let tokens_per_s = dice.between(answers.tokens_per_s) * if fast { 2.5 } else { 1.0 };
        let natural = dice.between(answers.tokens).round().max(1.0) as u64;
        let (output, stop) = match fault.map(|fault| fault.kind) {
            Some(FaultKind::PauseTurn) => (natural.min(ask.max_tokens), Stop::PauseTurn),
            Some(FaultKind::Refusal) => (natural.min(ask.max_tokens), Stop::Refusal),
            _ => self.stop(ask, natural),
        };
        let ending = fault.map_or(Ending::Normal, |fault| match fault.kind {
            FaultKind::StreamError => {
                let kind = fault.error.clone();
                let kind = kind.unwrap_or_else(|| "overloaded_error".into());
                Ending::Error(kind, fault.after_tokens)
            }
            FaultKind::Cut => Ending::Cut(fault.after_tokens),
            FaultKind::Truncated if ask.stream => Ending::Truncated(fault.after_tokens),
            _ => Ending::Normal,
        });
        Plan {
            first_byte_s,
            tokens_per_s,
            output,
            stop,
            ending,
        }
    }

    /// How many of `natural` tokens are said, and why no more.
    fn stop(&self, ask: &MessagesAsk, natural: u64) -> (u64, Stop) {
        let most = ask.max_tokens;
        if let Some(wanted) = ask.wanted.filter(|_| !ask.continued && !ask.has_result) {
            return as_wanted(wanted, natural, most);
        }
        if let Some(tool) = &ask.tool {
            let share = self.world.answers.tool_use;
            let asks = tool.forced || (!ask.has_result && self.dice(5).share() < share);
            if asks {
                let tokens = (tool.name.len() + tool.input.len()).div_ceil(4) as u64;
                let output = natural.max(tokens + 1);
                if output > most {
                    return (most, Stop::MaxTokens);
                }
                let (name, input) = (tool.name.clone(), tool.input.clone());
                let stop = Stop::Tool {
                    name,
                    input,
                    tokens,
                };
                return (output, stop);
            }
        }
        let output = natural.min(most);
        match sequence(&ask.stop_sequences, self.dice(4), output) {
            Some(stopped) => stopped,
            None if natural > most => (output, Stop::MaxTokens),
            None => (output, Stop::EndTurn),
        }
    }
}

/// An answer that stops as its prompt asks for.
fn as_wanted(wanted: Wanted, natural: u64, most: u64) -> (u64, Stop) {
    /// More than that is not said only to be cut.
    const LONG: u64 = 4_096;
    const INPUT: &str = r#"{"city":"Lisbon"}"#;
    match wanted {
        Wanted::MaxTokens => (most.min(LONG), Stop::MaxTokens),
        Wanted::Refusal => (natural.min(most), Stop::Refusal),
        Wanted::PauseTurn => (natural.min(most), Stop::PauseTurn),
        Wanted::Window => (natural.min(most), Stop::Window),
        Wanted::ToolUse => {
            let tokens = 8.min(most.saturating_sub(1)).max(1);
            let stop = Stop::Tool {
                name: "get_weather".to_owned(),
                input: INPUT.to_owned(),
                tokens,
            };
            (natural.max(tokens + 1).min(most), stop)
        }
    }
}

/// Where the text of those dice comes upon one of the sequences, within so many tokens.
fn sequence(sequences: &[String], dice: Dice, most: u64) -> Option<(u64, Stop)> {
    if sequences.is_empty() {
        return None;
    }
    let (mut prose, mut text) = (Prose::new(dice), String::new());
    let longest = sequences.iter().map(String::len).max()?;
    for said in 1..=most {
        // Nothing that ended before this token can be new.
        let from = text.len().saturating_sub(longest);
        prose.say(1, &mut text);
        let new = text.get(from..)?;
        let first = sequences
            .iter()
            .filter(|sequence| !sequence.is_empty())
            .filter_map(|sequence| Some((new.find(sequence.as_str())?, sequence)))
            .min();
        if let Some((at, sequence)) = first {
            let stop = Stop::Sequence {
                text: sequence.clone(),
                bytes: from + at,
            };
            return Some((said, stop));
        }
    }
    None
}
