//! Medians over the rounds, and their ratios.

use std::fmt::Write as _;

/// Of one way to the upstream in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) per_s: f64,
    pub(crate) cpu_us: f64,
    pub(crate) first_ms: f64,
    pub(crate) streams_cpu_s: f64,
    pub(crate) streams_mib: f64,
    pub(crate) failed: f64,
}

/// One way in all rounds.
pub(crate) struct Row {
    name: &'static str,
    rounds: Vec<Figures>,
}

type Of = fn(&Figures) -> f64;

/// Heading, figure, whether what the direct way takes is taken off.
const COLUMNS: [(&str, Of, bool); 8] = [
    ("added p50 us", |it| it.p50_us, true),
    ("added p99 us", |it| it.p99_us, true),
    ("req/s", |it| it.per_s, false),
    ("CPU us/req", |it| it.cpu_us, false),
    ("first event ms", |it| it.first_ms, true),
    ("500 streams CPU s", |it| it.streams_cpu_s, false),
    ("peak MiB", |it| it.streams_mib, false),
    ("failed", |it| it.failed, false),
];

impl Row {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            rounds: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, figures: Figures) {
        self.rounds.push(figures);
    }

    /// Against the direct way of the same round, where that is asked for.
    fn median(&self, of: Of, direct: Option<&Self>) -> f64 {
        let base = |round: usize| {
            let direct = direct.and_then(|row| row.rounds.get(round));
            direct.map_or(0.0, of)
        };
        let all = self.rounds.iter().enumerate();
        median(all.map(|(round, it)| of(it) - base(round)).collect())
    }

    /// To another way's, round by round.
    fn ratio(&self, to: &Self, of: Of, direct: Option<&Self>) -> f64 {
        let rounds = self.rounds.iter().zip(&to.rounds).enumerate();
        let ratios = rounds.map(|(round, (mine, other))| {
            let base = direct.and_then(|row| row.rounds.get(round)).map_or(0.0, of);
            (of(mine) - base) / (of(other) - base)
        });
        median(ratios.collect())
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The table: the direct way as it is, the others by what they add; then the last row's ratios.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut text = format!("{:<26}", "");
    for (heading, ..) in COLUMNS {
        let _ = write!(text, "{heading:>19}");
    }
    let Some((direct, hops)) = rows.split_first() else {
        return text;
    };
    for row in rows {
        let _ = write!(text, "\n{:<26}", row.name);
        for (_, of, added) in COLUMNS {
            let base = (added && !std::ptr::eq(row, direct)).then_some(direct);
            let _ = write!(text, "{:>19.2}", row.median(of, base));
        }
    }
    let Some((last, peers)) = hops.split_last() else {
        return text;
    };
    for peer in peers {
        let _ = write!(text, "\n{:<26}", format!("{} / {}", last.name, peer.name));
        for (_, of, added) in COLUMNS {
            let base = added.then_some(direct);
            let ratio = last.ratio(peer, of, base);
            // Nothing failed on either side: there is no ratio of that.
            let _ = if ratio.is_finite() {
                write!(text, "{ratio:>19.2}")
            } else {
                write!(text, "{:>19}", "-")
            };
        }
    }
    text
}
