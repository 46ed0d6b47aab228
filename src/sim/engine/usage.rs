//! `GET /v1/organizations/usage_report/messages`: five minutes late, by minute, hour or day.

use super::models::{number, values};
use crate::{
    domain::time::{Time, after, seconds_between},
    sim::{
        scenario::Scenario,
        speak::{ask::Query, refusal::Refusal},
    },
};
use chrono::SecondsFormat;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Uncached input, 5 m and 1 h cache writes, cache reads, output.
pub type Tokens = (f64, f64, f64, f64, f64);

/// Seconds after which a minute appears (usage-cost page: about five minutes).
const LATE_S: f64 = 300.0;
/// Minutes that are kept: a day and a little.
const MINUTES: usize = 1500;

/// Whose tokens they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Whose {
    /// The model that answered; none where a report does not group by it.
    pub model: Option<Arc<str>>,
    /// The workspace; none for the default one, or where a report does not group by it.
    pub workspace: Option<Arc<str>>,
    /// `standard` or `priority`; none where a report does not group by it.
    pub service_tier: Option<&'static str>,
}

type Row = (Whose, Tokens);

/// Minutes with their tokens.
#[derive(Debug)]
pub struct Log {
    start: Time,
    minutes: BTreeMap<i64, Vec<Row>>,
}

impl Log {
    /// An empty one.
    pub fn new(start: Time) -> Self {
        Self {
            start,
            minutes: BTreeMap::new(),
        }
    }

    /// Tokens that were used at `at`.
    pub fn add(&mut self, at: Time, whose: Whose, more: Tokens) {
        let rows = self
            .minutes
            .entry(at.timestamp().div_euclid(60))
            .or_default();
        gather(rows, whose, &more);
        while self.minutes.len() > MINUTES {
            self.minutes.pop_first();
        }
    }

    /// How many minutes are kept.
    pub fn minutes(&self) -> usize {
        self.minutes.len()
    }

    /// What was used in one minute. Before the world began its unseen clients did what they do.
    fn minute(&self, world: &Scenario, minute: i64) -> Vec<Row> {
        if let Some(rows) = self.minutes.get(&minute) {
            return rows.clone();
        }
        let at_s = minute as f64 * 60.0 - seconds_between(Time::UNIX_EPOCH, self.start);
        if at_s > -60.0 {
            return Vec::new();
        }
        let mut rows: Vec<Row> = Vec::new();
        for client in &world.unseen {
            let calls = (0..6)
                .map(|n| client.rate(at_s + f64::from(n) * 10.0))
                .sum::<f64>()
                / 6.0;
            let input = calls * f64::midpoint(client.input.0, client.input.1);
            let output = calls * f64::midpoint(client.output.0, client.output.1);
            rows.push((
                Whose::standard(&client.model),
                (input, 0.0, 0.0, 0.0, output),
            ));
        }
        rows
    }

