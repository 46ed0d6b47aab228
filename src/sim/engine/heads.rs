//! Response heads: ids, date, and the families of section "response headers".

use super::{Answer, Engine, JSON, Ticket, pool::Limit, take::Lane, usage::Whose};
use crate::{
    domain::{
        limit::{Dimension, Family},
        time::{Time, after},
    },
    sim::{
        dice::Dice,
        scenario::{HeaderFamily, TokensHeader},
        speak::refusal::Refusal,
    },
};
use chrono::SecondsFormat;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Names of one family: limit, remaining, reset.
type Names = [HeaderName; 3];

macro_rules! names {
    ($stem:literal) => {
        [
            HeaderName::from_static(concat!($stem, "-limit")),
            HeaderName::from_static(concat!($stem, "-remaining")),
            HeaderName::from_static(concat!($stem, "-reset")),
        ]
    };
}

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const ORGANIZATION: HeaderName = HeaderName::from_static("anthropic-organization-id");
const WORKSPACE: HeaderName = HeaderName::from_static("anthropic-workspace-id");

impl Engine {
    /// Request id, organization, workspace and date of an answer.
    pub(super) fn head_of(
        &mut self,
        ordinal: u64,
        purpose: u64,
        workspace: bool,
        now: Time,
    ) -> HeaderMap {
        let mut id = String::with_capacity(28);
        id.push_str("req_011C");
        Dice::new(self.seed, ordinal, purpose).letters(20, &mut id);
        let mut head = HeaderMap::with_capacity(24);
        head.insert(http::header::DATE, self.date(now));
        head.insert(REQUEST_ID, text(&id));
        head.insert(ORGANIZATION, self.organization.clone());
        if let Some(id) = self.workspace.as_ref().filter(|_| workspace) {
            head.insert(WORKSPACE, id.clone());
        }
        head
    }

    fn date(&mut self, now: Time) -> HeaderValue {
        if self.date.0 != now.timestamp() {
            let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            self.date = (now.timestamp(), text(&date));
        }
        self.date.1.clone()
    }

    /// The head of an admitted call, to be asked for when it is sent.
    pub fn head(&mut self, ticket: &mut Ticket, now: Time) -> HeaderMap {
        let mut head = std::mem::take(&mut ticket.head);
        head.insert(http::header::DATE, self.date(now));
        if !ticket.levels_done {
            self.settle_pool(ticket.pool, now);
            self.levels(ticket.pool, ticket.lane, ticket.own_output, now, &mut head);
        }
        head
    }

    /// An admitted call is over at `now`, whole or not.
    pub fn end(&mut self, ticket: Ticket, now: Time) {
        self.gates.leave();
        let output = if let Some(tokens) = ticket.over_at {
            tokens as f64
        } else {
            self.settle_pool(ticket.pool, now);
            self.pools
                .get_mut(ticket.pool)
                .map_or(0.0, |pool| pool.stop(ticket.flow, now))
        };
        let (short, long, read) = ticket.cached;
        let priority = ticket.lane == Lane::Priority;
        let whose = Whose {
            model: Some(ticket.model),
            workspace: self.world.workspace.as_deref().map(Into::into),
            service_tier: Some(if priority { "priority" } else { "standard" }),
        };
        self.usage.add(
            now,
            whose,
            (
                ticket.input.uncached,
                short as f64,
                long as f64,
                read as f64,
                output,
            ),
        );
    }

