//! The gauge bar: filled by what is left, in eighths of a cell. It is a little lower than its row, so
//! that bars of adjacent rows stay apart; of the cell in which it ends the height tells how much is filled.
//!
//! ```text
//! ▇▇▇▇▇▇▃        live            ▅▅▅▅▅▃▃▁▁▁   projected, with its band (without tones)
//! ╱╱╱╱╱╱         stale           ──────────   no level known
//! ```

use super::Tone;
use crate::{
    app::event::Thresholds,
    domain::gauge::{GaugeState, GaugeView},
    ui::canvas::Canvas,
};
use ratatui::style::{Color, Style};

/// A whole cell of a bar, with a gap above it.
const BODY: &str = "▇";
/// The cell in which a bar ends, from no eighth to all: its height tells how much of it is filled.
const ENDS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▄", "▅", "▆", BODY];

/// Draws the bar of a gauge into `width` cells.
pub fn draw(
    canvas: &mut Canvas<'_>,
    (x, y): (u16, u16),
    width: u16,
    view: &GaugeView,
    thresholds: Thresholds,
) {
    let look = canvas.look;
    let roles = &look.roles;
    let whole = view.effective_limit.filter(|limit| *limit > 0);
    match view.state {
        GaugeState::LimitOnly | GaugeState::NoData => {
            canvas.repeat(x, y, "─", width, roles.border);
            return;
        }
        GaugeState::Stale => {
            let share = match (view.reading, whole) {
                (Some(reading), Some(limit)) => reading as f64 / limit as f64,
                _ => view.percent_left().unwrap_or(0.0) / 100.0,
            };
            let cells = (share.clamp(0.0, 1.0) * f64::from(width)).round() as u16;
            canvas.repeat(x, y, "╱", cells, roles.stale);
            let rest = width.saturating_sub(cells);
            canvas.repeat(x + cells.min(width), y, "·", rest, roles.border);
            return;
        }
        GaugeState::Live | GaugeState::Projected => {}
    }
    let Some(percent) = view.percent_left() else {
        canvas.repeat(x, y, "─", width, roles.border);
        return;
    };
    let tone = Tone::of(percent, thresholds);
    let share = |level: Option<u64>| match (level, whole) {
        (Some(level), Some(limit)) => (level as f64 / limit as f64).clamp(0.0, 1.0),
        _ => percent / 100.0,
    };
    let live = view.state == GaugeState::Live;
    let fill = if live {
        tone.style(look)
    } else {
        tone.projected(look)
    };
    let low = eighths(share(view.remaining_low.or(view.remaining)), width);
    let high = eighths(share(view.remaining_high.or(view.remaining)), width).max(low);
    let paint = Paint {
        fill,
        band: tone.light(look),
        track: roles.track,
        solid: if live || !look.shades { BODY } else { "▅" },
    };
    for cell in 0..width {
        let (glyph, style) = if look.shades {
            paint.shaded(cell, low, high)
        } else {
            paint.toned(cell, low, high)
        };
        canvas.repeat(x + cell, y, glyph, 1, style);
    }
}

/// Eighths of `width` cells: something is never drawn as nothing, nor nearly all as all.
fn eighths(share: f64, width: u16) -> u32 {
    let all = u32::from(width) * 8;
    let n = (share * f64::from(all)).round() as u32;
    if share > 0.0 && share < 1.0 {
        n.clamp(1, all.saturating_sub(1).max(1))
    } else {
        n
    }
}

struct Paint {
    fill: Style,
    band: Style,
    track: Style,
    solid: &'static str,
}

impl Paint {
    /// One cell by tones: what is left, the band, what is used up.
    fn toned(&self, cell: u16, low: u32, high: u32) -> (&'static str, Style) {
        let from = u32::from(cell) * 8;
        let part = |edge: u32| edge.saturating_sub(from).min(8);
        let (full, banded) = (part(low), part(high));
        let under = self.track.bg.unwrap_or(Color::Reset);
        // The gap above a whole cell shows the track, as if the bar lay in it.
        match (full, banded) {
            (0, 0) => (" ", self.track),
            (0, _) => (ENDS[banded as usize], self.band.bg(under)),
            // Of a cell that both share the larger part has it.
            (1..=3, 8) => (BODY, self.band.bg(under)),
            (_, 8) => (BODY, self.fill.bg(under)),
            (_, _) => (ENDS[full as usize], self.fill.bg(under)),
        }
    }

    /// One cell by glyphs of different heights, for terminals without tones.
    fn shaded(&self, cell: u16, low: u32, high: u32) -> (&'static str, Style) {
        let from = u32::from(cell) * 8;
        let part = |edge: u32| edge.saturating_sub(from).min(8);
        let (full, banded) = (part(low), part(high));
        match (full, banded) {
            (8, _) => (self.solid, self.fill),
            // The lowest is the track's own: something is never drawn as nothing.
            (1.., 0..=7) => (ENDS[full.max(2) as usize], self.fill),
            (4.., _) => (self.solid, self.fill),
            (_, 4..) => ("▃", self.band),
            _ => ("▁", self.track),
        }
    }
}