    /// The report at `now`.
    pub fn report(&self, world: &Scenario, query: &Query, now: Time) -> Result<Value, Refusal> {
        let instant = |name: &str| -> Result<Option<Time>, Refusal> {
            values(query, name)
                .last()
                .map(|text| {
                    text.parse::<Time>().map_err(|_| {
                        Refusal::invalid(format!(
                            "{name}: Input should be a valid RFC 3339 datetime"
                        ))
                    })
                })
                .transpose()
        };
        let (width_s, usual, most) = match values(query, "bucket_width").last() {
            Some("1m") => (60, 60, 1440),
            Some("1h") => (3600, 24, 168),
            None | Some("1d") => (86_400, 7, 31),
            Some(_) => {
                return Err(Refusal::invalid(
                    "bucket_width: Input should be '1m', '1h' or '1d'",
                ));
            }
        };
        let starting = instant("starting_at")?
            .ok_or_else(|| Refusal::invalid("starting_at: Field required"))?;
        let limit = number(query, "limit", 1, most)?.unwrap_or(usual) as i64;
        let skipped = match values(query, "page").last() {
            None => 0,
            Some(cursor) => cursor
                .strip_prefix("page_")
                .and_then(|text| i64::from_str_radix(text, 16).ok())
                .filter(|n| (0..1_000_000).contains(n))
                .ok_or_else(|| Refusal::invalid("page: the cursor is stale or malformed"))?,
        };
        let known_until = after(now, -LATE_S);
        let end = instant("ending_at")?
            .unwrap_or(known_until)
            .min(known_until);
        let first = starting.timestamp().div_euclid(width_s) + skipped;
        let last = end.timestamp().div_euclid(width_s);
        let by: Vec<&str> = values(query, "group_by").collect();
        let models: Vec<&str> = values(query, "models").collect();
        let tiers: Vec<&str> = values(query, "service_tiers").collect();
        let workspaces: Vec<&str> = values(query, "workspace_ids").collect();
        let mut data = Vec::new();
        for bucket in first..last.min(first.saturating_add(limit)) {
            let mut sums: Vec<Row> = Vec::new();
            // Longer than a day ago nothing is remembered, so that a wide bucket costs a day at most.
            let from = (bucket * width_s).div_euclid(60);
            let minutes = (from..from + width_s / 60)
                .filter(|minute| width_s < 86_400 || minute * 60 > now.timestamp() - 86_400);
            for (whose, tokens) in minutes.flat_map(|minute| self.minute(world, minute)) {
                let is_wanted = |wanted: &[&str], value: Option<&str>| {
                    wanted.is_empty() || value.is_some_and(|value| wanted.contains(&value))
                };
                if is_wanted(&models, whose.model.as_deref())
                    && is_wanted(&tiers, whose.service_tier)
                    && is_wanted(&workspaces, whose.workspace.as_deref())
                {
                    gather(&mut sums, whose.grouped(&by), &tokens);
                }
            }
            data.push(json!({
                "starting_at": rfc3339(bucket * width_s),
                "ending_at": rfc3339((bucket + 1) * width_s),
                "results": sums.iter().map(describe).collect::<Vec<_>>(),
            }));
        }
        let more = first.saturating_add(limit) < last;
        Ok(json!({
            "data": data,
            "has_more": more,
            "next_page": more.then(|| format!("page_{:04x}", skipped + limit)),
        }))
    }
}

impl Whose {
    /// Of the default workspace and the standard tier.
    pub fn standard(model: &str) -> Self {
        Self {
            model: Some(model.into()),
            workspace: None,
            service_tier: Some("standard"),
        }
    }

    /// Only what a report is grouped by.
    fn grouped(self, by: &[&str]) -> Self {
        Self {
            model: self.model.filter(|_| by.contains(&"model")),
            workspace: self.workspace.filter(|_| by.contains(&"workspace_id")),
            service_tier: self.service_tier.filter(|_| by.contains(&"service_tier")),
        }
    }
}

/// Adds tokens to the row that they belong to.
fn gather(rows: &mut Vec<Row>, whose: Whose, more: &Tokens) {
    match rows.iter_mut().find(|(of, _)| *of == whose) {
        Some((_, sum)) => add(sum, more),
        None => rows.push((whose, *more)),
    }
}

fn add(sum: &mut Tokens, more: &Tokens) {
    sum.0 += more.0;
    sum.1 += more.1;
    sum.2 += more.2;
    sum.3 += more.3;
    sum.4 += more.4;
}

fn describe((whose, tokens): &Row) -> Value {
    json!({
        "uncached_input_tokens": tokens.0.round() as u64,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.1.round() as u64,
            "ephemeral_1h_input_tokens": tokens.2.round() as u64,
        },
        "cache_read_input_tokens": tokens.3.round() as u64,
        "output_tokens": tokens.4.round() as u64,
        "server_tool_use": { "web_search_requests": 0 },
        "model": whose.model.as_deref(),
        "workspace_id": whose.workspace.as_deref(),
        "api_key_id": null,
        "service_tier": whose.service_tier,
        "context_window": null,
        "inference_geo": null,
    })
}

fn rfc3339(seconds: i64) -> String {
    Time::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}
