//! How things look: a style for each meaning, read from `assets/themes`.

mod colour;
mod written;

use colour::{between, indexed};
use ratatui::style::Style;
use serde::Deserialize;
use std::collections::BTreeMap;
use written::Written;

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident,)*) => {
        /// A style for each meaning. Colour has meaning only; there is no other use of it.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "BTreeMap<String, Written>")]
        pub struct Roles {
            $($(#[$doc])* pub $role: Style,)*
        }

        impl TryFrom<BTreeMap<String, Written>> for Roles {
            type Error = String;

            fn try_from(written: BTreeMap<String, Written>) -> Result<Self, String> {
                let mut roles = Self::default();
                for (role, written) in written {
                    let style = match role.as_str() {
                        $(stringify!($role) => &mut roles.$role,)*
                        _ => return Err(format!("there is no role {role}")),
                    };
                    *style = written.style()?;
                }
                Ok(roles)
            }
        }

        impl Roles {
            /// Every role with its colours changed by `change`.
            #[must_use]
            pub fn map(self, change: impl Fn(Style) -> Style) -> Self {
                Self { $($role: change(self.$role),)* }
            }

            /// Every role with its name.
            pub fn all(&self) -> Vec<(&'static str, Style)> {
                vec![$((stringify!($role), self.$role),)*]
            }
        }
    };
}

roles! {
    /// Under everything; without a background the terminal's own stays.
    screen,
    /// Data.
    text,
    /// Data that the eye should land on.
    strong,
    /// Labels, units, what can wait.
    quiet,
    /// Lines of boxes.
    border,
    /// Titles of boxes.
    title,
    /// What has the focus.
    accent,
    /// The selected line, under everything else.
    select,
    /// Keys in the footer and in help.
    key,
    /// Enough is left.
    calm,
    /// The band and the projection of the same.
    calm_light,
    /// Little is left.
    tight,
    /// The band and the projection of the same.
    tight_light,
    /// Almost nothing is left.
    critical,
    /// The band and the projection of the same.
    critical_light,
    /// The words EMPTY and DEBT.
    empty,
    /// The part of a bar that is used up.
    track,
    /// Too old to be true.
    stale,
    /// What the server asked for.
    hint,
    /// My own burn and calls.
    mine,
    /// Everybody else's.
    others,
    /// An answer that came.
    good,
    /// A refusal, a fault.
    bad,
}

/// A theme as its file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// As flags and config write it.
    pub name: String,
    /// Whether tones of a bar are told apart by shaded glyphs rather than by colours.
    #[serde(default)]
    pub shades: bool,
    /// The styles.
    #[serde(default)]
    pub roles: Roles,
}

/// Every built-in theme: its name, its file.
pub const THEMES: &[(&str, &str)] = &[
    ("dark", include_str!("../../../assets/themes/dark.toml")),
    ("light", include_str!("../../../assets/themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../../assets/themes/high-contrast.toml"),
    ),
    (
        "sixteen",
        include_str!("../../../assets/themes/sixteen.toml"),
    ),
    ("plain", include_str!("../../../assets/themes/plain.toml")),
];

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    True,
    /// The 256 of xterm.
    Indexed,
    /// The terminal's own sixteen.
    Sixteen,
    /// None.
    None,
}

/// Everything about how things look that does not depend on what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The styles.
    pub roles: Roles,
    /// Bars that stand on a projection: between the tone of a reading and that of its band.
    pub projected: [Style; 3],
    /// Whether tones of a bar are told apart by shaded glyphs.
    pub shades: bool,
    /// Whether only ASCII may be drawn.
    pub ascii: bool,
}

impl Theme {
    /// The theme in a file's text; one sentence when it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| format!("This is not a theme: {error}"))
    }

    /// The built-in theme of that name.
    pub fn named(name: &str) -> Option<Self> {
        let (_, text) = THEMES.iter().find(|(known, _)| *known == name)?;
        Self::parse(text).ok()
    }
}

impl Look {
    /// That theme on a terminal with that many colours. Without colours every theme is `plain`; with
    /// sixteen, a theme made of tones becomes `sixteen`.
    pub fn new(theme: &Theme, depth: Depth, ascii: bool) -> Self {
        let fits = |name: &str| Theme::named(name).unwrap_or_default();
        let theme = match depth {
            Depth::None => &fits("plain"),
            Depth::Sixteen if !theme.shades => &fits("sixteen"),
            _ => theme,
        };
        let change = |style: Style| match depth {
            Depth::Indexed => indexed(style),
            _ => style,
        };
        let r = &theme.roles;
        let projected = [
            between(r.calm, r.calm_light),
            between(r.tight, r.tight_light),
            between(r.critical, r.critical_light),
        ];
        Self {
            roles: theme.roles.map(change),
            projected: projected.map(change),
            shades: theme.shades || ascii,
            ascii,
        }
    }

    /// What the environment suggests: `theme` is a flag's or the config's choice (`auto` or a name),
    /// `ascii` likewise, `variable` reads the environment.
    pub fn choose(
        theme: Option<&str>,
        ascii: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let depth = if set("NO_COLOR").is_some() || term == "dumb" {
            Depth::None
        } else if set("COLORTERM").is_some_and(|v| v == "truecolor" || v == "24bit") {
            Depth::True
        } else if term.contains("256color") || term.contains("kitty") || term.contains("direct") {
            Depth::Indexed
        } else {
            Depth::Sixteen
        };
        let name = match theme {
            Some(name) if name != "auto" => name,
            _ if set("COLORFGBG").is_some_and(|v| is_light(&v)) => "light",
            _ => "dark",
        };
        let theme = Theme::named(name).ok_or_else(|| {
            let names: Vec<&str> = THEMES.iter().map(|(name, _)| *name).collect();
            format!("There is no theme {name}; there are {}.", names.join(", "))
        })?;
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"));
        let ascii = ascii || term == "linux" || locale.is_some_and(|l| l == "C" || l == "POSIX");
        Ok(Self::new(&theme, depth, ascii))
    }
}

/// `COLORFGBG` is `foreground;background` in the sixteen colours; 7 and 9 to 15 are light.
fn is_light(colorfgbg: &str) -> bool {
    colorfgbg
        .rsplit(';')
        .next()
        .and_then(|bg| bg.parse::<u8>().ok())
        .is_some_and(|bg| bg == 7 || (9..=15).contains(&bg))
}

#[cfg(test)]
mod tests;
