//! What stands on tab 3 before anything has passed: what it will show, and the next step of whoever reads.

use crate::{
    app::{
        Shown,
        event::{Attached, ProfileCard},
    },
    ui::{calls::pen::Pen, canvas::Canvas, cards, format, theme::Roles},
};
use ratatui::layout::Rect;

/// What the tab is for.
const WHAT: &str = "Nothing has passed yet. Calls of your own programs are listed here as they happen: \
                    how each was answered, how often it was retried, what the server asked for and \
                    what the client slept, tokens and speed.";
/// Where a tap listens unless somebody wants it elsewhere.
const USUAL: &str = "127.0.0.1:4788";

/// Draws it.
pub(super) fn draw(shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let boxed = area.width >= 60 && area.height >= 10;
    let inner = if boxed {
        cards::pad(canvas.boxed(area, "Traffic"))
    } else {
        area
    };
    let mut pen = Pen::new(canvas, inner);
    let card = &shown.profile.card;
    if boxed {
        pen.skip();
        pen.text(WHAT, roles.text, 6);
        pen.skip();
    }
    if let Some(sentence) = away(shown) {
        pen.text(&sentence, roles.text, 6);
        return;
    }
    match &card.tap {
        Some(tap) if boxed => listens(tap, card, &roles, &mut pen),
        Some(tap) => {
            pen.text("The tap listens. Point a program at it:", roles.text, 2);
            let url = format!("ANTHROPIC_BASE_URL={}", url(tap));
            pen.text(&url, roles.accent, 3);
            pen.skip();
            pen.text("Its calls are listed here as they happen.", roles.quiet, 2);
        }
        None if boxed => none_yet(card, &roles, &mut pen),
        None => {
            pen.text("No tap yet. One in front of a command:", roles.text, 2);
            pen.line(&[("ratetop exec -- CMD", roles.accent)]);
            pen.skip();
            pen.text("One for good, in the config file:", roles.text, 2);
            pen.line(&[(&section(card), roles.accent)]);
            pen.line(&[(&listen(), roles.accent)]);
        }
    }
}

/// What keeps a screen from the tap elsewhere that it looks on at, if anything does.
fn away(shown: &Shown<'_>) -> Option<String> {
    let ProfileCard {
        name,
        tap,
        attached,
        ..
    } = &shown.profile.card;
    let Attached { lost_since } = (*attached)?;
    match lost_since {
        Some(since) => Some(format!(
            "No connection to the tap whose admin address is {name}, since {}. It is tried again until it \
             answers. On its machine: does `ratetop tap` run there, with `--admin {name}`?",
            format::clock(since, shown.offset_s)
        )),
        None if tap.is_none() => Some(format!("Asking {name} for the board of its tap.")),
        None => None,
    }
}

/// Where programs have to be pointed at.
fn listens(tap: &str, card: &ProfileCard, roles: &Roles, pen: &mut Pen<'_, '_>) {
    let url = url(tap);
    let leads = format!(
        "The tap listens and passes everything on to {}, unchanged. Point a program at it:",
        card.host
    );
    pen.text(&leads, roles.text, 3);
    pen.skip();
    let shell = format!("export ANTHROPIC_BASE_URL={url}");
    let python = format!("Anthropic(base_url=\"{url}\")");
    let typescript = format!("new Anthropic({{ baseURL: \"{url}\" }})");
    for (name, line) in [
        ("  shell       ", &shell),
        ("  Python      ", &python),
        ("  TypeScript  ", &typescript),
    ] {
        pen.line(&[(name, roles.quiet), (line, roles.accent)]);
    }
    pen.skip();
    let more = if card.attached.is_some() && is_loopback(tap) && !is_loopback(&card.name) {
        "That address is one of the tap's own machine: programs there can use it."
    } else if !is_loopback(tap) {
        "From other machines it takes the token too, as the header x-ratetop-token or in the path as above."
    } else if card.spend.free {
        "This one leads to the simulator, so it takes the simulator's key: `ratetop sim --help` names it."
    } else {
        "Your program keeps its own key: the tap adds none, keeps none and changes nothing."
    };
    pen.text(more, roles.quiet, 3);
}

/// How to get a tap.
fn none_yet(card: &ProfileCard, roles: &Roles, pen: &mut Pen<'_, '_>) {
    pen.text(
        "There is no tap in front of the API yet. The quickest one, around one command:",
        roles.text,
        3,
    );
    pen.line(&[("  $ ", roles.quiet), ("ratetop exec -- CMD", roles.accent)]);
    pen.skip();
    let file = if &*card.name == "env" {
        "One for good, beside this screen: `ratetop config init` writes a config file; set there"
    } else {
        "One for good, beside this screen: set in the config file (`ratetop config path`)"
    };
    pen.text(file, roles.text, 3);
    pen.line(&[("  ", roles.quiet), (&section(card), roles.accent)]);
    pen.line(&[("  ", roles.quiet), (&listen(), roles.accent)]);
}

fn section(card: &ProfileCard) -> String {
    let name = if &*card.name == "env" {
        "prod"
    } else {
        &card.name
    };
    format!("[profiles.{name}.tap]")
}

fn listen() -> String {
    format!("listen = \"{USUAL}\"")
}

fn is_loopback(tap: &str) -> bool {
    tap.starts_with("127.") || tap.starts_with("[::1]:")
}

/// The base URL of a tap, as programs take it.
fn url(tap: &str) -> String {
    if is_loopback(tap) {
        format!("http://{tap}")
    } else {
        format!("http://{tap}/t/TOKEN")
    }
}
