//! Fixtures of the three shapes of section 1.2 (rate-limits API guide, its reference page, SDK types)
//! and of section 1.3, and polls against scripted answers.

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

#[test]
fn the_first_shape() {
    let page = read::groups(&first()).unwrap();
    let group = &page.entries[0];
    assert_eq!(group.kind, GroupKind::ModelGroup);
    assert_eq!(group.entry.as_deref(), Some("rl_1"));
    assert_eq!(group.id.as_str(), "model_group:claude-opus-5-5");
    assert_eq!(group.name, "Opus 5.5");
    assert_eq!((page.faults.len(), page.next), (0, None));
}

#[test]
fn the_guides_shape_without_ids() {
    let page = read::groups(&guide()).unwrap();
    // Derived from the sorted members, so that another order is the same pool.
    assert_eq!(
        page.entries[0].id.as_str(),
        "model_group:claude-sonnet-4-5+claude-sonnet-4-6"
    );
    assert_eq!(page.entries[0].name, "Sonnet 4.x");
    assert_eq!(
        (page.entries[1].id.as_str(), page.entries[1].kind.clone()),
        ("batch", GroupKind::Batch)
    );
}

#[test]
fn the_third_shape() {
    let page = read::groups(&third()).unwrap();
    let group = &page.entries[0];
    assert_eq!(
        (group.id.as_str(), group.name.as_str()),
        ("rlg_EXAMPLE", "Claude Sonnet 4.x")
    );
    assert_eq!((group.models.len(), group.limits.len()), (3, 3));
    assert_eq!(page.next.as_deref(), Some("cursor"));
}

#[test]
fn both_group_and_group_type_and_unknown_kinds_and_limiters() {
    let page = read::groups(&json!({"data": [
        {"group": {"type": "model_group", "id": "rlg_1"}, "group_type": "batch", "models": ["m"], "limits": []},
        {"group_type": "video", "limits": [{"type": "frames_per_minute", "value": 3}]},
        {"limits": [{"type": "requests_per_minute", "value": 5.0}, {"type": "tokens_per_day", "value": null}]},
    ]})).unwrap();
    assert_eq!(page.entries[0].kind, GroupKind::ModelGroup);
    assert_eq!(page.entries[1].kind, GroupKind::Other("video".into()));
    assert_eq!(
        page.entries[1].limits[0].limiter.as_str(),
        "frames_per_minute"
    );
    assert_eq!(page.entries[2].limits.len(), 1);
    assert_eq!(page.entries[2].limits[0].value, 5);
    assert_eq!(page.faults, Vec::<String>::new());
}

#[test]
fn one_bad_entry_hides_nothing_else() {
    let page = read::groups(&json!({"data": [
        7, {"group_type": "batch"}, {"models": ["a"], "limits": {}},
        {"group_type": "files", "limits": [{"type": "requests_per_minute", "value": -1}, {"value": 3}, null,
            {"type": "x", "value": 1.5}, {"type": "y", "value": "many"}, {"type": "z", "value": 9}, {"type": "z", "value": 8}]},
    ]})).unwrap();
    assert_eq!(page.entries.len(), 1);
    assert_eq!(page.entries[0].limits.len(), 1);
    assert_eq!(page.faults.len(), 9, "{:#?}", page.faults);
    assert!(page.faults[0].contains("Entry 1") && page.faults[1].contains("Message Batches"));
}

#[test]
fn data_that_is_no_list_is_said() {
    assert!(
        read::groups(&json!({"data": null}))
            .unwrap_err()
            .contains("null")
    );
    assert!(
        read::groups(&json!({"data": {}}))
            .unwrap_err()
            .contains("no list")
    );
    assert!(
        read::groups(&json!({}))
            .unwrap_err()
            .contains("no \"data\"")
    );
}

#[test]
fn overrides_of_both_shapes_find_their_group_and_inherited_ones_are_none() {
    let known = read::groups(&third()).unwrap().entries;
    let workspace = WorkspaceId::from("wrkspc_EX");
    // Section 1.3.
    let new = json!({"data": [{"type": "workspace_rate_limit", "workspace_id": "wrkspc_EX", "rate_limit_id": "rl_2",
        "group": {"type": "model_group", "id": "rlg_EXAMPLE", "display_name": "Claude Sonnet 4.x"}, "models": ["claude-sonnet-4-6"],
        "limits": [{"type": "requests_per_minute", "value": 100, "org_limit": 1000, "source": {"type": "workspace"}},
                   {"type": "output_tokens_per_minute", "value": 400_000, "org_limit": 400_000, "source": {"type": "organization"}}]}],
        "next_page": null});
    let old = json!({"data": [{"workspace_id": "wrkspc_EX", "rate_limit_id": "rl_2", "group_type": "model_group", "models": ["claude-sonnet-4-6"],
        "limits": [{"type": "requests_per_minute", "value": 100, "org_limit": 1000}]}]});
    let older = json!({"data": [{"group_type": "model_group", "models": ["claude-sonnet-4-6"],
        "limits": [{"type": "requests_per_minute", "value": 100, "org_limit": 1000}]}]});
    let expected = Override {
        workspace: workspace.clone(),
        group: GroupId::from("rlg_EXAMPLE"),
        limiter: "requests_per_minute".into(),
        value: 100,
        org_limit: Some(1000),
    };
    for shape in [new, old, older] {
        let page = read::overrides(&shape, &workspace, &known).unwrap();
        assert_eq!(page.entries.concat(), std::slice::from_ref(&expected));
    }
    let other = json!({"data": [{"workspace_id": "wrkspc_B", "limits": []}]});
    assert_eq!(
        read::overrides(&other, &workspace, &known)
            .unwrap()
            .faults
            .len(),
        1
    );
}

