//! Fixtures of the three shapes of section 1.2 (rate-limits API guide, its reference page, SDK types)
//! and of section 1.3, and polls against scripted answers.

mod polls;
mod shapes;

use super::{read, *};
use crate::api::connection::tests::connection;
use crate::domain::{
    id::GroupId,
    org::{GroupKind, Override},
};
use crate::net::transport::{Broken, Request, Response, Transport};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use serde_json::json;
use std::{collections::HashMap, sync::Mutex};

fn first() -> Value {
    // 2023-06-01, with `id` and `group_type`.
    json!({"data": [{"type": "rate_limit", "id": "rl_1", "group_type": "model_group", "models": ["claude-opus-5-5"],
        "limits": [{"type": "requests_per_minute", "value": 1000}]}], "next_page": null})
}

fn guide() -> Value {
    // The guide's own samples: no `id`.
    json!({"data": [
        {"type": "rate_limit", "group_type": "model_group", "models": ["claude-sonnet-4-6", "claude-sonnet-4-5"],
         "limits": [{"type": "requests_per_minute", "value": 4000}, {"type": "input_tokens_per_minute", "value": 10_000_000}]},
        {"type": "rate_limit", "group_type": "batch", "models": null, "limits": [{"type": "enqueued_batch_requests", "value": 500_000}]}],
        "next_page": null})
}

fn third() -> Value {
    // 2026-10-21: `group`, no `group_type`.
    json!({"data": [{"type": "rate_limit", "id": "rl_2",
        "group": {"type": "model_group", "id": "rlg_EXAMPLE", "display_name": "Claude Sonnet 4.x"},
        "models": ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-6"],
        "limits": [{"type": "requests_per_minute", "value": 1000},
                   {"type": "input_tokens_per_minute_cache_aware", "value": 2_000_000},
                   {"type": "output_tokens_per_minute", "value": 400_000}]}], "next_page": "cursor"})
}
