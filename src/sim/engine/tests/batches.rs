//! Message batches in virtual time.

use super::*;

const WORLD: &str = r#"
[batches]
takes_s = [1200, 1200]
clock = 60
[[pools]]
name = "batch"
limits = { requests_per_minute = 30, enqueued_batch_requests = 50 }
"#;

fn body(requests: usize) -> String {
    let params = r#"{"model":"claude-haiku-4-5","max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}"#;
    let entries: Vec<String> = (0..requests)
        .map(|n| format!(r#"{{"custom_id":"r-{n}","params":{params}}}"#))
        .collect();
    format!(r#"{{"requests":[{}]}}"#, entries.join(","))
}

fn call(engine: &mut Engine, method: &str, path: &str, body: &str, at: Time) -> (Answer, Value) {
    let target = format!("/v1/messages/batches{path}");
    let answer = refused(engine.answer(ask(method, &target, body, API_KEY), at));
    let value = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer, value)
}

fn total(batch: &Value) -> u64 {
    let counts = batch["request_counts"].as_object().unwrap();
    counts.values().map(|n| n.as_u64().unwrap()).sum()
}

#[test]
fn the_group_limits_requests_per_minute_and_says_when_to_come_back() {
    let mut engine = Engine::new(world(WORLD), 7, t());
    for _ in 0..30 {
        assert_eq!(call(&mut engine, "GET", "", "", t()).0.status, 200);
    }
    let (answer, error) = call(&mut engine, "GET", "", "", t());
    assert_eq!(answer.status, 429);
    assert_eq!(answer.headers["retry-after"], "2");
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("30 requests per minute"), "{message}");
    // No model's limit has anything to do with it.
    let limits = |name: &str| name.starts_with("anthropic-ratelimit");
    assert!(!answer.headers.keys().any(|name| limits(name.as_str())));
    let later = after(t(), 2.0);
    assert_eq!(call(&mut engine, "GET", "", "", later).0.status, 200);
}

#[test]
fn a_request_leaves_the_queue_when_it_is_done() {
    let mut engine = Engine::new(world(WORLD), 7, t());
    let mut create = |requests, s| call(&mut engine, "POST", "", &body(requests), after(t(), s)).0;
    assert_eq!(create(40, 0.0).status, 200);
    let full = create(20, 0.5);
    assert_eq!(full.status, 429);
    assert!(!full.headers.contains_key("retry-after"));
    // Half of 20 s later half of the 40 are done.
    assert_eq!(create(31, 10.0).status, 429);
    assert_eq!(create(30, 10.1).status, 200);
}

#[test]
fn results_have_the_address_that_was_asked() {
    let mut engine = Engine::new(world(WORLD), 7, t());
    let (_, made) = call(&mut engine, "POST", "", &body(1), t());
    let path = format!("/{}", made["id"].as_str().unwrap());
    let mut headers = ["x-api-key", "anthropic-version", "host"].map(|name| name.parse().unwrap());
    let values = [API_KEY, "2023-06-01", "127.0.0.1:4787"];
    let headers: HeaderMap = headers
        .iter_mut()
        .zip(values)
        .map(|(name, value): (&mut http::HeaderName, _)| (name.clone(), value.parse().unwrap()))
        .collect();
    let target = format!("/v1/messages/batches{path}");
    let asked = read(&http::Method::GET, &target, &headers, b"");
    let answer = refused(engine.answer(asked, after(t(), 60.0)));
    let batch: Value = serde_json::from_slice(&answer.body).unwrap();
    let url = format!("http://127.0.0.1:4787/v1/messages/batches{path}/results");
    assert_eq!(batch["results_url"], url);
}

proptest! {
    #[test]
    fn counts_are_whole_and_an_end_is_an_end(
        requests in 1_usize..40,
        cancel in prop::option::of(0.0_f64..30.0),
        moments in prop::collection::vec(0.0_f64..60.0, 1..12),
    ) {
        let mut engine = Engine::new(world(&WORLD.replace("30,", "3000,")), 7, t());
        let (_, made) = call(&mut engine, "POST", "", &body(requests), t());
        let path = format!("/{}", made["id"].as_str().unwrap());
        let mut moments: Vec<(f64, bool)> = moments.into_iter().map(|s| (s, false)).collect();
        moments.extend(cancel.map(|s| (s, true)));
        moments.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut ended: Option<Value> = None;
        for (s, cancels) in moments {
            let at = after(t(), s);
            if cancels {
                let (answer, _) = call(&mut engine, "POST", &format!("{path}/cancel"), "", at);
                prop_assert_eq!(answer.status, if ended.is_some() || s >= 20.0 { 400 } else { 200 });
                continue;
            }
            let (_, batch) = call(&mut engine, "GET", &path, "", at);
            prop_assert_eq!(total(&batch), requests as u64);
            let over = batch["processing_status"] == "ended";
            let processing = batch["request_counts"]["processing"].as_u64().unwrap();
            prop_assert_eq!(processing, if over { 0 } else { requests as u64 });
            if let Some(before) = &ended {
                prop_assert_eq!(before, &batch);
            }
            if over {
                let (answer, _) = call(&mut engine, "GET", &format!("{path}/results"), "", at);
                prop_assert_eq!(&answer.headers["content-type"], "application/x-jsonl");
                let lines = String::from_utf8(answer.body.to_vec()).unwrap();
                prop_assert_eq!(lines.lines().count(), requests);
                let done = lines.matches("\"type\":\"succeeded\"").count() as u64;
                prop_assert_eq!(Some(done), batch["request_counts"]["succeeded"].as_u64());
                ended = Some(batch);
            } else {
                prop_assert!(s < 20.0 && ended.is_none());
            }
        }
    }
}
