//! The newest events, those that say the same as one line.

use super::pad;
use crate::domain::wrap::wrap;
use crate::{
    app::Shown,
    domain::notice::{Notice, Ring, Weight},
    ui::{canvas::Canvas, format},
};
use ratatui::layout::Rect;

/// Events looked at for the card: folding must not cost a frame.
const FOLDED: usize = 100;

/// Events that say the same, as one.
struct Folded<'r> {
    /// The newest of them.
    newest: &'r Notice,
    /// What they have in common.
    what: &'r str,
    count: usize,
}

/// What happened, without the numbers and the advice that follow it: by this, events are the same.
fn what(notice: &Notice) -> &str {
    let sentence = notice.sentence.as_str();
    let end = [" (", "; "]
        .iter()
        .filter_map(|mark| sentence.find(mark))
        .min();
    end.map_or(sentence, |end| &sentence[..end])
}

/// The newest events, those that say the same as one, newest first; at most `most`.
fn folded(ring: &Ring, most: usize) -> Vec<Folded<'_>> {
    let mut out: Vec<Folded<'_>> = Vec::new();
    for notice in ring.iter().rev().take(FOLDED) {
        let what = what(notice);
        let same = |f: &&mut Folded<'_>| f.what == what && f.newest.weight == notice.weight;
        if let Some(known) = out.iter_mut().find(same) {
            known.count += 1;
        } else if out.len() < most {
            out.push(Folded {
                newest: notice,
                what,
                count: 1,
            });
        }
    }
    out
}

/// Draws the card.
pub(super) fn draw(shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let inner = pad(canvas.boxed(area, "Newest events"));
    let end = inner.right();
    if shown.ring.total() == 0 {
        canvas.put(inner.x, inner.y, "none yet", roles.quiet, end);
        return;
    }
    let groups = folded(shown.ring, usize::from(inner.height));
    let mut spare = usize::from(inner.height) - groups.len();
    let mut y = inner.y;
    for group in groups {
        let notice = group.newest;
        let clock = format::clock(notice.at, shown.offset_s);
        let x = canvas.put(inner.x, y, &clock, roles.quiet, end) + 1;
        let style = match notice.weight {
            Weight::Info => roles.text,
            Weight::Warning => roles.tight,
            Weight::Error => roles.bad,
        };
        let mut right = end;
        if group.count > 1 {
            let times = format!(" ×{}", group.count);
            canvas.put_right(x, y, &times, roles.strong, end);
            right = end.saturating_sub(times.chars().count() as u16);
        }
        // One event alone tells the rest of its sentence, as far as there is room.
        let text = if group.count > 1 {
            group.what
        } else {
            &notice.sentence
        };
        let parts = wrap(text, usize::from(right.saturating_sub(x)));
        let lines = parts.len().min(1 + spare);
        spare -= lines - 1;
        for part in parts.iter().take(lines - 1) {
            canvas.put(x, y, part, style, right);
            y += 1;
        }
        let rest = parts.get(lines - 1..).unwrap_or_default().join(" ");
        canvas.put_cut(x, y, &rest, style, right);
        y += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notice::{Draft, NoticeKind};

    fn ring(sentences: &[&str]) -> Ring {
        let mut ring = Ring::new(1_000);
        for sentence in sentences {
            ring.push(Draft {
                at: crate::domain::time::Time::UNIX_EPOCH,
                weight: Weight::Warning,
                kind: NoticeKind::Refusal,
                sentence: (*sentence).to_owned(),
                evidence: Vec::new(),
                request: None,
            });
        }
        ring
    }

    #[test]
    fn what_differs_in_its_numbers_only_is_one_line_under_the_newest() {
        let ring = ring(&[
            "429: OTPM of Opus used up (limit 8,000); asked to wait 3 s",
            "529: overloaded",
            "429: OTPM of Opus used up (limit 8,000); asked to wait 1 s",
            "429: RPM of Opus used up",
        ]);
        let folded = folded(&ring, 9);
        let seen: Vec<(u64, &str, usize)> = folded
            .iter()
            .map(|f| (f.newest.seq, f.what, f.count))
            .collect();
        assert_eq!(
            seen,
            [
                (4, "429: RPM of Opus used up", 1),
                (3, "429: OTPM of Opus used up", 2),
                (2, "529: overloaded", 1)
            ]
        );
    }

    #[test]
    fn a_long_ring_is_not_read_to_its_end() {
        let many = vec!["again"; 600];
        assert_eq!(folded(&ring(&many), 3)[0].count, FOLDED);
        assert!(folded(&ring(&many), 0).is_empty());
    }
}
