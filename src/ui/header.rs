//! The header line: whose limits, from which sources, how old that is, and the clock.
//!
//! ```text
//!  ratetop  prod ▾  api.anthropic.com   Acme Corp · looks like Build    limits 2m · live 3s · read only  12:04:31
//!  prod ▾                 limits 2m · r/o  12:04:31
//! ```
//! Where columns are few, what matters least goes first. The profile's name, that nothing is sent, and
//! the clock stay at every width.

use super::{canvas::Canvas, format};
use crate::{
    app::{App, Shown},
    domain::{org::LimitsState, spend::dollars, time::seconds_between},
};
use ratatui::{layout::Rect, style::Style};

/// Least columns that a piece of the organization's name is worth.
const WHOSE_LEAST: usize = 8;

/// One piece at the right edge.
struct Piece {
    text: String,
    /// What it says where columns are few.
    short: Option<&'static str>,
    style: Style,
}

/// Columns that are left while pieces are chosen, those first that matter most.
struct Room(usize);

impl Room {
    /// Whether that many columns are left; they are taken then.
    fn take(&mut self, columns: usize) -> bool {
        let fits = columns <= self.0;
        if fits {
            self.0 -= columns;
        }
        fits
    }

    /// The piece in full or in short, as it fits.
    fn piece(&mut self, mut piece: Piece) -> Option<Piece> {
        // ` · ` between two, a column before the clock.
        if self.take(width(&piece.text) + 3) {
            return Some(piece);
        }
        let short = piece.short?;
        short.clone_into(&mut piece.text);
        self.take(short.len() + 3).then_some(piece)
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Draws it into one row.
pub(super) fn draw(app: &App, shown: Option<&Shown<'_>>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let (y, end) = (area.y, area.right());
    let Some(shown) = shown else {
        let x = canvas.put(1, y, "ratetop", roles.accent, end);
        canvas.put(x + 2, y, "no profile", roles.quiet, end);
        return;
    };
    let card = &shown.profile.card;
    let clock = format::clock(shown.at, app.started().local_offset_s);
    let (clock, clock_style) = if shown.paused {
        (format!(" PAUSED {clock} "), roles.empty)
    } else {
        (format!(" {clock} "), roles.text)
    };
    // What stays whatever happens takes its columns first.
    let mut room = Room(usize::from(area.width).saturating_sub(width(&clock) + 1));
    let mark = if card.siblings.len() > 1 { " ▾" } else { "" };
    let name = width(&card.name) + width(mark);
    let mut fixed: Vec<Piece> = Vec::new();
    for mut piece in warnings(app, shown, canvas).into_iter().flatten() {
        if name + width(&piece.text) + 3 > room.0
            && let Some(short) = piece.short
        {
            short.clone_into(&mut piece.text);
        }
        room.0 = room.0.saturating_sub(width(&piece.text) + 3);
        fixed.push(piece);
    }
    // A name that must be cut needs the room of the mark.
    let (mark, name) = if name > room.0 {
        ("", width(&card.name).min(room.0))
    } else {
        (mark, name)
    };
    room.take(name);
    let mut right: Vec<Piece> = Vec::new();
    let mut sources = sources(shown, canvas).into_iter();
    right.extend(sources.next().and_then(|piece| room.piece(piece)));
    right.extend(sources.next().and_then(|piece| room.piece(piece)));
    let titled = area.width >= 60 && room.take("ratetop  ".len());
    let whose = whose(shown, &mut room, area.width >= 100);
    right.extend(tap(shown, canvas, area.width).and_then(|piece| room.piece(piece)));
    right.extend(spent(shown, canvas, area.width).and_then(|piece| room.piece(piece)));
    let host = format!("  {}", card.host);
    let host = Some(host).filter(|host| area.width >= 60 && room.take(width(host)));
    right.extend(fixed);

    let mut x = end.saturating_sub(width(&clock) as u16);
    canvas.put(x, y, &clock, clock_style, end);
    x = x.saturating_sub(1);
    for (i, piece) in right.iter().enumerate().rev() {
        x = x.saturating_sub(width(&piece.text) as u16);
        canvas.put(x, y, &piece.text, piece.style, end);
        if i > 0 {
            x = x.saturating_sub(3);
            canvas.put(x, y, " · ", roles.border, end);
        }
    }
    let mut x = 1;
    if titled {
        x = canvas.put(x, y, "ratetop", roles.accent, end) + 2;
    }
    let name_end = x + (name - width(mark)) as u16;
    x = canvas.put_cut(x, y, &card.name, roles.strong, name_end);
    x = canvas.put(x, y, mark, roles.quiet, end);
    if let Some(host) = host {
        x = canvas.put(x, y, &host, roles.text, end);
    }
    if let Some((whose, columns)) = whose {
        canvas.put_cut(x + 3, y, &whose, roles.quiet, x + 3 + columns as u16);
    }
}

/// What must be known at every width: that the screen shows what was, that answers are broken on
/// purpose, that nothing is sent.
fn warnings(app: &App, shown: &Shown<'_>, canvas: &Canvas<'_>) -> [Option<Piece>; 3] {
    let roles = canvas.roles();
    let card = &shown.profile.card;
    let since = card.attached.and_then(|attached| attached.lost_since);
    let lost = since.map(|since| Piece {
        text: format!(
            "lost {}",
            format::clock(since, app.started().local_offset_s)
        ),
        short: Some("lost"),
        style: roles.empty,
    });
    let chaos = card.chaos.as_ref().map(|name| Piece {
        text: format!("CHAOS {name}"),
        short: Some("CHAOS"),
        style: roles.bad,
    });
    let read_only = (app.started().read_only || card.spend.read_only).then(|| Piece {
        text: "read only".to_owned(),
        short: Some("r/o"),
        style: roles.hint,
    });
    [lost, chaos, read_only]
}

/// The state of the limits and of the headers.
fn sources(shown: &Shown<'_>, canvas: &Canvas<'_>) -> [Piece; 2] {
    let roles = canvas.roles();
    let sources = shown.profile.board.sources();
    let ago = |then| format::age(seconds_between(then, shown.at));
    let say = |text: String, short, style| Piece { text, short, style };
    let limits = match (&sources.limits, sources.limits_at) {
        (Some(LimitsState::Ok), Some(at)) => say(format!("limits {}", ago(at)), None, roles.quiet),
        (Some(LimitsState::Refused), _) => say("limits refused".to_owned(), None, roles.tight),
        (Some(LimitsState::Absent), _) => say("headers only".to_owned(), None, roles.quiet),
        (Some(LimitsState::Failed), Some(at)) => {
            let text = format!("limits failed, {} old", ago(at));
            say(text, Some("limits failed"), roles.tight)
        }
        (Some(LimitsState::Failed), None) => say("limits failed".to_owned(), None, roles.tight),
        (Some(LimitsState::OtherOrganization), _) => {
            let text = "limits: other organization".to_owned();
            say(text, Some("other organization"), roles.tight)
        }
        _ => say("limits …".to_owned(), None, roles.quiet),
    };
    let live = match sources.headers_at {
        Some(at) => say(format!("live {}", ago(at)), None, roles.quiet),
        None if sources.bare_answers > 0 => say(
            "no headers sent".to_owned(),
            Some("no headers"),
            roles.tight,
        ),
        None => say("no headers yet".to_owned(), None, roles.quiet),
    };
    [limits, live]
}

/// The organization and its tier, as far as they are known and fit, with the columns that they take.
fn whose(shown: &Shown<'_>, room: &mut Room, tier: bool) -> Option<(String, usize)> {
    let board = &shown.profile.board;
    let name = board.organization().map(|org| org.name.clone());
    let tier = board.tier().filter(|_| tier);
    let tier = tier.map(|tier| format!("looks like {tier}"));
    let parts: Vec<String> = name.into_iter().chain(tier).collect();
    let whole = parts.join(" · ");
    let first = parts.into_iter().next()?;
    for text in [whole, first.clone()] {
        let columns = width(&text);
        if room.take(columns + 3) {
            return Some((text, columns));
        }
    }
    let columns = room.0.checked_sub(3).filter(|n| *n >= WHOSE_LEAST)?;
    room.take(columns + 3);
    Some((first, columns))
}

/// Where a tap listens.
fn tap(shown: &Shown<'_>, canvas: &Canvas<'_>, columns: u16) -> Option<Piece> {
    let tap = shown.profile.card.tap.as_ref().filter(|_| columns >= 100)?;
    // Loopback is what a tap is on unless somebody wanted otherwise.
    let tap = tap.strip_prefix("127.0.0.1").unwrap_or(tap);
    Some(Piece {
        text: format!("tap {tap}"),
        short: None,
        style: canvas.roles().quiet,
    })
}

/// What was spent, or that nothing is.
fn spent(shown: &Shown<'_>, canvas: &Canvas<'_>, columns: u16) -> Option<Piece> {
    let spend = &shown.profile.card.spend;
    let text = if spend.free && columns >= 100 {
        "free of charge".to_owned()
    } else if !spend.free && spend.session_usd > 0.0 {
        format!("{} spent", dollars(spend.session_usd))
    } else {
        return None;
    };
    Some(Piece {
        text,
        short: None,
        style: canvas.roles().quiet,
    })
}
