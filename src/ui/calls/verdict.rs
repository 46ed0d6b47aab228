//! The verdict card: what was refused, on what evidence, whether and when a retry helps.

use super::{
    Scene,
    pen::{Pen, wrap},
    words,
};
use crate::{
    domain::{
        advice,
        clean::clean,
        id::Limiter,
        time::seconds_between,
        timeline::{Attempt, Call},
        verdict::{Certainty, Evidence, EvidenceFrom, Verdict},
    },
    ui::{brief::told_in, canvas::Canvas, format, rows::shared},
};
use ratatui::layout::Rect;

/// Columns of the label before a piece of evidence.
const LABEL: u16 = 9;

/// The title of the card.
pub(super) fn title(judged: Option<&Attempt>) -> String {
    judged.map_or_else(
        || "Verdict".to_owned(),
        |attempt| format!("Verdict of attempt {}", attempt.n),
    )
}

/// Draws the card.
pub(super) fn draw(
    scene: &Scene<'_>,
    call: &Call,
    judged: Option<&Attempt>,
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let roles = *canvas.roles();
    let mut pen = Pen::new(canvas, area);
    let Some((attempt, verdict)) =
        judged.and_then(|attempt| Some((attempt, attempt.verdict.as_ref()?)))
    else {
        let ended = |attempt: &Attempt| attempt.outcome.is_some();
        if !call.attempts.iter().any(ended) {
            pen.text("Nothing to judge yet.", roles.quiet, 2);
            return;
        }
        pen.text("Nothing was refused here.", roles.quiet, 2);
        if let Some(meet) = scene.profile.card.meet.as_deref() {
            pen.text(meet, roles.text, usize::from(area.height));
        }
        return;
    };
    let tall = area.height >= 9;
    let sure = if verdict.is_seen_here() {
        "seen here"
    } else {
        advice::certainty(verdict.certainty)
    };
    let room = usize::from(area.width).saturating_sub(sure.len() + 2);
    pen.line(&[(&clean(verdict.cause.words(), room), roles.strong)]);
    let style = if verdict.certainty == Certainty::Stated || verdict.is_seen_here() {
        roles.text
    } else {
        roles.tight
    };
    pen.right_of_last(sure, style);
    if tall && let Some(where_) = place(scene, verdict) {
        pen.text(&where_, roles.quiet, 2);
    }
    if let (Some(by), Some(slept)) = (call.early_by(attempt), attempt.slept_s) {
        let text = format!(
            "client slept {}: retried {} EARLY",
            words::span(slept),
            words::span(by)
        );
        pen.text(&text, roles.bad, 2);
    }
    let helps = helps(scene, verdict);
    let style = if verdict.retry_helps {
        roles.hint
    } else {
        roles.bad
    };
    // What follows the evidence is kept free, as far as each piece of evidence has a line.
    let columns = usize::from(area.width);
    let lines = |text: &str, most: usize| wrap(text, columns).len().min(most);
    let advice = advice::on_cause(verdict.cause);
    let after = lines(&helps, 2) + lines(advice, 3) + usize::from(tall);
    let left = usize::from(pen.left());
    // Of a message so few rows show a beginning that says nothing: numbers come before it.
    let counted = |e: &Evidence| matches!(e.from, EvidenceFrom::Headers | EvidenceFrom::Limits);
    let brief = !tall && verdict.evidence.iter().any(counted);
    let kept = verdict.evidence.iter();
    let kept = kept.filter(|e| !brief || e.from != EvidenceFrom::Message);
    let kept: Vec<&Evidence> = kept.collect();
    let least = kept.len().min(left.saturating_sub(1));
    let room = columns.saturating_sub(LABEL.into());
    let texts = kept.iter().map(|e| clean(&told_in(e, room), 400));
    let texts: Vec<String> = texts.collect();
    let needs: Vec<usize> = texts.iter().map(|text| wrap(text, room).len()).collect();
    let shares = shared(&needs, left.saturating_sub(after).max(least));
    for ((evidence, text), rows) in kept.iter().zip(&texts).zip(shares) {
        let from = advice::evidence(evidence.from);
        pen.pair(from, LABEL, text, roles.text, rows);
    }
    pen.text(&helps, style, 2);
    pen.text(advice, roles.text, usize::from(pen.left()).min(3));
    if let Some(request) = attempt.request.as_ref().or(verdict.request_id.as_ref()) {
        pen.line(&[
            (&clean(request.as_str(), 60), roles.quiet),
            ("  ", roles.quiet),
            ("y", roles.key),
            (" copy", roles.quiet),
        ]);
    }
}

/// Which limit, where and whose, as far as it is known.
fn place(scene: &Scene<'_>, verdict: &Verdict) -> Option<String> {
    let mut parts = Vec::new();
    // The plain limiters are already in the first line's words.
    let told = |limiter: &&Limiter| limiter.dimension().words() == verdict.cause.words();
    if let Some(limiter) = verdict.limiter.as_ref().filter(|limiter| !told(limiter)) {
        parts.push(clean(limiter.as_str(), 60));
    }
    if let Some(model) = &verdict.model {
        parts.push(scene.pool_name(model));
    }
    parts.extend(advice::scope(verdict.scope).map(str::to_owned));
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn helps(scene: &Scene<'_>, verdict: &Verdict) -> String {
    match (verdict.retry_helps, verdict.retry_at) {
        (false, _) => "retrying does not help".to_owned(),
        (true, None) => "retry helps, the server named no time".to_owned(),
        (true, Some(at)) => {
            let left = seconds_between(scene.now, at);
            let clock = format::clock(at, scene.offset);
            if left > 0.0 {
                format!("retry helps from {clock}, in {}", words::countdown(left))
            } else {
                format!("retry helps since {clock}")
            }
        }
    }
}
