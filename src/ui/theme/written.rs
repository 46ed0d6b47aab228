//! How a theme's file writes a style.

use ratatui::style::{Modifier, Style};
use serde::Deserialize;

/// A style as `{ fg = "#6cb6ff", bold = true }`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Written {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    underline: bool,
    reverse: bool,
}

impl Written {
    /// The style; a sentence when a colour is none.
    pub(super) fn style(&self) -> Result<Style, String> {
        let colour = |text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| text.parse().map_err(|_| format!("{text} is not a colour")))
                .transpose()
        };
        let mut style = Style {
            fg: colour(&self.fg)?,
            bg: colour(&self.bg)?,
            ..Style::new()
        };
        for (wanted, modifier) in [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.underline, Modifier::UNDERLINED),
            (self.reverse, Modifier::REVERSED),
        ] {
            if wanted {
                style = style.add_modifier(modifier);
            }
        }
        Ok(style)
    }
}
