//! What the terminal shows: at every size, with and without colours, with nothing configured.

use super::{RATETOP, Terminal, assert_given_back};

#[test]
fn every_size_is_useful_and_q_ends_it() {
    let mut terminal = Terminal::demo(&["--scenario", "idle"], &[], 120, 36);
    terminal.until_shows("Headroom");
    terminal.until_shows("Opus 5.5");
    terminal.until_shows("RPM");
    {
        let seen = terminal.until("the alternate screen", |seen| {
            seen.parser.screen().alternate_screen()
        });
        assert!(seen.parser.screen().hide_cursor());
    }
    for (cols, rows) in [(80, 24), (40, 12), (120, 36)] {
        terminal.resize(cols, rows);
        let seen = terminal.until("a pool in the new size", |seen| {
            seen.parser.screen().contents().contains("Opus 5.5")
        });
        let widest = seen
            .parser
            .screen()
            .rows(0, cols)
            .map(|row| row.chars().count());
        assert!(widest.max() <= Some(usize::from(cols)));
    }
    terminal.press("2");
    terminal.until_shows("policy");
    terminal.press("7");
    terminal.until_shows("Events");
    terminal.press("?");
    terminal.until_shows("gives the terminal back");
    terminal.press("\x1b");
    drop(terminal.until("the end of help", |seen| {
        !seen
            .parser
            .screen()
            .contents()
            .contains("gives the terminal back")
    }));
    terminal.press("1");
    terminal.until_shows("Opus 5.5");
    terminal.press("q");
    let (screen, code) = terminal.end();
    assert_given_back(&screen);
    assert_eq!(code, 0);
    assert!(terminal.home.path().exists());
}

#[test]
fn no_color_means_no_colour() {
    let mut terminal = Terminal::demo(
        &[],
        &[("NO_COLOR", "1"), ("COLORTERM", "truecolor")],
        120,
        36,
    );
    terminal.until_shows("live ");
    terminal.press("q");
    terminal.end();
    let seen = terminal.seen.0.lock().unwrap();
    let colours = colours(&seen.bytes);
    assert!(colours.is_empty(), "{colours:?}");
}

#[test]
fn colours_are_there_otherwise() {
    let mut terminal = Terminal::demo(&[], &[("COLORTERM", "truecolor")], 120, 36);
    terminal.until_shows("live");
    terminal.press("q");
    terminal.end();
    assert!(!colours(&terminal.seen.0.lock().unwrap().bytes).is_empty());
}

/// Every graphic rendition that sets a colour.
fn colours(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    for sequence in text.split("\x1b[").skip(1) {
        let Some(end) = sequence.find(|c: char| c.is_ascii_alphabetic()) else {
            continue;
        };
        let parameters = &sequence[..end];
        if sequence[end..].starts_with('m')
            && parameters.split([';', ':']).any(|parameter| {
                matches!(
                    parameter.parse(),
                    Ok(30..=38 | 40..=48 | 90..=97 | 100..=107)
                )
            })
        {
            found.push(parameters.to_owned());
        }
    }
    found
}

#[test]
fn with_neither_config_nor_key_it_opens_and_says_what_to_do() {
    let mut terminal = Terminal::start(RATETOP, &[], &[], 80, 24);
    terminal.until_shows("ratetop demo");
    terminal.until_shows("ANTHROPIC_API_KEY");
    terminal.press("q");
    let (screen, code) = terminal.end();
    assert_given_back(&screen);
    assert_eq!(code, 0);
}

/// Workspaces are read one a second: on a terminal a line says so while it lasts, in a file nothing does.
#[test]
fn limits_that_are_long_in_coming_say_what_is_awaited() {
    let simulator = crate::cli::Simulator::with(
        "[[workspaces]]\nname = \"one\"\nid = \"wrkspc_01One\"\n[[workspaces]]\nname = \"two\"\nid = \"wrkspc_01Two\"\n",
    );
    let env = [
        ("ANTHROPIC_BASE_URL", simulator.url.as_str()),
        ("ANTHROPIC_ADMIN_KEY", ratetop::sim::speak::ask::ADMIN_KEY),
    ];
    let mut terminal = Terminal::start(RATETOP, &["limits"], &env, 120, 60);
    terminal.until_shows("reading workspace 2 of 2, one a second");
    let (screen, code) = terminal.end();
    assert_eq!(code, 0);
    let text = screen.contents();
    assert!(
        text.contains("wrkspc_01Two") && !text.contains("reading"),
        "{text}"
    );

    let script = r#""$RATETOP" limits 2>said; echo "and said: $(wc -c <said) bytes""#;
    let mut terminal = Terminal::start("sh", &["-c", script], &env, 120, 60);
    let (screen, _) = terminal.end();
    let text = screen.contents();
    assert!(text.contains("and said: 0 bytes"), "{text}");
}
