//! What is said beneath the charts: burn, forecast, and what the cache does.

use crate::{
    app::Shown,
    domain::{
        board::Pool,
        clean::clean,
        gauge::{Gauge, GaugeView},
        time::Time,
        timeline::{Call, Timeline},
        usage::Usage,
    },
    ui::{canvas::Canvas, format, widgets::Tone, words},
};
use ratatui::layout::Rect;
use std::ops::Range;

/// Burn, forecast, cache: the most needed first where rows are few.
pub(super) fn draw(
    shown: &Shown<'_>,
    pool: &Pool,
    (gauge, view): (&Gauge, &GaugeView),
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let roles = *canvas.roles();
    let end = area.right();
    let tone = Tone::of_view(view, shown.profile.card.thresholds).unwrap_or(Tone::Calm);
    let y = area.y;
    if area.height > 0 {
        match view.utilization {
            Some(used) => window(gauge, used, canvas, area),
            None => burn(view, canvas, Rect { height: 1, ..area }),
        }
    }
    if area.height > 1 {
        let style = if view.empty_in_s.is_some() {
            tone.number(canvas.look)
        } else {
            roles.text
        };
        let text = words::forecast(pool, view, shown.at, area.width < 50);
        canvas.put_cut(area.x, y + 1, &text, style, end);
    }
    if area.height > 2 && view.utilization.is_none() {
        let text = cache(pool, &shown.profile.timeline, area.width < 50);
        canvas.put_cut(area.x, y + 2, &text, roles.text, end);
    }
}

/// Of a subscription window only a share is known: `104% used · rejected`.
fn window(gauge: &Gauge, used: f64, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let end = area.right();
    let share = format!("{}%", (used.clamp(0.0, 1e4) * 100.0).round());
    let x = canvas.put(area.x, area.y, &share, roles.strong, end);
    let mut x = canvas.put(x, area.y, " used", roles.quiet, end);
    if let Some(status) = gauge.status() {
        x = canvas.put(x, area.y, " · ", roles.border, end);
        canvas.put_cut(x, area.y, &clean(status, 40), roles.text, end);
    }
}

/// `burn 612k/min: you 380k, others 232k (38%)`; where that is too wide, less of it, never half a number.
pub(in crate::ui) fn burn(view: &GaugeView, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let (y, end) = (area.y, area.right());
    let Some(all) = view.burn_per_min else {
        // No header was read, so nobody else can be seen; what we draw ourselves is known all the same.
        let Some(own) = view.own_burn_per_min else {
            canvas.put(area.x, y, "burn not known yet", roles.quiet, end);
            return;
        };
        let x = canvas.put(area.x, y, "burn: you ", roles.quiet, end);
        let x = canvas.put(x, y, &format::per_minute(own), roles.mine, end);
        canvas.put_cut(x, y, ", others unseen", roles.quiet, end);
        return;
    };
    let own = view.own_burn_per_min.unwrap_or(0.0);
    let own = format::count(own.max(0.0) as u64);
    let (others, share) = match view.others_burn_per_min {
        Some(others) => (
            format::count(others.max(0.0) as u64),
            words::others_share(view).map(|share| format!(" ({})", format::percent(share))),
        ),
        None => ("unresolved".to_owned(), None),
    };
    let others_style = if view.others_burn_per_min.is_some() {
        roles.others
    } else {
        roles.quiet
    };
    // In the order of reading; the second number says what goes first when there is no room.
    let parts = [
        ("burn ", roles.quiet, 3),
        (&*format::per_minute(all), roles.strong, 0),
        (": you ", roles.quiet, 2),
        (&*own, roles.mine, 2),
        (", others ", roles.quiet, 1),
        (&*others, others_style, 1),
        (share.as_deref().unwrap_or_default(), roles.others, 4),
    ];
    let width = |most: u8| -> usize {
        let kept = parts.iter().filter(|(.., rank)| *rank <= most);
        kept.map(|(text, ..)| text.len()).sum()
    };
    let room = usize::from(area.width);
    let most = (0..=4).rev().find(|most| width(*most) <= room);
    let most = most.unwrap_or(0);
    let mut x = area.x;
    for (text, style, rank) in parts {
        if rank <= most {
            x = canvas.put(x, y, text, style, end);
        }
    }
}

/// What our own calls draw from each gauge, a line each: all there is where no header comes.
pub(super) fn own_burns(
    pool: &Pool,
    now: Time,
    canvas: &mut Canvas<'_>,
    (x, end): (u16, u16),
    rows: Range<u16>,
) {
    let roles = *canvas.roles();
    let burning = pool.gauges.iter().filter_map(|gauge| {
        let view = gauge.view(now);
        Some((gauge, view, view.own_burn_per_min?))
    });
    for (y, (gauge, view, own)) in rows.zip(burning) {
        canvas.put(x, y, &words::label(gauge), roles.text, x + 10);
        canvas.put(x + 11, y, "you", roles.quiet, end);
        canvas.put_right(x, y, &format::per_minute(own), roles.mine, x + 24);
        if let Some(limit) = view.effective_limit {
            let of = format!("of {}", format::limit(limit));
            canvas.put(x + 25, y, &of, roles.quiet, end);
        }
    }
}