    pub(super) fn refuse(
        &mut self,
        refusal: Refusal,
        messages: bool,
        known: bool,
        now: Time,
    ) -> Answer {
        let ordinal = if messages { self.calls } else { self.others };
        let mut headers = self.head_of(ordinal, if messages { 3 } else { 21 }, known, now);
        headers.insert(http::header::CONTENT_TYPE, JSON);
        if matches!(refusal.status, 401 | 413) {
            // Nobody knows yet whose request it is.
            headers.remove(ORGANIZATION);
        }
        if refusal.levels && messages {
            match self.refused_pool.take() {
                Some((n, lane)) => self.levels(n, lane, 0.0, now, &mut headers),
                None => self.unified(None, now, &mut headers),
            }
        }
        if let Some(seconds) = refusal.retry_after_s {
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
            if self.world.headers.retry_after_ms {
                headers.insert("retry-after-ms", HeaderValue::from(seconds * 1000));
            }
        }
        if let Some(should) = self.world.headers.should_retry
            && refusal.status >= 409
        {
            let word = if should { "true" } else { "false" };
            headers.insert("x-should-retry", HeaderValue::from_static(word));
        }
        let request = headers
            .get(REQUEST_ID)
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default();
        Answer {
            status: refusal.status,
            body: refusal.body(request),
            headers,
            wait_s: refusal.wait_s,
        }
    }

    /// Every family that the scenario sends, as the pool stands at `now`.
    pub(super) fn levels(
        &mut self,
        n: usize,
        lane: Lane,
        own_output: f64,
        now: Time,
        head: &mut HeaderMap,
    ) {
        if self.world.headers.subscription.is_some() {
            self.unified(Some(n), now, head);
            return;
        }
        let Some(pool) = self.pools.get(n) else {
            return;
        };
        let standard = |dimension| pool.in_force(dimension, Family::Standard);
        let input = || standard(Dimension::Itpm).or_else(|| standard(Dimension::ItpmAll));
        for family in &self.world.headers.families {
            match family {
                HeaderFamily::Requests => {
                    if let Some(limit) = standard(Dimension::Rpm) {
                        family_of(
                            &names!("anthropic-ratelimit-requests"),
                            &[limit],
                            0.0,
                            now,
                            head,
                        );
                    }
                }
                HeaderFamily::InputTokens => {
                    if let Some(limit) = input() {
                        family_of(
                            &names!("anthropic-ratelimit-input-tokens"),
                            &[limit],
                            0.0,
                            now,
                            head,
                        );
                    }
                }
                HeaderFamily::OutputTokens => {
                    if let Some(limit) = standard(Dimension::Otpm) {
                        let own = if lane == Lane::Fast { 0.0 } else { own_output };
                        family_of(
                            &names!("anthropic-ratelimit-output-tokens"),
                            &[limit],
                            own,
                            now,
                            head,
                        );
                    }
                }
                HeaderFamily::Tokens => {
                    let output = standard(Dimension::Otpm);
                    let combined = standard(Dimension::Combined);
                    let both: Vec<&Limit> = match self.world.headers.tokens {
                        TokensHeader::Input => input().into_iter().collect(),
                        TokensHeader::Output => output.into_iter().collect(),
                        TokensHeader::Combined => input().into_iter().chain(output).collect(),
                        TokensHeader::MostRestrictive => {
                            let own = [input(), output, combined]
                                .into_iter()
                                .flatten()
                                .filter(|limit| limit.workspace)
                                .min_by_key(|limit| limit.value);
                            match own.or(combined) {
                                Some(limit) => vec![limit],
                                None => input().into_iter().chain(output).collect(),
                            }
                        }
                    };
                    if !both.is_empty() {
                        family_of(&names!("anthropic-ratelimit-tokens"), &both, 0.0, now, head);
                    }
                }
                HeaderFamily::Fast if lane == Lane::Fast => {
                    if let Some(limit) = pool.in_force(Dimension::Itpm, Family::Fast) {
                        family_of(
                            &names!("anthropic-fast-input-tokens"),
                            &[limit],
                            0.0,
                            now,
                            head,
                        );
                    }
                    if let Some(limit) = pool.in_force(Dimension::Otpm, Family::Fast) {
                        family_of(
                            &names!("anthropic-fast-output-tokens"),
                            &[limit],
                            own_output,
                            now,
                            head,
                        );
                    }
                }
                HeaderFamily::Fast => {}
                HeaderFamily::Priority => {
                    let (input, output) = (
                        pool.in_force(Dimension::Itpm, Family::Priority),
                        pool.in_force(Dimension::Otpm, Family::Priority),
                    );
                    let own = if lane == Lane::Priority {
                        own_output
                    } else {
                        0.0
                    };
                    if let Some(limit) = input {
                        let names = names!("anthropic-priority-input-tokens");
                        family_of(&names, &[limit], 0.0, now, head);
                    }
                    if let Some(limit) = output {
                        let names = names!("anthropic-priority-output-tokens");
                        family_of(&names, &[limit], own, now, head);
                    }
                }
            }
        }
    }