#[test]
fn workspaces_page_by_their_last_id_and_archived_ones_are_left_out() {
    let page = read::workspaces(&json!({"data": [
        {"id": "wrkspc_A", "name": "A\u{202e}", "archived_at": null}, {"id": "wrkspc_B", "name": "B", "archived_at": "2026-01-01T00:00:00Z"},
        {"id": "wrkspc_C"}, {"name": "x"}], "has_more": true, "last_id": "wrkspc_C"})).unwrap();
    let names: Vec<_> = page.entries.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(names, ["A", "wrkspc_C"]);
    assert_eq!(
        (page.faults.len(), page.next.as_deref()),
        (1, Some("wrkspc_C"))
    );
}

/// Answers by target; what is not there is a 404.
struct Admin {
    answers: Mutex<HashMap<String, (u16, Value)>>,
    asked: Mutex<Vec<String>>,
}

impl Admin {
    fn new(answers: Vec<(&str, u16, Value)>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(
                answers
                    .into_iter()
                    .map(|(t, s, v)| (t.to_owned(), (s, v)))
                    .collect(),
            ),
            asked: Mutex::default(),
        })
    }

    fn set(&self, target: &str, status: u16, value: Value) {
        self.answers
            .lock()
            .unwrap()
            .insert(target.to_owned(), (status, value));
    }
}

impl Transport for Admin {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Broken>> {
        self.asked.lock().unwrap().push(request.target.clone());
        let answer = self.answers.lock().unwrap().get(&request.target).cloned();
        let (status, value) = answer.unwrap_or((
            404,
            json!({"type": "error", "error": {"type": "not_found_error", "message": "m"}}),
        ));
        let mut headers = http::HeaderMap::new();
        if status == 429 {
            headers.insert("retry-after", "30".parse().unwrap());
        }
        let body = futures_util::stream::iter([Ok(Bytes::from(value.to_string()))]).boxed();
        async move {
            Ok(Response {
                status,
                headers,
                body,
            })
        }
        .boxed()
    }
}

fn workspace_list(ids: &[&str]) -> Value {
    json!({"data": ids.iter().map(|id| json!({"id": id, "name": id})).collect::<Vec<_>>(), "has_more": false})
}

fn polls(admin: &Arc<Admin>, own: Option<&str>) -> Poller {
    let mut connection = connection(admin.clone());
    connection.workspace = own.map(Into::into);
    let clock = Clock::anchored("2026-11-24T12:00:00Z".parse().unwrap());
    Poller::new(Arc::new(connection), clock, TURNS)
}

fn parts(polled: &Polled) -> (LimitsState, Option<&str>, Option<&LimitsSnapshot>) {
    match &polled.seen.what {
        What::Limits {
            state,
            error,
            snapshot,
        } => (state.clone(), error.as_deref(), snapshot.as_deref()),
        other => panic!("{other:?}"),
    }
}

const LIST: &str = "/v1/organizations/rate_limits";
const ME: &str = "/v1/organizations/me";
const WORKSPACES: &str = "/v1/organizations/workspaces?limit=1000";

