//! What a tap without a screen does with what it sees: refusals are told or kept, the rest is counted.

use crate::{domain::observation::Observation, report::tap_text, tap::hear::Sink};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError, mpsc};

/// Refusals that are kept for the end.
const KEPT: usize = 200;

/// Tells each refusal at once, on a thread of its own: a standard error that nobody reads must not hold
/// traffic up.
pub struct Telling(mpsc::Sender<String>);

impl Telling {
    /// Tells by `tell`.
    pub fn with(tell: impl Fn(&str) + Send + 'static) -> std::io::Result<Self> {
        let (sender, lines) = mpsc::channel::<String>();
        std::thread::Builder::new()
            .name("verdicts".to_owned())
            .spawn(move || lines.iter().for_each(|line| tell(&line)))?;
        Ok(Self(sender))
    }

    /// Tells a refusal; anything else is nothing to tell.
    pub fn tell(&self, seen: &Observation) {
        if let Some(line) = tap_text::verdict(seen) {
            let _ = self.0.send(line + "\n");
        }
    }

    /// Where more lines may go.
    pub fn lines(&self) -> mpsc::Sender<String> {
        self.0.clone()
    }
}

/// Keeps the last refusals, for a command that owns the terminal until its end.
#[derive(Default)]
pub struct Keeping(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    lines: std::collections::VecDeque<String>,
    dropped: u64,
}

impl Keeping {
    /// Keeps one line.
    pub fn keep(&self, line: String) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.lines.len() == KEPT {
            kept.lines.pop_front();
            kept.dropped += 1;
        }
        kept.lines.push_back(line);
    }

    /// What was kept.
    pub fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        if kept.dropped > 0 {
            let _ = writeln!(text, "{} earlier refusals are not shown", kept.dropped);
        }
        for line in &kept.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

impl Sink for Keeping {
    fn sample(&self, _: Observation) -> bool {
        true
    }

    fn must(&self, seen: Observation) {
        if let Some(line) = tap_text::verdict(&seen) {
            self.keep(line);
        }
    }
}
