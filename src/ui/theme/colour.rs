//! Colours between two, and the nearest that a terminal has.

use ratatui::style::{Color, Style};

/// The style with the nearest of xterm's 256 colours.
pub(super) fn indexed(style: Style) -> Style {
    Style {
        fg: style.fg.map(nearest),
        bg: style.bg.map(nearest),
        ..style
    }
}

/// The colour two thirds of the way from `light` to `full`, where both are mixtures.
pub(super) fn between(full: Style, light: Style) -> Style {
    match (full.fg, light.fg) {
        (Some(Color::Rgb(red, green, blue)), Some(Color::Rgb(r, g, b))) => {
            let mix = |full: u8, light: u8| ((u16::from(full) * 2 + u16::from(light)) / 3) as u8;
            full.fg(Color::Rgb(mix(red, r), mix(green, g), mix(blue, b)))
        }
        _ => full,
    }
}

/// The levels of xterm's colour cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of xterm's cube and grey ramp (16 to 255).
pub(super) fn nearest(colour: Color) -> Color {
    let Color::Rgb(red, green, blue) = colour else {
        return colour;
    };
    let off = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    let from = |[r, g, b]: [u8; 3]| off(r, red) + off(g, green) + off(b, blue);
    let step = |v: u8| (0..6).min_by_key(|i| off(STEPS[*i], v)).unwrap_or(0);
    let cube = [red, green, blue].map(step);
    let mean = (u16::from(red) + u16::from(green) + u16::from(blue)) / 3;
    let ramp = (mean.saturating_sub(3) / 10).min(23) as u8;
    if from([8 + ramp * 10; 3]) < from(cube.map(|i| STEPS[i])) {
        Color::Indexed(232 + ramp)
    } else {
        Color::Indexed((16 + 36 * cube[0] + 6 * cube[1] + cube[2]) as u8)
    }
}
