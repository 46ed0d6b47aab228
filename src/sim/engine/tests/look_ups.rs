//! Keys, versions, paths, and what the other endpoints say.

use super::*;

#[test]
fn keys_versions_and_paths_are_checked_as_the_api_does() {
    let mut engine = Engine::new(Scenario::named("idle").unwrap(), 1, t());
    let mut status = |method: &str, target: &str, key: &str, version: &str| {
        let mut headers = HeaderMap::new();
        if !key.is_empty() {
            headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
        }
        if !version.is_empty() {
            headers.insert("anthropic-version", version.parse().unwrap());
        }
        let answer =
            refused(engine.answer(read(&method.parse().unwrap(), target, &headers, b"{}"), t()));
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let kind = body["error"]["type"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, kind)
    };
    let is = |status: u16, kind: &str| (status, kind.to_owned());
    assert_eq!(
        status("POST", "/v1/messages", "", "2023-06-01"),
        is(401, "authentication_error")
    );
    assert_eq!(
        status("POST", "/v1/messages", "sk-ant-x", "2023-06-01"),
        is(401, "authentication_error")
    );
    assert_eq!(
        status("POST", "/v1/messages", ADMIN_KEY, "2023-06-01"),
        is(401, "authentication_error")
    );
    assert_eq!(
        status("POST", "/v1/messages", API_KEY, ""),
        is(400, "invalid_request_error")
    );
    assert_eq!(
        status("POST", "/v1/messages", API_KEY, "2026-10-21"),
        is(400, "invalid_request_error")
    );
    assert_eq!(
        status(
            "GET",
            "/v1/organizations/rate_limits",
            API_KEY,
            "2023-06-01"
        ),
        is(403, "permission_error")
    );
    assert_eq!(
        status(
            "GET",
            "/v1/organizations/rate_limits",
            ADMIN_KEY,
            "2026-10-21"
        ),
        is(200, "")
    );
    assert_eq!(
        status("GET", "/v1/nothing", "", ""),
        is(404, "not_found_error")
    );
    assert_eq!(status("HEAD", "/", "", ""), is(200, ""));
    assert_eq!(status("GET", "/_ratetop/simulator", "", ""), is(200, ""));
    assert_eq!(
        status(
            "GET",
            "/v1/models/claude-haiku-4-5-20251001",
            API_KEY,
            "2026-10-21"
        ),
        is(200, "")
    );
    assert_eq!(
        status("GET", "/v1/models/gpt", API_KEY, "2026-10-21"),
        is(404, "not_found_error")
    );
}

