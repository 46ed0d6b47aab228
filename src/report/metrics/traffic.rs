//! What passed the tap: counters by model and by client, and how long answers took.

use super::{
    Door,
    text::{Kind, Labels, Text},
};
use crate::domain::{
    traffic::{Drops, OTHER_STATUS, Tally, Totals},
    usage::Usage,
    verdict::Cause,
};

/// A number of a row.
type Number = fn(&Tally) -> u64;

/// Plain counters: what they are called by model and by client, what they say, the number.
const COUNTERS: [(&str, &str, &str, Number); 5] = [
    (
        "ratetop_model_logical_calls",
        "ratetop_client_logical_calls",
        "What clients wanted done: a call with all its retries counts once.",
        |tally| tally.logical,
    ),
    (
        "ratetop_model_requests",
        "ratetop_client_requests",
        "Requests to /v1/messages on the wire, each attempt counted.",
        |tally| tally.wire,
    ),
    (
        "ratetop_model_retries",
        "ratetop_client_retries",
        "Requests that repeat a failed one.",
        |tally| tally.retries,
    ),
    (
        "ratetop_model_stacked_retries",
        "ratetop_client_stacked_retries",
        "Retries by a program around an SDK that had already retried itself.",
        |tally| tally.stacked,
    ),
    (
        "ratetop_model_early_retries",
        "ratetop_client_early_retries",
        "Retries that came before the server's hint had passed.",
        |tally| tally.early,
    ),
];

/// Writes all of it.
pub(super) fn write(text: &mut Text, totals: &Totals, door: Door) {
    let models: Vec<(Labels, &Tally)> = totals
        .models
        .iter()
        .map(|row| (label("model", row.model.as_str()), &row.tally))
        .collect();
    let clients: Vec<(Labels, &Tally)> = totals
        .clients
        .iter()
        .map(|row| (label("client", row.client.as_str()), &row.tally))
        .collect();
    for (by_model, by_client, help, number) in COUNTERS {
        for (name, rows) in [(by_model, &models), (by_client, &clients)] {
            let mut family = text.family(name, Kind::Counter, help);
            for (labels, tally) in rows {
                family.is(labels, number(tally));
            }
        }
    }
    answers(text, &models);
    waits(text, &models, &clients);
    tokens(text, &models);
    times(text, &models);
    elsewhere(text, totals, door);
    drops(text, &totals.drops);
}

fn label(name: &str, value: &str) -> Labels {
    Labels::default().with(name, value)
}

fn answers(text: &mut Text, models: &[(Labels, &Tally)]) {
    let help = "Requests under way.";
    let mut family = text.family("ratetop_model_requests_in_flight", Kind::Gauge, help);
    for (labels, tally) in models {
        family.is(labels, tally.open);
    }
    let help = "Requests that have ended, by what came of them: whole, refused, unreachable, cancelled by \
                the client, broken after a 200.";
    let mut family = text.family("ratetop_model_ended", Kind::Counter, help);
    for (labels, tally) in models {
        for (outcome, count) in [
            ("whole", tally.whole),
            ("refused", tally.refusals()),
            ("unreachable", tally.unreachable),
            ("cancelled", tally.cancelled),
            ("broken", tally.broken),
        ] {
            family.is(&labels.clone().with("outcome", outcome), count);
        }
    }
    let help = "Answers by HTTP status, once they have ended.";
    let mut family = text.family("ratetop_model_responses", Kind::Counter, help);
    for (labels, tally) in models {
        for (status, count) in &tally.statuses {
            let code = match *status {
                OTHER_STATUS => "other".to_owned(),
                status => status.to_string(),
            };
            family.is(&labels.clone().with("code", &code), count);
        }
    }
    let help = "Answers with an error status, by the cause that they were found to have.";
    let mut family = text.family("ratetop_model_refusals", Kind::Counter, help);
    for (labels, tally) in models {
        for (cause, count) in &tally.refused {
            family.is(&labels.clone().with("cause", &word(*cause)), count);
        }
    }
}

/// As JSON has it.
fn word(cause: Cause) -> String {
    let word = serde_json::to_value(cause).ok();
    let word = word.as_ref().and_then(serde_json::Value::as_str);
    word.unwrap_or("unknown").to_owned()
}

