//! How a theme's file writes a style.

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    underline: bool,
    reverse: bool,
}

pub(super) fn style<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Style, D::Error> {
    let written = Written::deserialize(from)?;
    let colour = |text: Option<String>| {
        text.map(|text| {
            text.parse::<Color>()
                .map_err(|_| serde::de::Error::custom(format!("{text} is not a colour")))
        })
        .transpose()
    };
    let mut style = Style {
        fg: colour(written.fg)?,
        bg: colour(written.bg)?,
        ..Style::new()
    };
    for (wanted, modifier) in [
        (written.bold, Modifier::BOLD),
        (written.dim, Modifier::DIM),
        (written.underline, Modifier::UNDERLINED),
        (written.reverse, Modifier::REVERSED),
    ] {
        if wanted {
            style = style.add_modifier(modifier);
        }
    }
    Ok(style)
}
