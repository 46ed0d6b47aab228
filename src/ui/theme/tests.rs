use super::{colour::nearest, *};
use ratatui::style::Color;
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