    /// Subscription headers; epoch seconds, shares that may exceed 1.
    fn unified(&mut self, pool: Option<usize>, now: Time, head: &mut HeaderMap) {
        let Some(windows) = self.gates.windows(pool, now) else {
            return;
        };
        let status = |used: f64| {
            if used >= 1.0 {
                "rejected"
            } else if used >= 0.9 {
                "allowed_warning"
            } else {
                "allowed"
            }
        };
        let mut of = vec![
            ("five_hour", "5h", windows.five_hour),
            ("seven_day", "7d", windows.seven_day),
        ];
        let overage = windows.overage;
        of.extend(overage.map(|window| ("seven_day_overage_included", "7d_oi", window)));
        let worst = of.iter().max_by(|a, b| a.2.0.total_cmp(&b.2.0));
        let Some(&(claim, _, worst)) = worst else {
            return;
        };
        let mut put = |name: &'static str, value: HeaderValue| {
            head.insert(HeaderName::from_static(name), value);
        };
        put(
            "anthropic-ratelimit-unified-status",
            HeaderValue::from_static(status(worst.0)),
        );
        put(
            "anthropic-ratelimit-unified-reset",
            HeaderValue::from(worst.1.timestamp()),
        );
        put(
            "anthropic-ratelimit-unified-representative-claim",
            HeaderValue::from_static(claim),
        );
        put(
            "anthropic-ratelimit-unified-fallback-percentage",
            HeaderValue::from_static("0.5"),
        );
        put(
            "anthropic-ratelimit-unified-overage-status",
            HeaderValue::from_static("rejected"),
        );
        put(
            "anthropic-ratelimit-unified-overage-disabled-reason",
            HeaderValue::from_static("out_of_credits"),
        );
        for (_, name, (used, reset)) in of {
            let stem = format!("anthropic-ratelimit-unified-{name}");
            for (what, value) in [
                ("status", HeaderValue::from_static(status(used))),
                ("reset", HeaderValue::from(reset.timestamp())),
                ("utilization", text(&format!("{used:.4}"))),
            ] {
                if let Ok(name) = HeaderName::from_bytes(format!("{stem}-{what}").as_bytes()) {
                    head.insert(name, value);
                }
            }
        }
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}

/// One family over the sum of these limits. `own` is added to what is left.
fn family_of(names: &Names, limits: &[&Limit], own: f64, now: Time, head: &mut HeaderMap) {
    let total: u64 = limits.iter().map(|limit| limit.value).sum();
    let exact: f64 = limits
        .iter()
        .filter_map(|limit| limit.bucket.as_ref())
        .map(|bucket| bucket.level(now))
        .sum::<f64>()
        + own;
    let exact = exact.min(total as f64);
    // The unrounded level, debt included, says when the bucket is full; what is shown is rounded.
    let full_s = if total > 0 {
        60.0 * (1.0 - exact / total as f64)
    } else {
        0.0
    };
    let left = exact.max(0.0);
    let shown = match limits.first().map(|limit| limit.dimension) {
        Some(Dimension::Rpm) | None => left.floor(),
        Some(_) => ((left / 1000.0).round() * 1000.0).min(total as f64),
    };
    let [limit, remaining, reset] = names;
    head.insert(limit.clone(), HeaderValue::from(total));
    head.insert(remaining.clone(), HeaderValue::from(shown as u64));
    let at = after(now, full_s.max(0.0));
    head.insert(
        reset.clone(),
        text(&at.to_rfc3339_opts(SecondsFormat::Secs, true)),
    );
}