fn everything() -> Arc<Admin> {
    let mut last = first();
    last["data"]
        .as_array_mut()
        .unwrap()
        .push(json!({"group_type": "files", "limits": []}));
    Admin::new(vec![
        (LIST, 200, third()),
        ("/v1/organizations/rate_limits?page=cursor", 200, last),
        (
            ME,
            200,
            json!({"id": "org-1", "type": "organization", "name": "Acme Corp"}),
        ),
        (
            WORKSPACES,
            200,
            workspace_list(&["wrkspc_A", "wrkspc_B", "wrkspc_C"]),
        ),
        (
            "/v1/organizations/workspaces/wrkspc_A/rate_limits",
            200,
            json!({"data": [], "next_page": null}),
        ),
        (
            "/v1/organizations/workspaces/wrkspc_B/rate_limits",
            200,
            json!({"data": [{"rate_limit_id": "rl_1",
            "limits": [{"type": "requests_per_minute", "value": 10, "org_limit": 1000}]}]}),
        ),
        (
            "/v1/organizations/workspaces/wrkspc_C/rate_limits",
            500,
            json!({"type": "error", "error": {"type": "api_error", "message": "m"}}),
        ),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_poll_reads_every_page_and_the_own_workspace_and_the_others_follow_a_second_apart() {
    let admin = everything();
    let mut polling = polls(&admin, Some("wrkspc_A"));
    let polled = polling.poll().await;
    let (state, error, snapshot) = parts(&polled);
    let snapshot = snapshot.unwrap();
    assert_eq!((state, error), (LimitsState::Ok, None));
    assert_eq!(snapshot.groups.len(), 3);
    assert_eq!(snapshot.organization.as_ref().unwrap().name, "Acme Corp");
    assert_eq!(snapshot.workspaces.len(), 3);
    assert_eq!(snapshot.overrides, [("wrkspc_A".into(), vec![])]);
    assert_eq!(snapshot.faults, Vec::<String>::new());

    let second = polling.turn().await.unwrap();
    let (_, _, snapshot) = parts(&second);
    let (workspace, overrides) = &snapshot.unwrap().overrides[0];
    assert_eq!((workspace.as_str(), overrides[0].value), ("wrkspc_B", 10));
    assert_eq!(overrides[0].group.as_str(), "model_group:claude-opus-5-5");
    assert_eq!(snapshot.unwrap().groups.len(), 3);

    let before = polling.clock.now();
    let third = polling.turn().await.unwrap();
    assert!(seconds_between(before, polling.clock.now()) >= 0.999);
    let (state, _, snapshot) = parts(&third);
    assert_eq!(state, LimitsState::Ok);
    assert!(snapshot.unwrap().faults[0].contains("wrkspc_C could not be read"));
    assert!(polling.turn().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_told_once_while_it_lasts() {
    let admin = everything();
    let mut polling = polls(&admin, None);
    let mut faults = Vec::new();
    for _ in 0..3 {
        let mut count = parts(&polling.poll().await).2.unwrap().faults.len();
        while let Some(polled) = polling.turn().await {
            count += parts(&polled).2.unwrap().faults.len();
        }
        faults.push(count);
    }
    assert_eq!(faults, [1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_refused_and_says_what_to_do() {
    let admin = everything();
    for status in [401, 403] {
        admin.set(
            LIST,
            status,
            json!({"type": "error", "error": {"type": "permission_error", "message": "no"}}),
        );
        let polled = polls(&admin, None).poll().await;
        let (state, error, snapshot) = parts(&polled);
        assert_eq!((state, snapshot), (LimitsState::Refused, None));
        let error = error.unwrap();
        assert!(
            error.contains("127.0.0.1:1") && error.contains("permission_error: no"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_list_is_none() {
    let admin = everything();
    admin.set("/v1/organizations/rate_limits?page=cursor", 500, json!({}));
    let polled = polls(&admin, None).poll().await;
    assert_eq!(parts(&polled).0, LimitsState::Failed);
    assert_eq!(parts(&polled).2, None);
}

#[tokio::test(start_paused = true)]
async fn pages_that_lead_in_a_circle_end() {
    let admin = everything();
    admin.set("/v1/organizations/rate_limits?page=cursor", 200, third());
    let polled = polls(&admin, None).poll().await;
    assert!(parts(&polled).1.unwrap().contains("lead in a circle"));
    assert_eq!(admin.asked.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn being_limited_is_obeyed() {
    let admin = everything();
    admin.set(
        LIST,
        429,
        json!({"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}),
    );
    let polled = polls(&admin, None).poll().await;
    assert_eq!(polled.stay_away_s, Some(30.0));
    assert_eq!(parts(&polled).0, LimitsState::Failed);
}

#[tokio::test(start_paused = true)]
async fn limits_stay_when_organization_and_workspaces_are_not_to_be_had() {
    let admin = everything();
    admin.set(
        ME,
        403,
        json!({"type": "error", "error": {"type": "permission_error", "message": "m"}}),
    );
    admin.set(WORKSPACES, 200, json!({"data": null}));
    let polled = polls(&admin, None).poll().await;
    let (state, _, snapshot) = parts(&polled);
    assert_eq!(state, LimitsState::Ok);
    assert_eq!(snapshot.unwrap().faults.len(), 2);
    assert_eq!(snapshot.unwrap().groups.len(), 3);
}

#[tokio::test]
async fn a_poller_can_move_to_a_task() {
    fn sendable(_: impl Send) {}
    let admin = everything();
    sendable(async move {
        let mut polling = polls(&admin, None);
        polling.poll().await;
        polling.turn().await
    });
}
