//! What the calls of the form will cost, what was spent, and the keys that matter now.

use super::{
    Scene,
    pen::{Pen, width},
};
use crate::{
    app::calls::{form::Field, offers::Esc},
    domain::spend,
    ui::{canvas::Canvas, format::count, frame::ascii_key},
};
use ratatui::{layout::Rect, style::Style};

/// Dollars for people: enough digits to tell small calls apart, never `$0.00` for something.
pub(super) fn dollars(usd: f64) -> String {
    match usd {
        usd if usd >= 0.995 => format!("${usd:.2}"),
        usd if usd >= 0.001 => format!("${usd:.4}"),
        usd if usd > 0.0 => format!("${usd:.6}"),
        _ => "$0".to_owned(),
    }
}

/// The price of the call in a few words, and whether it may be sent.
pub(super) fn price(scene: &Scene<'_>) -> (String, bool) {
    let spend = &scene.profile.card.spend;
    let estimate = scene.calls.form().estimate(scene.prices);
    if spend.free {
        return ("free: simulator".to_owned(), true);
    }
    let single = scene.calls.form().is_single();
    let half = if scene.calls.form().batch {
        ", half price"
    } else {
        ""
    };
    match (estimate.usd, estimate.each_usd) {
        (Some(usd), _) if single => (
            format!("at most {}", dollars(usd)),
            spend.check(estimate.each_usd).is_ok(),
        ),
        (Some(usd), _) => (
            format!("at most {} in all{half}", dollars(usd)),
            spend.check(Some(usd)).is_ok(),
        ),
        (None, Some(usd)) => (
            format!("at most {} each", dollars(usd)),
            spend.check(Some(usd)).is_ok(),
        ),
        (None, None) => ("price unknown".to_owned(), spend.check(None).is_ok()),
    }
}

/// `today $0.03 of $1.00`.
pub(super) fn today(scene: &Scene<'_>) -> String {
    let spend = &scene.profile.card.spend;
    amount(spend.day_usd, spend.day_cap_usd)
}

fn amount(usd: f64, cap: Option<f64>) -> String {
    match cap {
        Some(cap) => format!("{} of {}", spend::dollars(usd), spend::dollars(cap)),
        None => format!("{}, no cap", spend::dollars(usd)),
    }
}

/// Draws the cost box: estimate, what was spent, and the keys that matter now.
pub(super) fn draw(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let spend = &scene.profile.card.spend;
    let estimate = scene.calls.form().estimate(scene.prices);
    let (mut price, may) = price(scene);
    let mut pen = Pen::new(canvas, area);
    let (input, output) = (estimate.input, estimate.output);
    let known = match scene.calls.tokens() {
        Some(counted) => format!("{counted} in"),
        None => format!("about {input} in"),
    };
    let mut ways = vec![
        format!("{known} + at most {output} out"),
        format!("{known} + {output} out"),
    ];
    if !scene.calls.form().is_single() {
        let calls = match estimate.calls {
            Some(1) => "1 call".to_owned(),
            Some(calls) => format!("{} calls", count(calls)),
            None => "calls until time is over".to_owned(),
        };
        ways = vec![
            format!("{calls} of about {input} in, {output} out"),
            format!("{calls}: {input} in, {output} out"),
            calls,
        ];
    }
    let fits = |way: &&String| width(way) <= usize::from(area.width);
    if let Some(tokens) = ways.iter().find(fits).or(ways.last()) {
        pen.line(&[(tokens, roles.text)]);
    }
    // More attempts may be paid where one that times out is made again.
    let once = format!("{price}, answered once");
    if !spend.free && estimate.may_pass() && estimate.each_usd.is_some() && fits(&&once) {
        price = once;
    }
    let style = if may { roles.strong } else { roles.bad };
    pen.line(&[(&price, style)]);
    if scene.read_only && !spend.free {
        pen.line(&[("read only: nothing is sent", roles.tight)]);
    } else if scene.profile.card.attached.is_some() {
        pen.line(&[("looking on: nothing is sent", roles.tight)]);
    } else if !scene.profile.card.can_call {
        pen.line(&[("no key: nothing can be sent", roles.tight)]);
    }
    if spend.free {
        // The price said so; the keys come first.
        if pen.left() > 1 {
            pen.line(&[("nothing is spent here", roles.quiet)]);
        }
    } else {
        let session = amount(spend.session_usd, spend.session_cap_usd);
        pen.line(&[("session ", roles.quiet), (&session, roles.text)]);
        pen.line(&[("today   ", roles.quiet), (&today(scene), roles.text)]);
    }
    if pen.left() > 0 {
        keys(scene, &mut pen);
    }
}

/// The keys that matter now.
pub(super) fn keys(scene: &Scene<'_>, pen: &mut Pen<'_, '_>) {
    let roles = *pen.canvas.roles();
    let profile = scene.profile;
    let esc = scene.calls.esc(&profile.timeline, &profile.runs);
    let cancels = matches!(esc, Esc::Cancels(_));
    let parts: &[(&str, &str)] = match scene.calls.editor() {
        Some(editor) if editor.field == Field::Prompt => {
            &[("⏎", "take"), ("^J", "new line"), ("Esc", "forget")]
        }
        Some(_) => &[("⏎", "take"), ("Tab", "next"), ("Esc", "forget")],
        None if cancels => &[("⏎", "send"), ("Esc", "cancel"), ("e", "edit")],
        None => &[("⏎", "send"), ("e", "edit"), ("←→", "choose")],
    };
    let mut line: Vec<(&str, Style)> = Vec::new();
    for (key, word) in parts {
        let key = if pen.canvas.look.ascii {
            ascii_key(key)
        } else {
            key
        };
        line.extend([
            (key, roles.key),
            (" ", roles.quiet),
            (*word, roles.quiet),
            ("  ", roles.quiet),
        ]);
    }
    pen.line(&line);
}
