//! What a person does with keys alone, and what a run writes to a terminal.

use super::{RATETOP, Seen, Terminal};

#[test]
fn a_call_is_made_by_keys_alone() {
    let mut terminal = Terminal::demo(&["--scenario", "calm", "--seed", "3"], &[], 120, 36);
    terminal.until_shows("live");
    terminal.press("2");
    terminal.until_shows("policy");
    terminal.press("\r");
    terminal.until_shows("end_turn");
    terminal.press("q");
    assert_eq!(terminal.end().1, 0);
}

#[test]
fn a_program_of_ones_own_can_be_pointed_at_the_demo() {
    const URL: &str = "export ANTHROPIC_BASE_URL=http://";
    let mut terminal = Terminal::demo(&["--scenario", "idle"], &[], 120, 36);
    terminal.until_shows("tap :");
    terminal.press("3");
    terminal.until_shows(URL);
    let tap = {
        let seen = terminal.seen.0.lock().unwrap();
        let screen = seen.parser.screen().contents();
        let (_, rest) = screen.split_once(URL).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let answer = crate::hub::taps::message(&tap, ratetop::run::world::API_KEY);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    terminal.until_shows("1 call → 1 on the wire");
    terminal.until_shows("Python 0.112.0");
    terminal.press("\r");
    terminal.until_shows("Phases of attempt 1");
    terminal.press("q");
    assert_eq!(terminal.end().1, 0);
}

/// One of the demo's programs has a policy that ignores what the server asks for.
#[test]
fn the_demo_shows_what_a_bad_retry_policy_does() {
    let mut terminal = Terminal::demo(&[], &[], 120, 36);
    terminal.until_shows("live");
    terminal.press("3");
    terminal.until_shows("EARLY by");
    terminal.press("q");
    assert_eq!(terminal.end().1, 0);
}

#[test]
fn a_run_of_many_workers_is_made_by_keys_alone() {
    let mut terminal = Terminal::demo(&["--scenario", "calm", "--seed", "3"], &[], 120, 36);
    terminal.until_shows("live");
    terminal.press("2");
    terminal.until_shows("workers");
    terminal.press("gg");
    // Eleven fields down; five doublings of one.
    terminal.press("jjjjjjjjjjjlllll");
    terminal.until_shows("32");
    terminal.press("\r");
    terminal.until_shows("32 workers, 32 calls");
    terminal.until_shows("over in");
    terminal.until_shows("32 ok");
    terminal.press("q");
    assert_eq!(terminal.end().1, 0);
}

/// A run on a terminal has one line that says where it is, written over and gone at its end; without one
/// (as in every other test of runs) it writes none.
#[test]
fn a_run_tells_where_it_is_in_one_line_of_the_terminal() {
    let simulator = crate::cli::Simulator::named("calm");
    let key = ratetop::sim::speak::ask::API_KEY;
    let env = [
        ("ANTHROPIC_BASE_URL", simulator.url.as_str()),
        ("ANTHROPIC_API_KEY", key),
    ];
    let line = "call --rate 5/s --duration 3s --model claude-haiku-4-5 --max-tokens 5";
    let args: Vec<&str> = line.split(' ').collect();
    let terminal = Terminal::start(RATETOP, &args, &env, 100, 30);
    let line_of = |seen: &Seen| {
        let text = seen.parser.screen().contents();
        text.lines()
            .find(|line| line.contains(" in flight, "))
            .map(str::to_owned)
    };
    let first = line_of(&terminal.until("a line of progress", |seen| line_of(seen).is_some()));
    let second = terminal.until("another one in its place", |seen| {
        line_of(seen).is_some_and(|line| Some(&line) != first.as_ref())
    });
    let lines = second.parser.screen().contents();
    assert_eq!(lines.matches(" in flight, ").count(), 1, "{lines}");
    drop(second);
    let ended = terminal.until("its result", |seen| seen.ended);
    let text = ended.parser.screen().contents();
    assert!(line_of(&ended).is_none(), "{text}");
    assert!(text.contains("15 calls to claude-haiku-4-5"), "{text}");
}
