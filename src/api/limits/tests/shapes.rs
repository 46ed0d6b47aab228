//! The three shapes of the list, overrides, and what is wrong in an answer.

use super::*;

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
