//! Tab 3 on screen: totals in words, the requests as lines, tables of clients and models beneath; Enter
//! opens one request, `o` the totals.
//!
//! To add a column: a variant of [`list::Column`] with its cell. To add a number to the totals: `digest`
//! and `totals`.

mod cell;
mod detail;
mod digest;
mod list;
mod phases;
mod start;
mod totals;

use super::canvas::Canvas;
use crate::{
    app::{App, Shown, layout},
    domain::{number::thousands, timeline::Call, traffic::Totals},
};
use ratatui::{layout::Rect, style::Style};
use std::borrow::Cow;

/// Draws tab 3.
pub(super) fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let state = app.traffic();
    if let Some(view) = &state.open {
        detail::draw(app, shown, view, canvas, area);
        return;
    }
    let passed = &shown.profile.passed;
    let Some(all) = passed.totals() else {
        start::draw(shown, canvas, area);
        return;
    };
    if let Some(first) = state.totals {
        totals::page(shown, all, first, canvas, area);
        return;
    }
    let layout = layout::traffic((area.width, canvas.buf.area.height));
    let digest = Rect {
        height: layout.digest,
        ..area
    };
    digest::draw(all, canvas, digest);
    let edge = u16::from(layout.boxed);
    let requests = Rect {
        y: area.y + layout.digest,
        height: layout.visible + 3 * edge,
        ..area
    };
    let inner = if layout.boxed {
        canvas.boxed(requests, &title(shown, all, layout.digest < 3))
    } else {
        requests
    };
    list::draw(app, shown, canvas, inner);
    if let Some(y) = layout.tables {
        let height = layout.tables_rows;
        totals::tables(all, canvas, Rect { y, height, ..area });
    }
}

/// `Requests · 214 of 3,661 · newest first`, `Requests · 3 fit “chat” · worst first`
fn title(shown: &Shown<'_>, all: &Totals, drops: bool) -> String {
    let index = &shown.profile.passed.index;
    let filter = index.filter().trim();
    let calls: u64 = all.clients.iter().map(|row| row.tally.logical).sum();
    let count = thousands(index.len() as u64);
    let listed = if filter.is_empty() {
        // The totals come once a second; a call is listed at once.
        format!("{count} of {}", thousands(calls.max(index.len() as u64)))
    } else {
        format!("{count} fit “{filter}”")
    };
    let mut title = format!("Requests · {listed} · {}", index.sort().words());
    let dropped: u64 = all.drops.kinds().iter().map(|(_, count)| count).sum();
    if drops && dropped > 0 {
        title = format!("{title} · {} not told (o)", super::format::count(dropped));
    }
    title
}

/// A piece of a line. Where a line is too narrow, pieces with the highest rank go.
struct Piece<'t> {
    text: Cow<'t, str>,
    style: Style,
    rank: u8,
}

fn piece<'t>(text: impl Into<Cow<'t, str>>, style: Style, rank: u8) -> Piece<'t> {
    Piece {
        text: text.into(),
        style,
        rank,
    }
}

/// Writes as many pieces as fit, in their order.
fn line(canvas: &mut Canvas<'_>, area: Rect, pieces: &[Piece<'_>]) {
    let width = |most: u8| -> usize {
        let kept = pieces.iter().filter(|piece| piece.rank <= most);
        kept.map(|piece| piece.text.chars().count()).sum()
    };
    let ranks = pieces.iter().map(|piece| piece.rank).max().unwrap_or(0);
    let fits = |most: &u8| width(*most) <= usize::from(area.width);
    let most = (0..=ranks).rev().find(fits).unwrap_or(0);
    let mut x = area.x;
    for piece in pieces.iter().filter(|piece| piece.rank <= most) {
        // Air before a piece has no style: it would be underlined with it.
        let text = piece.text.trim_start_matches(' ');
        let air = piece.text.len() - text.len();
        x = canvas.put(x, area.y, &piece.text[..air], Style::new(), area.right());
        x = canvas.put(x, area.y, text, piece.style, area.right());
    }
}

/// A model without what all have in common.
fn short_model(model: &str) -> &str {
    model.strip_prefix("claude-").unwrap_or(model)
}

/// A client without what is told elsewhere: whose SDK it is, which SDK is inside a program.
fn short_client(client: &str) -> &str {
    let client = client.strip_prefix("Anthropic/").unwrap_or(client);
    client.split(", SDK ").next().unwrap_or(client)
}

/// Seconds by which a call's retries came too early: the worst of them.
fn early_by(call: &Call) -> Option<f64> {
    let attempts = call.attempts.iter();
    attempts
        .filter_map(|attempt| call.early_by(attempt))
        .reduce(f64::max)
}