/// What the cache does for the pool, over the newest calls: it multiplies ITPM, since what it serves
/// does not count there. What is written to it does.
fn cache(pool: &Pool, timeline: &Timeline, brief: bool) -> String {
    let total = timeline
        .calls()
        .rev()
        .take(100)
        .filter(|call| pool.models.contains(&call.model))
        .filter_map(Call::usage)
        .fold(Usage::default(), |sum, usage| sum.plus(&usage));
    cached(&total, brief)
}

fn cached(total: &Usage, brief: bool) -> String {
    let all = total.all_input();
    if all == 0 {
        return "no usage seen on this pool yet".to_owned();
    }
    let share = |tokens: u64| {
        let share = tokens as f64 / all as f64 * 100.0;
        (share >= 1.0).then(|| format::percent(share))
    };
    let times = all as f64 / total.counted_input().max(1) as f64;
    let served = share(total.cache_read_input_tokens);
    let written = share(total.cache_creation_input_tokens);
    match (served, written, brief) {
        (None, None, _) => "the cache serves no input".to_owned(),
        (None, Some(written), true) => format!("cache: {written} written, none served"),
        (None, Some(written), false) => {
            format!("{written} of the input is written to the cache, none served")
        }
        (Some(served), None, true) => format!("cache {served}: ITPM goes {times:.1}× as far"),
        (Some(served), None, false) => {
            format!("cache serves {served} of the input: ITPM goes {times:.1}× as far")
        }
        (Some(served), Some(written), true) => {
            format!("cache {served}, {written} written: ITPM ×{times:.1}")
        }
        (Some(served), Some(written), false) => {
            format!("cache serves {served} of the input, {written} written: ITPM ×{times:.1}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gauge::GaugeState;
    use crate::ui::theme::{Depth, Look, Theme};
    use crate::ui::widgets::bar::tests::view;
    use ratatui::buffer::Buffer;

    fn drawn(view: &GaugeView, width: u16) -> String {
        let look = Look::new(&Theme::default(), Depth::None, false);
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        let area = buf.area;
        let mut canvas = Canvas {
            buf: &mut buf,
            look: &look,
        };
        burn(view, &mut canvas, area);
        let line: String = buf
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        line.trim_end().to_owned()
    }

    #[test]
    fn a_burn_line_is_shortened_but_no_number_is_cut() {
        let mut view = view(GaugeState::Live, 1, 2, 3, 1_000_000);
        view.burn_per_min = Some(1_040_000.0);
        view.own_burn_per_min = Some(42_000.0);
        view.others_burn_per_min = Some(998_000.0);
        let drawn = |width| drawn(&view, width);
        assert_eq!(drawn(60), "burn 1.04M/min: you 42k, others 998k (96%)");
        assert_eq!(drawn(41), "burn 1.04M/min: you 42k, others 998k");
        assert_eq!(drawn(35), "1.04M/min: you 42k, others 998k");
        assert_eq!(drawn(30), "1.04M/min, others 998k");
        assert_eq!(drawn(21), "1.04M/min");
    }

    #[test]
    fn without_headers_the_own_burn_is_still_said() {
        let mut view = view(GaugeState::LimitOnly, 0, 0, 0, 1_000_000);
        view.own_burn_per_min = Some(42_000.0);
        assert_eq!(drawn(&view, 60), "burn: you 42k/min, others unseen");
        view.own_burn_per_min = None;
        assert_eq!(drawn(&view, 60), "burn not known yet");
    }

    #[test]
    fn a_cold_cache_is_told_by_what_is_written_to_it() {
        let usage = |input_tokens, written, read| Usage {
            input_tokens,
            output_tokens: 50,
            cache_creation_input_tokens: written,
            cache_read_input_tokens: read,
            ..Usage::default()
        };
        for (usage, brief, text) in [
            (usage(0, 0, 0), false, "no usage seen on this pool yet"),
            (usage(100, 0, 0), false, "the cache serves no input"),
            (
                usage(10, 90, 0),
                false,
                "90% of the input is written to the cache, none served",
            ),
            (usage(10, 90, 0), true, "cache: 90% written, none served"),
            (
                usage(25, 0, 75),
                false,
                "cache serves 75% of the input: ITPM goes 4.0× as far",
            ),
            (
                usage(10, 15, 75),
                false,
                "cache serves 75% of the input, 15% written: ITPM ×4.0",
            ),
        ] {
            assert_eq!(cached(&usage, brief), text);
        }
    }
}
