//! Models that end: what to tell of one that is still called.

use super::Tiers;
use crate::domain::{
    id::{ClientId, ModelId},
    notice::{Draft, NoticeKind, Weight},
    time::Time,
};
use chrono::{Datelike, NaiveDate};

/// An end that is farther away than this, days, is not told: who calls the model has time.
const NEAR_DAYS: i64 = 60;

/// What to tell of a model that `client` calls at `now`: its end is near, or has passed. None for a
/// model without an announced end, and while the end is far.
pub fn ending(
    tiers: &Tiers,
    model: &ModelId,
    client: Option<&ClientId>,
    now: Time,
) -> Option<Draft> {
    let ends = tiers.ends(model)?;
    let days = (ends - now.date_naive()).num_days();
    if days > NEAR_DAYS {
        return None;
    }
    let day = words(ends);
    let (when, weight) = match days {
        ..0 => (format!("ended on {day}"), Weight::Error),
        0 => (format!("ends today, {day}"), Weight::Warning),
        1 => (format!("ends tomorrow, {day}"), Weight::Warning),
        _ => (format!("ends on {day}, in {days} days"), Weight::Warning),
    };
    let who = client.map_or("somebody", ClientId::as_str);
    Some(Draft {
        at: now,
        weight,
        kind: NoticeKind::Note,
        sentence: format!("{model} {when}; {who} calls it."),
        evidence: vec![
            format!("last day: {ends}"),
            format!(
                "from the SDKs' deprecation table, as built in on {}",
                tiers.as_of
            ),
        ],
        request: None,
    })
}

/// `30 November 2026`
fn words(day: NaiveDate) -> String {
    let month = chrono::Month::try_from(day.month() as u8).map_or("?", |month| month.name());
    format!("{} {month} {}", day.day(), day.year())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn tiers() -> Tiers {
        toml::from_str(include_str!("../../../assets/tiers.toml")).unwrap()
    }

    #[rstest]
    // The SDKs' deprecation table: claude-sonnet-4-5 ends 2026-11-30, Opus 4.1 retired 2026-08-05.
    #[case("claude-sonnet-4-5", "2026-09-30T23:59:59Z", None)]
    #[case(
        "claude-sonnet-4-5",
        "2026-10-01T00:00:00Z",
        Some("claude-sonnet-4-5 ends on 30 November 2026, in 60 days; chat calls it.")
    )]
    #[case(
        "claude-sonnet-4-5-20250929",
        "2026-11-29T12:00:00Z",
        Some("claude-sonnet-4-5-20250929 ends tomorrow, 30 November 2026; chat calls it.")
    )]
    #[case(
        "claude-sonnet-4-5",
        "2026-11-30T23:59:59Z",
        Some("claude-sonnet-4-5 ends today, 30 November 2026; chat calls it.")
    )]
    #[case(
        "claude-opus-4-1",
        "2026-11-24T12:00:00Z",
        Some("claude-opus-4-1 ended on 5 August 2026; chat calls it.")
    )]
    #[case("claude-opus-5-5", "2026-11-24T12:00:00Z", None)]
    #[case("claude-made-up", "2026-11-24T12:00:00Z", None)]
    fn an_end_is_told_when_it_is_near(
        #[case] model: &str,
        #[case] now: &str,
        #[case] sentence: Option<&str>,
    ) {
        let told = ending(
            &tiers(),
            &model.into(),
            Some(&"chat".into()),
            now.parse().unwrap(),
        );
        assert_eq!(told.map(|draft| draft.sentence).as_deref(), sentence);
    }

    #[test]
    fn what_has_ended_weighs_more_than_what_will() {
        let weight = |model: &str| {
            let now = "2026-11-24T12:00:00Z".parse().unwrap();
            ending(&tiers(), &model.into(), None, now).unwrap().weight
        };
        assert_eq!(weight("claude-sonnet-4-5"), Weight::Warning);
        assert_eq!(weight("claude-opus-4-1"), Weight::Error);
    }
}