/// Section "rate_limits": envelope, pages, filters, shapes.
#[test]
fn rate_limits_page_filter_and_take_shape() {
    let mut engine = Engine::new(Scenario::named("busy-afternoon").unwrap(), 1, t());
    let base = "/v1/organizations/rate_limits";
    let (_, all) = get(&mut engine, base, t());
    let first = &all["data"][0];
    assert_eq!(first["group_type"], "model_group");
    assert_eq!(first["group"]["display_name"], "Claude Opus 5.5");
    assert_eq!(
        first["limits"][1]["type"],
        "input_tokens_per_minute_cache_aware"
    );
    assert_eq!(all["next_page"], Value::Null);
    let (mut page, mut seen) = (String::new(), 0);
    loop {
        let (_, one) = get(&mut engine, &format!("{base}?limit=4{page}"), t());
        seen += one["data"].as_array().unwrap().len();
        match one["next_page"].as_str() {
            Some(next) => page = format!("&page={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all["data"].as_array().unwrap().len());
    let (_, one) = get(
        &mut engine,
        &format!("{base}?model=claude-sonnet-4-5-20250929"),
        t(),
    );
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    assert_eq!(get(&mut engine, &format!("{base}?model=gpt"), t()).0, 404);
    assert_eq!(get(&mut engine, &format!("{base}?page=zzz"), t()).0, 400);
    assert_eq!(get(&mut engine, &format!("{base}?limit=0"), t()).0, 400);
    let (_, batch) = get(&mut engine, &format!("{base}?group_type=batch"), t());
    assert_eq!(batch["data"][0]["models"], Value::Null);
    assert_eq!(
        get(&mut engine, &format!("{base}?group_type=teapot"), t()).0,
        400
    );
}

#[test]
fn workspaces_list_their_overrides_and_what_they_inherit() {
    let mut engine = Engine::new(Scenario::named("busy-afternoon").unwrap(), 1, t());
    let base = "/v1/organizations/workspaces";
    let (_, list) = get(&mut engine, &format!("{base}?limit=2"), t());
    assert_eq!(list["has_more"], true);
    let after_id = list["last_id"].as_str().unwrap();
    let (_, rest) = get(
        &mut engine,
        &format!("{base}?limit=2&after_id={after_id}"),
        t(),
    );
    assert_eq!(
        (
            rest["has_more"].as_bool(),
            rest["data"].as_array().unwrap().len()
        ),
        (Some(false), 1)
    );
    let (_, with) = get(&mut engine, &format!("{base}?include_default=true"), t());
    assert_eq!(with["data"].as_array().unwrap().len(), 4);
    let research = format!("{base}/wrkspc_01SimResearchxB3d/rate_limits");
    let (_, own) = get(&mut engine, &research, t());
    assert_eq!(own["data"].as_array().unwrap().len(), 2);
    let limit = &own["data"][0]["limits"][0];
    assert_eq!(
        (limit["value"].as_u64(), limit["org_limit"].as_u64()),
        (Some(500), Some(5000))
    );
    assert_eq!(limit["source"]["type"], "workspace");
    let (_, all) = get(
        &mut engine,
        &format!("{research}?include_inherited=true"),
        t(),
    );
    assert!(all["data"].as_array().unwrap().len() > 10);
    assert_eq!(
        all["data"][1]["limits"][0]["source"]["type"],
        "organization"
    );
    assert_eq!(
        get(
            &mut engine,
            &format!("{base}/wrkspc_nobody/rate_limits"),
            t()
        )
        .0,
        404
    );
}

#[test]
fn usage_appears_five_minutes_late() {
    let mut engine = Engine::new(world(SMALL), 1, t());
    let call = admitted(engine.answer(message(1_000, 50, true), t()));
    engine.end(call.ticket, after(t(), 2.0));
    let target = "/v1/organizations/usage_report/messages?starting_at=2026-11-24T12:00:00Z&bucket_width=1m&group_by[]=model";
    let (_, early) = get(&mut engine, target, after(t(), 200.0));
    assert_eq!(early["data"].as_array().unwrap().len(), 0);
    let (_, late) = get(&mut engine, target, after(t(), 400.0));
    let row = &late["data"][0]["results"][0];
    assert_eq!(row["model"], "claude-opus-5-5");
    assert_eq!(
        (
            row["uncached_input_tokens"].as_u64(),
            row["output_tokens"].as_u64()
        ),
        (Some(1000), Some(50))
    );
}

/// Section "usage": rows by service tier; a Priority commitment's calls are rows of their own.
#[test]
fn usage_tells_priority_from_standard() {
    let text = format!(
        "{SMALL}\n[[pools]]\nname = \"Opus 5.5\"\nlimits = {{ priority_input = 100000, priority_output = 100000 }}"
    );
    let mut engine = Engine::new(world(&text), 1, t());
    for standard_only in [false, true] {
        let tier = if standard_only {
            "standard_only"
        } else {
            "auto"
        };
        let body = format!(
            r#"{{"model":"claude-opus-5-5","max_tokens":50,"service_tier":"{tier}","messages":[{{"role":"user","content":"Say hello."}}]}}"#
        );
        let call = admitted(engine.answer(ask("POST", "/v1/messages", &body, API_KEY), t()));
        engine.end(call.ticket, after(t(), 2.0));
    }
    let target =
        "/v1/organizations/usage_report/messages?starting_at=2026-11-24T12:00:00Z&bucket_width=1m";
    let mut rows = |query: &str| {
        let (_, report) = get(&mut engine, &format!("{target}{query}"), after(t(), 400.0));
        let rows = report["data"][0]["results"].as_array().unwrap().iter();
        let tier = |row: &Value| row["service_tier"].as_str().map(str::to_owned);
        rows.map(|row| (tier(row), row["output_tokens"].as_u64()))
            .collect::<Vec<_>>()
    };
    let row = |tier: Option<&str>, output| (tier.map(str::to_owned), Some(output));
    assert_eq!(rows(""), [row(None, 100)]);
    let by_tier = [row(Some("priority"), 50), row(Some("standard"), 50)];
    assert_eq!(rows("&group_by[]=service_tier"), by_tier);
    let priority = rows("&group_by[]=service_tier&service_tiers[]=priority");
    assert_eq!(priority, by_tier[..1]);
}

/// Section "usage": `workspace_ids[]` leaves only what those workspaces used; the default one has no id.
#[test]
fn usage_can_be_asked_of_one_workspace() {
    let text = format!(
        "workspace = \"staging\"\n{SMALL}\n[[workspaces]]\nname = \"staging\"\nid = \"wrkspc_01STAGING\""
    );
    let mut engine = Engine::new(world(&text), 1, t());
    let call = admitted(engine.answer(message(1_000, 50, true), t()));
    engine.end(call.ticket, after(t(), 2.0));
    let mut rows = |query: &str| {
        let target = "/v1/organizations/usage_report/messages?starting_at=2026-11-24T12:00:00Z&bucket_width=1m";
        let (_, report) = get(&mut engine, &format!("{target}{query}"), after(t(), 400.0));
        let rows = report["data"][0]["results"].as_array().unwrap().iter();
        rows.map(|row| row["output_tokens"].as_u64())
            .collect::<Vec<_>>()
    };
    assert_eq!(rows("&workspace_ids[]=wrkspc_01STAGING"), [Some(50)]);
    assert_eq!(rows("&workspace_ids[]=wrkspc_01OTHER"), []);
    let both = "&workspace_ids[]=wrkspc_01OTHER&workspace_ids[]=wrkspc_01STAGING";
    assert_eq!(rows(both), [Some(50)]);
}

/// Section "rate_limits": the shapes that have existed, by the version of the request or as the world
/// says.
#[test]
fn limits_come_in_every_shape_that_has_existed() {
    for (rule, version, group_type, group, id) in [
        ("by-version", "2023-06-01", true, true, true),
        ("by-version", "2026-10-21", false, true, true),
        ("2023", "2026-10-21", true, false, true),
        ("2026", "2023-06-01", false, true, true),
        ("guide", "2023-06-01", true, false, false),
    ] {
        let text = format!("{SMALL}\n[rules]\nadmin_shape = \"{rule}\"");
        let mut engine = Engine::new(world(&text), 1, t());
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_static(ADMIN_KEY));
        headers.insert("anthropic-version", version.parse().unwrap());
        let target = "/v1/organizations/rate_limits";
        let ask = read(&http::Method::GET, target, &headers, b"");
        let answer = refused(engine.answer(ask, t()));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let entry = &body["data"][0];
        assert_eq!(
            entry["group_type"] == "model_group",
            group_type,
            "{rule} {version}"
        );
        assert_eq!(
            entry["group"]["type"] == "model_group",
            group,
            "{rule} {version}"
        );
        assert_eq!(entry["id"].is_string(), id, "{rule} {version}");
        assert_eq!(entry["limits"][0]["type"], "requests_per_minute");
    }
}
