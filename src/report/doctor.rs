//! `ratetop.doctor/1`: what a gateway does to what passes.

use super::table::aligned;
use crate::domain::{
    checkup::{Check, Checkup, Finding, Grade, Means},
    time::Time,
};
use serde::Serialize;
use std::fmt::Write as _;

/// The whole object.
#[derive(Clone, Debug, Serialize)]
pub struct Doctor {
    schema: &'static str,
    at: Time,
    gateway: String,
    /// Where our own upstream listened.
    upstream: String,
    means: Means,
    /// Dollars; null when it is not known.
    cost_usd: Option<f64>,
    passed: usize,
    failed: usize,
    unknown: usize,
    checks: Vec<CheckOut>,
}

#[derive(Clone, Debug, Serialize)]
struct CheckOut {
    check: Check,
    title: &'static str,
    grade: Grade,
    evidence: String,
}

impl CheckOut {
    fn of(finding: &Finding) -> Self {
        Self {
            check: finding.check,
            title: finding.check.title(),
            grade: finding.grade,
            evidence: finding.evidence.clone(),
        }
    }
}

impl Doctor {
    /// What one examination found. Addresses are as their owner wrote them.
    pub fn of(
        gateway: &str,
        upstream: &str,
        checkup: &Checkup,
        cost_usd: Option<f64>,
        at: Time,
    ) -> Self {
        Self {
            schema: "ratetop.doctor/1",
            at,
            gateway: gateway.to_owned(),
            upstream: upstream.to_owned(),
            means: checkup.means,
            cost_usd: cost_usd.and_then(|usd| super::rounded(usd, 6)),
            passed: checkup.count(Grade::Pass),
            failed: checkup.count(Grade::Fail),
            unknown: checkup.count(Grade::Unknown),
            checks: checkup.findings.iter().map(CheckOut::of).collect(),
        }
    }

    /// A table for people, its sum beneath. What could not be seen for one and the same reason is named
    /// together.
    pub fn text(&self) -> String {
        let unseen: Vec<&CheckOut> = self
            .checks
            .iter()
            .filter(|check| check.grade == Grade::Unknown && self.shares_its_reason(check))
            .collect();
        let rows: Vec<Vec<String>> = self
            .checks
            .iter()
            .filter(|check| !unseen.iter().any(|it| it.check == check.check))
            .map(|check| {
                vec![
                    check.grade.label().to_owned(),
                    check.title.to_owned(),
                    check.evidence.clone(),
                ]
            })
            .collect();
        let Self {
            passed,
            failed,
            unknown,
            ..
        } = self;
        let mut sum = format!("{passed} pass, {failed} fail, {unknown} unknown");
        match (self.means, self.cost_usd) {
            (Means::OwnUpstream, _) => sum.push_str("; nothing was spent\n"),
            (Means::NoCall, _) => sum.push_str("; no call was made, nothing was spent\n"),
            (Means::OneCall, Some(usd)) if usd > 0.0 => {
                let _ = writeln!(sum, "; one call, ${usd:.6}");
            }
            (Means::OneCall, Some(_)) => sum.push_str("; one call, nothing was spent\n"),
            (Means::OneCall, None) => sum.push_str("; one call, what it cost is not known\n"),
        }
        let mut text = aligned(&rows, &[]);
        if let Some(first) = unseen.first() {
            let titles: Vec<&str> = unseen.iter().map(|check| check.title).collect();
            let list = format!("{}: {}.", first.evidence, titles.join(", "));
            let _ = write!(text, "{:<8} ", Grade::Unknown.label());
            text.push_str(&folded(&list, 100, 9));
            text.push('\n');
        }
        text + "\n" + &sum
    }

    fn shares_its_reason(&self, check: &CheckOut) -> bool {
        let same = |it: &&CheckOut| it.evidence == check.evidence;
        self.checks.iter().filter(same).count() > 1
    }
}

/// `text` in lines of about `width`, those after the first indented.
fn folded(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if !out.is_empty() {
            if column + 1 + length > width {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                column = indent;
            } else {
                out.push(' ');
                column += 1;
            }
        }
        out.push_str(word);
        column += length;
    }
    out
}