fn waits(text: &mut Text, models: &[(Labels, &Tally)], clients: &[(Labels, &Tally)]) {
    type Seconds = fn(&Tally) -> f64;
    let families: [(_, _, Seconds); 3] = [
        (
            "ratetop_client_early_seconds",
            "By how much retries came before the server's hint, all together.",
            |tally| tally.early_s,
        ),
        (
            "ratetop_client_asked_seconds",
            "What servers asked those to wait who came back.",
            |tally| tally.asked_s,
        ),
        (
            "ratetop_client_slept_seconds",
            "Between a failed attempt's end and its retry.",
            |tally| tally.slept_s,
        ),
    ];
    for (name, help, seconds) in families {
        let mut family = text.family(name, Kind::Counter, help);
        for (labels, tally) in clients {
            family.is(labels, seconds(tally));
        }
    }
    let help = "Tokens of answers that broke after a 200, which were thrown away.";
    let mut family = text.family("ratetop_model_lost_tokens", Kind::Counter, help);
    for (labels, tally) in models {
        for (kind, count) in kinds(&tally.lost) {
            family.is(&labels.clone().with("kind", kind), count);
        }
    }
}

fn tokens(text: &mut Text, models: &[(Labels, &Tally)]) {
    let help = "Tokens, as the server said: input that was neither read from nor written to the cache, \
                cache_read, cache_write, output.";
    let mut family = text.family("ratetop_model_tokens", Kind::Counter, help);
    for (labels, tally) in models {
        for (kind, count) in kinds(&tally.usage) {
            family.is(&labels.clone().with("kind", kind), count);
        }
    }
}

const fn kinds(usage: &Usage) -> [(&'static str, u64); 4] {
    [
        ("input", usage.input_tokens),
        ("cache_read", usage.cache_read_input_tokens),
        ("cache_write", usage.cache_creation_input_tokens),
        ("output", usage.output_tokens),
    ]
}

fn times(text: &mut Text, models: &[(Labels, &Tally)]) {
    let help = "From a request to the head of its answer, of answers below 300.";
    let mut family = text.family("ratetop_model_first_byte_seconds", Kind::Histogram, help);
    for (labels, tally) in models {
        family.spans(labels, &tally.first_byte);
    }
    let help = "From a request to the first token of its stream.";
    let mut family = text.family("ratetop_model_first_token_seconds", Kind::Histogram, help);
    for (labels, tally) in models {
        family.spans(labels, &tally.first_token);
    }
}

fn elsewhere(text: &mut Text, totals: &Totals, door: Door) {
    let other = &totals.elsewhere;
    let help = "Requests to other paths than /v1/messages that have ended, by what came of them.";
    let mut family = text.family("ratetop_other_ended", Kind::Counter, help);
    for (outcome, count) in [
        ("whole", other.whole),
        ("refused", other.refused),
        ("failed", other.failed),
        ("cancelled", other.cancelled),
    ] {
        family.is(&label("outcome", outcome), count);
    }
    let help = "Requests to other paths under way.";
    text.family("ratetop_other_requests_in_flight", Kind::Gauge, help)
        .is(&Labels::default(), other.open);
    let help = "Requests that the tap did not pass on: a wrong Host, no token, ambiguous framing.";
    text.family("ratetop_tap_refused", Kind::Counter, help)
        .is(&Labels::default(), door.refused);
    let help = "Requests that the tap answered with 502, as there was no upstream.";
    text.family("ratetop_tap_unreachable", Kind::Counter, help)
        .is(&Labels::default(), door.unreachable);
    let help = "Requests that --chaos befell.";
    text.family("ratetop_tap_chaos", Kind::Counter, help)
        .may_be(&Labels::default(), door.chaos);
}

fn drops(text: &mut Text, drops: &Drops) {
    let Drops {
        screen,
        readings,
        observations,
        decoders,
        encodings,
        lines,
        names,
        links,
        reader,
    } = *drops;
    let help = "What the tap's reader did not tell, did not read or lost; forwarding is touched by none of it.";
    let mut family = text.family("ratetop_tap_drops", Kind::Counter, help);
    for (kind, count) in [
        ("screen", screen),
        ("readings", readings),
        ("observations", observations),
        ("decoders", decoders),
        ("encodings", encodings),
        ("lines", lines),
        ("names", names),
        ("links", links),
        ("reader", reader),
    ] {
        family.is(&label("kind", kind), count);
    }
}