#[cfg(test)]
pub(in crate::ui) mod tests {
    use super::*;
    use crate::domain::{
        gauge::Fill,
        limit::{Dimension, Family},
        observation::Source,
    };
    use crate::ui::theme::{Depth, Look, Theme};
    use proptest::prelude::*;
    use ratatui::{buffer::Buffer, layout::Rect};

    pub(in crate::ui) fn view(
        state: GaugeState,
        low: u64,
        mid: u64,
        high: u64,
        limit: u64,
    ) -> GaugeView {
        let known = matches!(state, GaugeState::Live | GaugeState::Projected);
        GaugeView {
            dimension: Dimension::Otpm,
            family: Family::Standard,
            state,
            fill: Fill::Calm,
            source: Some(Source::Call),
            limit: Some(limit),
            workspace_limit: None,
            effective_limit: Some(limit),
            remaining: known.then_some(mid),
            remaining_low: known.then_some(low),
            remaining_high: known.then_some(high),
            reading: Some(mid),
            age_s: Some(3.0),
            full_at: None,
            burn_per_min: None,
            own_burn_per_min: None,
            others_burn_per_min: None,
            empty_in_s: None,
            empty_in_range_s: None,
            utilization: None,
        }
    }

    const THRESHOLDS: Thresholds = Thresholds {
        tight_percent: 25.0,
        critical_percent: 10.0,
    };

    fn drawn(view: &GaugeView, theme: &str, ascii: bool) -> String {
        let look = Look::new(&Theme::named(theme).unwrap(), Depth::True, ascii);
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 1));
        let mut canvas = Canvas {
            buf: &mut buf,
            look: &look,
        };
        draw(&mut canvas, (0, 0), 10, view, THRESHOLDS);
        buf.content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect()
    }

    #[test]
    fn each_state_has_its_own_shape_even_without_colour() {
        use GaugeState::{LimitOnly, Live, NoData, Projected, Stale};
        let bar = |state| drawn(&view(state, 400, 500, 700, 1_000), "plain", false);
        assert_eq!(bar(Live), "▇▇▇▇▃▃▃▁▁▁");
        assert_eq!(bar(Projected), "▅▅▅▅▃▃▃▁▁▁");
        assert_eq!(bar(Stale), "╱╱╱╱╱·····");
        assert_eq!(bar(LimitOnly), "──────────");
        assert_eq!(bar(NoData), "──────────");
    }

    #[test]
    fn something_is_never_nothing_and_nearly_all_is_not_all() {
        let one = view(GaugeState::Live, 1, 1, 1, 100_000);
        assert_eq!(drawn(&one, "dark", false), "▁         ");
        assert_eq!(drawn(&one, "plain", false), "▂▁▁▁▁▁▁▁▁▁");
        let nearly = view(GaugeState::Live, 99_999, 99_999, 99_999, 100_000);
        assert_eq!(drawn(&nearly, "dark", false), "▇▇▇▇▇▇▇▇▇▆");
        let full = view(GaugeState::Live, 100_000, 100_000, 100_000, 100_000);
        assert_eq!(drawn(&full, "dark", false), "▇▇▇▇▇▇▇▇▇▇");
        let none = view(GaugeState::Live, 0, 0, 0, 100_000);
        assert_eq!(drawn(&none, "dark", false), "          ");
    }

    #[test]
    fn bars_of_two_rows_never_run_into_each_other() {
        use crate::ui::theme::THEMES;
        // Whole cells of these reach from the top of a row to its foot.
        let tall = ["█", "▓", "▒", "░", "▐"];
        let full = view(GaugeState::Live, 1_000, 1_000, 1_000, 1_000);
        let banded = view(GaugeState::Projected, 300, 500, 800, 1_000);
        for (theme, _) in THEMES {
            for ascii in [false, true] {
                for view in [&full, &banded] {
                    let bar = drawn(view, theme, ascii);
                    let touches = bar.chars().any(|c| tall.contains(&&*c.to_string()));
                    assert!(!touches, "{theme}: {bar}");
                }
            }
        }
    }

    #[test]
    fn a_window_beyond_its_end_is_an_empty_bar() {
        let mut window = view(GaugeState::Live, 0, 0, 0, 1);
        window.effective_limit = None;
        window.remaining = None;
        window.utilization = Some(1.02);
        assert_eq!(drawn(&window, "dark", false), "          ");
    }

    proptest! {
        #[test]
        fn any_view_fits(low in any::<u64>(), mid in any::<u64>(), high in any::<u64>(), limit in any::<u64>(), used in proptest::option::of(any::<f64>())) {
            for state in [GaugeState::Live, GaugeState::Projected, GaugeState::Stale, GaugeState::NoData] {
                let mut view = view(state, low, mid, high, limit);
                view.utilization = used;
                prop_assert_eq!(drawn(&view, "dark", false).chars().count(), 10);
                drawn(&view, "plain", true);
            }
        }
    }
}
