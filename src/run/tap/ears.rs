//! What a tap without a screen does with what it sees: refusals are told or kept, the rest is counted.

use crate::{
    domain::{number::thousands, observation::Observation},
    report::tap_text,
    tap::hear::Sink,
};
use std::fmt::Write as _;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
    mpsc,
};
use std::time::Duration;

/// Refusals that are kept for the end.
const KEPT: usize = 200;

/// How long the end of the program waits for lines to be told.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines that wait to be told; more are counted only.
const MOST_LINES: usize = 1_024;

/// Tells each refusal at once, on a thread of its own: a standard error that nobody reads must neither
/// hold traffic up nor take memory without end.
#[derive(Clone)]
pub struct Telling {
    lines: mpsc::SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

enum Line {
    /// To be told.
    Text(String),
    /// Whoever holds the other end waits until all before it is told.
    Mark(mpsc::Sender<()>),
}

impl Telling {
    /// Tells by `tell`.
    pub fn with(tell: impl Fn(&str) + Send + 'static) -> std::io::Result<Self> {
        let (lines, waiting) = mpsc::sync_channel(MOST_LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let uncounted = Arc::clone(&lost);
        std::thread::Builder::new()
            .name("verdicts".to_owned())
            .spawn(move || {
                for line in waiting {
                    match line {
                        Line::Text(line) => tell(&line),
                        Line::Mark(told) => drop(told),
                    }
                    let n = uncounted.swap(0, Relaxed);
                    if n > 0 {
                        let n = thousands(n);
                        tell(&format!(
                            "{n} more are not told: they came faster than they were read\n"
                        ));
                    }
                }
            })?;
        Ok(Self { lines, lost })
    }

    /// Tells a refusal; anything else is nothing to tell.
    pub fn tell(&self, seen: &Observation) {
        if let Some(line) = tap_text::verdict(seen) {
            self.line(line);
        }
    }

    /// Tells a line, without its end. Never waits.
    pub fn line(&self, line: String) {
        if self.lines.try_send(Line::Text(line + "\n")).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    /// Waits until what was to be told is told, so that the end of the program takes none of it; not
    /// longer than a second, as nobody may be reading.
    pub fn finish(&self) {
        let (mark, told) = mpsc::channel();
        if self.lines.try_send(Line::Mark(mark)).is_ok() {
            let _ = told.recv_timeout(PATIENCE);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_to_be_told_is_told_before_the_end() {
        let (write, written) = mpsc::channel();
        let telling = Telling::with(move |line| write.send(line.to_owned()).unwrap()).unwrap();
        for n in 0..100 {
            telling.line(n.to_string());
        }
        telling.finish();
        assert_eq!(written.try_iter().count(), 100);
    }

    #[test]
    fn lines_that_nobody_reads_are_counted_and_take_no_memory() {
        let gate = Arc::new(Mutex::new(()));
        let stalled = gate.lock().unwrap();
        let (stall, (write, written)) = (Arc::clone(&gate), mpsc::channel());
        let telling = Telling::with(move |line| {
            drop(stall.lock());
            write.send(line.to_owned()).unwrap();
        })
        .unwrap();
        let sent = 10_000;
        for _ in 0..sent {
            telling.line("refused".to_owned());
        }
        drop((telling, stalled));
        let told: Vec<String> = written.iter().collect();
        let lines = told.iter().filter(|line| *line == "refused\n").count();
        // One more may be with the thread.
        assert!((MOST_LINES..=MOST_LINES + 1).contains(&lines), "{lines}");
        let rest = thousands((sent - lines) as u64);
        let said = format!("{rest} more are not told: they came faster than they were read\n");
        assert!(told.contains(&said), "{rest}");
    }
}
