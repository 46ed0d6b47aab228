//! How things look: a style for each meaning, read from `assets/themes`.

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident,)*) => {
        /// A style for each meaning. Colour has meaning only; there is no other use of it.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Roles {
            $($(#[$doc])* #[serde(deserialize_with = "style")] pub $role: Style,)*
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
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../assets/themes/high-contrast.toml"),
    ),
    ("sixteen", include_str!("../../assets/themes/sixteen.toml")),
    ("plain", include_str!("../../assets/themes/plain.toml")),
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

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Written {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    underline: bool,
    reverse: bool,
}

fn style<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Style, D::Error> {
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

fn indexed(style: Style) -> Style {
    Style {
        fg: style.fg.map(nearest),
        bg: style.bg.map(nearest),
        ..style
    }
}

/// The colour two thirds of the way from `light` to `full`, where both are mixtures.
fn between(full: Style, light: Style) -> Style {
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
fn nearest(colour: Color) -> Color {
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn look(env: &[(&str, &str)]) -> Look {
        Look::choose(None, false, |name| {
            let found = env.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
        .unwrap()
    }

    #[test]
    fn every_built_in_theme_parses_under_its_own_name() {
        for (name, text) in THEMES {
            assert_eq!(Theme::parse(text).unwrap().name, *name);
        }
    }

    #[test]
    fn meanings_that_must_be_told_apart_look_apart_in_every_theme() {
        for (name, text) in THEMES {
            let roles = Theme::parse(text).unwrap().roles;
            assert_ne!(roles.calm, roles.critical, "{name}");
            assert_ne!(roles.text, roles.quiet, "{name}");
            assert_ne!(roles.select, Style::new(), "{name}");
            assert_ne!(roles.mine, roles.others, "{name}");
            assert_ne!(roles.text, roles.bad, "{name}");
        }
    }

    /// Of WCAG 2: 1 for equal colours, 21 for black on white.
    fn contrast(a: Color, b: Color) -> f64 {
        let luminance = |colour| {
            let Color::Rgb(r, g, b) = colour else {
                panic!("{colour} is not written as #rrggbb")
            };
            let [r, g, b] = [r, g, b].map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.039_28 {
                    part / 12.92
                } else {
                    ((part + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[rstest]
    #[case("dark", &[Color::Rgb(0, 0, 0), Color::Rgb(30, 30, 30)])]
    #[case("light", &[])]
    #[case("high-contrast", &[])]
    fn every_role_is_legible_on_every_ground(#[case] name: &str, #[case] terminals: &[Color]) {
        let roles = Theme::named(name).unwrap().roles;
        let mut grounds = terminals.to_vec();
        grounds.extend(roles.screen.bg);
        let track = roles.track.bg.unwrap();
        let other = ["screen", "border", "select", "track"];
        for (role, style) in roles.all() {
            if other.contains(&role) {
                continue;
            }
            let colour = style.fg.unwrap();
            let light = role.ends_with("_light");
            for ground in &grounds {
                let least = if light { 1.8 } else { 4.5 };
                let has = contrast(colour, *ground);
                assert!(has >= least, "{role} of {name} on {ground}: {has:.2}");
            }
            if !light {
                let has = contrast(colour, roles.select.bg.unwrap());
                assert!(has >= 4.5, "{role} of {name} on a selected line: {has:.2}");
            }
        }
        for bar in [roles.calm, roles.tight, roles.critical] {
            let has = contrast(bar.fg.unwrap(), track);
            assert!(has >= 3.0, "a bar of {name} on its track: {has:.2}");
        }
        // The band lies between what is left and what is used up, and is told from both.
        for (bar, band) in [
            (roles.calm, roles.calm_light),
            (roles.tight, roles.tight_light),
            (roles.critical, roles.critical_light),
        ] {
            let band = band.fg.unwrap();
            let has = contrast(band, track);
            assert!(has >= 2.0, "a band of {name} on its track: {has:.2}");
            let has = contrast(band, bar.fg.unwrap());
            assert!(has >= 2.0, "a band of {name} beside its bar: {has:.2}");
        }
    }

    #[test]
    fn no_color_has_no_colour() {
        let look = look(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]);
        for (role, style) in look.roles.all() {
            assert_eq!((style.fg, style.bg), (None, None), "{role}");
        }
        assert!(look.shades);
    }

    #[test]
    fn the_terminal_gets_the_colours_that_it_has() {
        let rgb = |style: Style| matches!(style.fg, Some(Color::Rgb(..)));
        assert!(rgb(look(&[("COLORTERM", "truecolor")]).roles.calm));
        let xterm = look(&[("TERM", "xterm-256color")]).roles.calm;
        assert!(matches!(xterm.fg, Some(Color::Indexed(16..))));
        let vt = look(&[("TERM", "vt220")]).roles.calm;
        assert_eq!(vt.fg, Some(Color::Green));
    }

    #[test]
    fn a_light_background_is_believed_and_an_unknown_theme_refused() {
        let env = [("COLORFGBG", "0;15"), ("COLORTERM", "truecolor")];
        let light = Look::new(&Theme::named("light").unwrap(), Depth::True, false);
        assert_eq!(look(&env), light);
        let refused = Look::choose(Some("drak"), false, |_| None).unwrap_err();
        assert!(refused.contains("dark") && refused.contains("drak"));
    }

    #[test]
    fn what_is_no_theme_is_refused_in_a_sentence() {
        for text in [
            "",
            "name = 3",
            "name = 'x'\n[roles]\ncalm = { fg = 'blau' }",
            "name='x'\nfoo=1",
        ] {
            assert!(
                Theme::parse(text)
                    .unwrap_err()
                    .starts_with("This is not a theme"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_nearest_colour_of_a_cube_colour_is_itself() {
        assert_eq!(nearest(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(nearest(Color::Rgb(18, 18, 18)), Color::Indexed(233));
        assert_eq!(nearest(Color::Rgb(255, 255, 255)), Color::Indexed(231));
    }
}
