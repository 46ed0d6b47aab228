//! Polls against scripted answers.

use super::*;

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
    let (state, sentence, _) = parts(&polled);
    assert_eq!(state, LimitsState::Failed);
    assert!(
        sentence
            .unwrap()
            .contains("and allows it again in 30 s: earlier limits stay")
    );
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
