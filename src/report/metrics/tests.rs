use super::*;
use crate::domain::{
    board::Board,
    fixtures::{head, level, t},
    id::ModelId,
    traffic::{ClientRow, ModelRow, Tally},
    usage::Usage,
    verdict::Cause,
};
use rstest::rstest;

fn totals() -> Totals {
    let mut tally = Tally {
        logical: 2,
        wire: 4,
        open: 1,
        whole: 1,
        refused: [(Cause::OutputTokensPerMinute, 2)].into(),
        usage: Usage {
            input_tokens: 14,
            output_tokens: 9,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 3,
            ..Usage::default()
        },
        retries: 2,
        early: 1,
        early_s: 0.5,
        ..Tally::default()
    };
    for status in [200, 429, 429] {
        tally.count_status(status);
    }
    tally.first_byte.add(0.25);
    let mut totals = Totals::empty(Time::UNIX_EPOCH);
    totals.models.push(ModelRow {
        model: ModelId::from("claude-opus-5-5"),
        tally: tally.clone(),
    });
    totals.clients.push(ClientRow {
        client: "a \"quoted\\ client".into(),
        tally,
    });
    totals
}

fn page_of(board: &Board, format: Format) -> String {
    let totals = totals();
    let subject = Subject {
        version: "1.2.3",
        totals: &totals,
        door: Door::default(),
        board,
    };
    page(&subject, format, Time::UNIX_EPOCH)
}

#[test]
fn every_sample_of_a_family_follows_its_announcement_and_none_comes_twice() {
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let text = page_of(&Board::default(), format);
        let mut families = std::collections::HashSet::new();
        let mut seen = std::collections::HashSet::new();
        let mut family = "";
        for line in text.lines().filter(|line| *line != "# EOF") {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                family = rest.split(' ').next().unwrap();
                assert!(families.insert(family), "{family} twice");
            } else if !line.starts_with('#') {
                let series = line.rsplit_once(' ').unwrap().0;
                assert!(series.starts_with(family), "{line} under {family}");
                assert!(seen.insert(series), "{series} twice");
            }
        }
        assert_eq!(text.ends_with("# EOF\n"), format == Format::OpenMetrics);
    }
}

#[test]
fn numbers_stand_under_their_names_and_quotes_are_escaped() {
    let text = page_of(&Board::default(), Format::Prometheus);
    for line in [
        "# TYPE ratetop_build_info gauge",
        "ratetop_build_info{version=\"1.2.3\"} 1",
        "# TYPE ratetop_model_requests_total counter",
        "ratetop_model_requests_total{model=\"claude-opus-5-5\"} 4",
        "ratetop_model_requests_in_flight{model=\"claude-opus-5-5\"} 1",
        "ratetop_client_early_seconds_total{client=\"a \\\"quoted\\\\ client\"} 0.5",
        "ratetop_model_ended_total{model=\"claude-opus-5-5\",outcome=\"refused\"} 2",
        "ratetop_model_responses_total{model=\"claude-opus-5-5\",code=\"429\"} 2",
        "ratetop_model_refusals_total{model=\"claude-opus-5-5\",cause=\"output_tokens_per_minute\"} 2",
        "ratetop_model_tokens_total{model=\"claude-opus-5-5\",kind=\"cache_read\"} 3",
        "ratetop_model_first_byte_seconds_bucket{model=\"claude-opus-5-5\",le=\"0.1\"} 0",
        "ratetop_model_first_byte_seconds_bucket{model=\"claude-opus-5-5\",le=\"0.25\"} 1",
        "ratetop_model_first_byte_seconds_bucket{model=\"claude-opus-5-5\",le=\"1.0\"} 1",
        "ratetop_model_first_byte_seconds_bucket{model=\"claude-opus-5-5\",le=\"+Inf\"} 1",
        "ratetop_model_first_byte_seconds_sum{model=\"claude-opus-5-5\"} 0.25",
        "ratetop_model_first_byte_seconds_count{model=\"claude-opus-5-5\"} 1",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
}

#[test]
fn what_is_not_known_is_absent() {
    let text = page_of(&Board::default(), Format::Prometheus);
    for name in [
        "ratetop_remaining",
        "ratetop_left_ratio",
        "ratetop_empty_in_seconds",
        "first_token",
        "ratetop_tap_chaos",
        "ratetop_limits_read_time",
    ] {
        assert!(!text.contains(name), "{name}\n{text}");
    }
}

#[rstest]
#[case(None, Format::Prometheus)]
#[case(Some("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"), Format::Prometheus)]
#[case(
    Some("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5"),
    Format::OpenMetrics
)]
fn a_reader_gets_openmetrics_where_it_asks_for_it(
    #[case] accept: Option<&str>,
    #[case] format: Format,
) {
    assert_eq!(Format::wanted(accept), format);
}

fn page_at(board: &Board, s: f64) -> String {
    let totals = Totals::empty(t(0.0));
    let subject = Subject {
        version: "1.2.3",
        totals: &totals,
        door: Door::default(),
        board,
    };
    page(&subject, Format::Prometheus, t(s))
}

#[test]
fn what_is_left_is_told_while_it_is_known_and_its_age_for_ever() {
    let mut board = Board::default();
    let levels = vec![level("output_tokens_per_minute", 1_000, 250)];
    board.absorb(&head(t(0.0), "org_1", levels));
    let fresh = page_at(&board, 0.0);
    let labels = "family=\"standard\"} ";
    let line = |text: &str, name: &str| {
        let mut lines = text.lines().filter(|line| {
            line.starts_with(&format!("{name}{{"))
                && line.contains("output_tokens_per_minute")
                && line.contains("organization=\"org_1\"")
        });
        let line = lines
            .next()
            .map(|line| line.split(labels).nth(1).unwrap().to_owned());
        assert!(lines.next().is_none(), "{name} twice\n{text}");
        line
    };
    assert_eq!(line(&fresh, "ratetop_limit").as_deref(), Some("1000"));
    assert_eq!(line(&fresh, "ratetop_remaining").as_deref(), Some("250"));
    assert_eq!(line(&fresh, "ratetop_left_ratio").as_deref(), Some("0.25"));
    assert_eq!(
        line(&fresh, "ratetop_header_age_seconds").as_deref(),
        Some("0")
    );
    let old = page_at(&board, 86_400.0);
    assert_eq!(line(&old, "ratetop_limit").as_deref(), Some("1000"));
    assert_eq!(line(&old, "ratetop_remaining"), None);
    assert_eq!(line(&old, "ratetop_left_ratio"), None);
    assert_eq!(
        line(&old, "ratetop_header_age_seconds").as_deref(),
        Some("86400")
    );
}
