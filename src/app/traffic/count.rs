//! Totals of calls that no tap counts: those of the demo's make-believe clients, told call by call.
//! A tap counts for itself and sends what it has counted.

use crate::domain::{
    observation::{Observation, What},
    outcome::Outcome,
    timeline::{Attempt, Call},
    traffic::{ClientRow, ModelRow, OTHER, Tally, Totals},
    verdict::Cause,
};

/// Clients and models that have a row of their own; more are counted together.
const ROWS: usize = 200;

/// Counts what was seen of `call`, which has it in it already.
pub fn count(totals: &mut Totals, seen: &Observation, call: &Call) {
    let more = told(seen, call);
    totals.until = totals.until.max(seen.at);
    let clients = &mut totals.clients;
    let name = named(clients.len(), &call.client, |name| {
        clients.binary_search_by(|row| row.client.cmp(name)).is_ok()
    });
    let at = clients
        .binary_search_by(|row| row.client.cmp(&name))
        .unwrap_or_else(|at| {
            clients.insert(
                at,
                ClientRow {
                    client: name,
                    tally: Tally::default(),
                },
            );
            at
        });
    add(&mut clients[at].tally, &more);
    let models = &mut totals.models;
    let name = named(models.len(), &call.model, |name| {
        models.binary_search_by(|row| row.model.cmp(name)).is_ok()
    });
    let at = models
        .binary_search_by(|row| row.model.cmp(&name))
        .unwrap_or_else(|at| {
            models.insert(
                at,
                ModelRow {
                    model: name,
                    tally: Tally::default(),
                },
            );
            at
        });
    add(&mut models[at].tally, &more);
}

/// The name itself while it has a row or may have one.
fn named<N: Clone + for<'a> From<&'a str>>(
    rows: usize,
    name: &N,
    has_row: impl Fn(&N) -> bool,
) -> N {
    if rows < ROWS || has_row(name) {
        name.clone()
    } else {
        N::from(OTHER)
    }
}

fn add(tally: &mut Tally, more: &Tally) {
    tally.merge(more);
    tally.open = tally.wire.saturating_sub(tally.ended());
}

/// What one observation adds.
fn told(seen: &Observation, call: &Call) -> Tally {
    let mut more = Tally::default();
    match &seen.what {
        What::Began { .. } => more.logical = 1,
        What::Sent => {
            more.wire = 1;
            match before(seen, call) {
                // What continues a paused turn is a call of its own, not a repetition.
                Some(before) if before.is_paused_turn() => more.logical = 1,
                Some(before) => again(&mut more, call, before),
                None => {}
            }
        }
        What::Finished {
            outcome,
            usage,
            verdict,
            ..
        } => {
            let usage = usage.unwrap_or_default();
            more.usage = usage;
            match outcome {
                Outcome::Complete { .. } => more.whole = 1,
                Outcome::Refused { .. } | Outcome::Foreign { .. } => {
                    let cause = verdict
                        .as_ref()
                        .map_or(Cause::Unknown, |verdict| verdict.cause);
                    more.refused.insert(cause, 1);
                }
                Outcome::Unreachable { .. } => more.unreachable = 1,
                Outcome::Cancelled => more.cancelled = 1,
                Outcome::StreamError { .. }
                | Outcome::StreamCut { .. }
                | Outcome::StreamTruncated => {
                    more.broken = 1;
                    more.lost = usage;
                }
            }
        }
        _ => {}
    }
    more
}

/// The attempt before the one that was just sent.
fn before<'c>(seen: &Observation, call: &'c Call) -> Option<&'c Attempt> {
    let n = seen.attempt?;
    call.attempts.iter().rev().find(|attempt| attempt.n < n)
}

fn again(more: &mut Tally, call: &Call, before: &Attempt) {
    more.retries = 1;
    more.asked_s = before.asked_s.unwrap_or(0.0);
    more.slept_s = before.slept_s.unwrap_or(0.0);
    if let Some(by) = call.early_by(before) {
        more.early = 1;
        more.early_s = by;
        more.early_worst_s = by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        id::ClientId,
        timeline::{
            FIRST_FOREIGN_CALL, Timeline,
            fixtures::{began, finished, out, refused_then_ok, seen, t},
        },
    };

    fn counted(lives: impl IntoIterator<Item = Observation>) -> Totals {
        let (mut totals, mut timeline) = (Totals::empty(t(0.0)), Timeline::new(400));
        for seen in lives {
            timeline.absorb(&seen);
            count(
                &mut totals,
                &seen,
                timeline.call(seen.call.unwrap()).unwrap(),
            );
        }
        totals
    }

    #[test]
    fn a_call_that_came_back_too_early_is_one_call_and_two_on_the_wire() {
        let all = counted(refused_then_ok(FIRST_FOREIGN_CALL, 0.5)).all();
        assert_eq!((all.logical, all.wire, all.retries, all.open), (1, 2, 1, 0));
        assert_eq!(all.refused.get(&Cause::OutputTokensPerMinute), Some(&1));
        assert_eq!((all.whole, all.usage), (1, out(9)));
        assert_eq!(all.amplification(), Some(2.0));
        // Asked 17 s from the head at 0.1 s; it came at 0.62 s.
        assert_eq!(all.early, 1);
        assert!((all.early_s - 16.48).abs() < 0.01, "{}", all.early_s);
        assert!((all.slept_s - 0.5).abs() < 0.01 && (all.asked_s - 17.0).abs() < 1e-9);
    }

    #[test]
    fn a_continued_turn_is_no_retry_and_amplifies_nothing() {
        let id = FIRST_FOREIGN_CALL;
        let paused = Outcome::Complete {
            status: 200,
            stop_reason: Some("pause_turn".into()),
        };
        let all = counted([
            began(id, 0.0),
            seen(id, Some(1), 0.0, What::Sent),
            seen(id, Some(1), 1.0, finished(paused, 1.0, Some(out(5)))),
            seen(id, Some(2), 1.0, What::Sent),
        ])
        .all();
        assert_eq!((all.wire, all.retries), (2, 0));
        assert_eq!(all.amplification(), Some(1.0));
    }

    #[test]
    fn what_broke_after_a_200_is_lost() {
        let id = FIRST_FOREIGN_CALL;
        let cut = Outcome::StreamCut {
            how: "reset".into(),
        };
        let all = counted([
            began(id, 0.0),
            seen(id, Some(1), 0.0, What::Sent),
            seen(id, Some(1), 2.0, finished(cut, 2.0, Some(out(60)))),
        ])
        .all();
        assert_eq!((all.broken, all.lost.output_tokens, all.open), (1, 60, 0));
    }

    #[test]
    fn rows_are_bounded_and_nothing_is_lost_with_them() {
        let calls = 1_000_u64;
        let totals = counted((0..calls).map(|n| Observation {
            client: Some(ClientId::from(format!("client-{n}"))),
            ..began(FIRST_FOREIGN_CALL + n, n as f64)
        }));
        assert_eq!(totals.clients.len(), ROWS + 1);
        assert_eq!(totals.all().logical, calls);
    }
}
