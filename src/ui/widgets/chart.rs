//! A series as a filled area of braille dots: two samples and four levels to a cell. Now is at the
//! right edge.

use super::Tone;
use crate::{app::event::Thresholds, ui::canvas::Canvas};
use ratatui::layout::Rect;

/// Dots of the left and of the right half of a cell, filled from the bottom to 0 to 4.
const LEFT: [u32; 5] = [0, 0x40, 0x44, 0x46, 0x47];
const RIGHT: [u32; 5] = [0, 0x80, 0xa0, 0xb0, 0xb8];

/// Every dot of a cell.
const FULL: u32 = 0xff;

/// Draws `series` (shares, 0 to 1, oldest first, two for each column) into an area. Columns where
/// nothing was known get a dot on the floor.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, series: &[Option<f32>], thresholds: Thresholds) {
    let look = canvas.look;
    let levels = u32::from(area.height) * 4;
    for column in 0..area.width {
        let at = usize::from(column) * 2;
        let pair = [
            series.get(at).copied().flatten(),
            series.get(at + 1).copied().flatten(),
        ];
        let Some(least) = pair.iter().flatten().copied().reduce(f32::min) else {
            let floor = area.bottom().saturating_sub(1);
            canvas.put(area.x + column, floor, "·", look.roles.border, area.right());
            continue;
        };
        let tone = Tone::of(f64::from(least) * 100.0, thresholds);
        let (edge, body) = (tone.style(look), tone.light(look));
        let height = |share: Option<f32>| {
            share.map_or(0, |share| {
                let share = share.clamp(0.0, 1.0);
                // The floor stays visible: empty is a line, not a gap.
                ((share * levels as f32).round() as u32).max(1)
            })
        };
        let heights = pair.map(height);
        for row in 0..area.height {
            let under = u32::from(area.height - 1 - row) * 4;
            let part = |h: u32| h.saturating_sub(under).min(4) as usize;
            let dots = LEFT[part(heights[0])] | RIGHT[part(heights[1])];
            if dots == 0 {
                continue;
            }
            let glyph = char::from_u32(0x2800 + dots).unwrap_or(' ');
            // The edge is the data; what is beneath it only fills.
            let style = if dots == FULL { body } else { edge };
            let lit = dots == FULL && heights.iter().all(|h| *h <= under + 4);
            let style = if lit { edge } else { style };
            let mut text = [0; 4];
            let text = glyph.encode_utf8(&mut text);
            canvas.put(area.x + column, area.y + row, text, style, area.right());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::{Depth, Look, Theme};
    use ratatui::{buffer::Buffer, style::Style};

    fn drawn(series: &[Option<f32>], width: u16, height: u16) -> Vec<String> {
        let look = Look::new(&Theme::named("plain").unwrap(), Depth::None, false);
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let mut canvas = Canvas {
            buf: &mut buf,
            look: &look,
        };
        canvas.repeat(0, 0, " ", 0, Style::new());
        let thresholds = Thresholds {
            tight_percent: 25.0,
            critical_percent: 10.0,
        };
        draw(&mut canvas, area, series, thresholds);
        (0..height)
            .map(|y| (0..width).map(|x| buf[(x, y)].symbol()).collect())
            .collect()
    }

    #[test]
    fn full_empty_and_unknown_look_different() {
        let series = [Some(1.0), Some(1.0), Some(0.0), Some(0.0), None, None];
        assert_eq!(drawn(&series, 3, 2), ["⣿  ", "⣿⣀·"]);
    }

    #[test]
    fn a_ramp_rises_to_the_right() {
        let series: Vec<Option<f32>> = (1..=8).map(|i| Some(i as f32 / 8.0)).collect();
        assert_eq!(drawn(&series, 4, 2), ["  ⣠⣾", "⣠⣾⣿⣿"]);
    }

    #[test]
    fn a_short_series_leaves_the_rest_unknown() {
        assert_eq!(drawn(&[Some(2.0)], 3, 1), ["⡇··"]);
    }
}
