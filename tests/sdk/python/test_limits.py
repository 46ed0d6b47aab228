"""The Admin API's reads, parsed by the SDK's typed models."""

import unittest

import anthropic
from world import ADMIN_KEY, World

WORKSPACE = "wrkspc_01SdkTestsResearchAAAAAA"


class Limits(World):
    def test_the_organization(self):
        info = self.client(ADMIN_KEY).organization.retrieve()
        self.hello(self.client())
        self.assertEqual(info.type, "organization")
        self.assertEqual(info.id, self.wire[-1][2]["anthropic-organization-id"])

    def test_limits_of_the_organization(self):
        entries = list(self.client(ADMIN_KEY).organization.rate_limits.list())
        kinds = {entry.group.type for entry in entries}
        self.assertTrue({"model_group", "batch", "token_count"} <= kinds, kinds)
        opus = next(e for e in entries if e.models and "claude-opus-5-5" in e.models)
        values = {limit.type: limit.value for limit in opus.limits}
        # Build: rate-limits page.
        self.assertEqual(
            values,
            {
                "requests_per_minute": 5000,
                "input_tokens_per_minute_cache_aware": 5_000_000,
                "output_tokens_per_minute": 1_000_000,
            },
        )
        self.assertTrue(opus.group.id.startswith("rlg_"))
        self.assertTrue(opus.group.display_name)
        for entry in entries:
            self.assertEqual(entry.models is None, entry.group.type != "model_group")
        members = [model for e in entries for model in e.models or []]
        self.assertEqual(len(members), len(set(members)), "a model is in exactly one group")

    def test_pages_add_up(self):
        limits = self.client(ADMIN_KEY).organization.rate_limits
        whole = [entry.id for entry in limits.list()]
        self.wire.clear()
        self.assertEqual([entry.id for entry in limits.list(limit=2)], whole)
        self.assertEqual(len(self.wire), -(-len(whole) // 2))

    def test_filters(self):
        limits = self.client(ADMIN_KEY).organization.rate_limits
        (only,) = limits.list(model="claude-haiku-4-5-20251001")
        self.assertIn("claude-haiku-4-5", only.models)
        self.assertEqual({e.group.type for e in limits.list(group_type="batch")}, {"batch"})
        with self.assertRaises(anthropic.NotFoundError):
            limits.list(model="claude-nothing")
        with self.assertRaises(anthropic.BadRequestError):
            limits.list(page="stale")

    def test_the_old_version_still_has_group_type(self):
        old = self.client(ADMIN_KEY, default_headers={"anthropic-version": "2023-06-01"})
        entry = next(iter(old.organization.rate_limits.list()))
        self.assertEqual(entry.model_extra["group_type"], entry.group.type)

    def test_workspaces(self):
        workspaces = list(self.client(ADMIN_KEY).organization.workspaces.list())
        self.assertIn(WORKSPACE, [w.id for w in workspaces])

    def test_overrides_of_a_workspace(self):
        limits = self.client(ADMIN_KEY).organization.workspaces.rate_limits
        (entry,) = limits.list(WORKSPACE)
        self.assertEqual((entry.type, entry.workspace_id), ("workspace_rate_limit", WORKSPACE))
        values = {v.type: (v.value, v.org_limit, v.source.type) for v in entry.limits}
        self.assertEqual(
            values,
            {
                "requests_per_minute": (100, 5000, "workspace"),
                "output_tokens_per_minute": (20_000, 1_000_000, "workspace"),
            },
        )
        org = self.client(ADMIN_KEY).organization.rate_limits.list()
        self.assertIn(entry.rate_limit_id, [e.id for e in org])

    def test_inherited_values_are_marked(self):
        limits = self.client(ADMIN_KEY).organization.workspaces.rate_limits
        entries = list(limits.list(WORKSPACE, include_inherited=True))
        self.assertGreater(len(entries), 5)
        sources = {v.source.type for e in entries for v in e.limits}
        self.assertEqual(sources, {"workspace", "organization"})
        for value in (v for e in entries for v in e.limits if v.source.type == "organization"):
            self.assertEqual(value.value, value.org_limit)

    def test_the_workspaces_limit_is_what_headers_show(self):
        self.hello(self.client())
        headers = self.wire[0][2]
        self.assertEqual(headers["anthropic-ratelimit-requests-limit"], "100")
        self.assertEqual(headers["anthropic-ratelimit-output-tokens-limit"], "20000")

    def test_an_override_is_set_and_cleared(self):
        limits = self.client(ADMIN_KEY).organization.workspaces.rate_limits
        (entry,) = limits.list(WORKSPACE)

        def values(entry):
            return {v.type: v.value for v in entry.limits}

        def change(value):
            change = {"type": "requests_per_minute", "value": value}
            told = limits.update(entry.rate_limit_id, workspace_id=WORKSPACE, limits=[change])
            (listed,) = limits.list(WORKSPACE)
            self.assertEqual(values(told), values(listed))
            return values(told)

        before = values(entry)
        self.assertEqual(change(7), before | {"requests_per_minute": 7})
        self.hello(self.client())
        self.assertEqual(self.wire[-1][2]["anthropic-ratelimit-requests-limit"], "7")
        self.assertNotIn("requests_per_minute", change(None))
        self.assertEqual(change(before["requests_per_minute"]), before)

    def test_an_ordinary_key_reads_no_limits(self):
        with self.assertRaises((anthropic.AuthenticationError, anthropic.PermissionDeniedError)):
            self.client().organization.rate_limits.list()

    def test_admin_answers_carry_no_workspace_and_no_levels(self):
        self.client(ADMIN_KEY).organization.rate_limits.list()
        headers = self.wire[0][2]
        self.assertNotIn("anthropic-workspace-id", headers)
        self.assertEqual([n for n in headers if n.startswith("anthropic-ratelimit")], [])


class Guide(World):
    scenario = "guide"

    def test_these_tests_notice_an_answer_that_the_types_do_not_know(self):
        # The guide's samples have no `id`, the SDK's type requires one.
        with self.assertRaises(anthropic.APIResponseValidationError):
            self.client(ADMIN_KEY).organization.rate_limits.list()


if __name__ == "__main__":
    unittest.main()
