"""Refusals and faults: which exception the SDK makes of each, and whether it waits as asked."""

import time
import unittest

import anthropic
import httpx2
from world import World


class Limited(World):
    scenario = "limited"

    def test_requests_per_minute_then_the_wait_is_obeyed(self):
        with self.assertRaises(anthropic.RateLimitError) as caught:
            self.hello(self.client())
        error = caught.exception
        self.assertEqual((error.type, error.error_code), ("rate_limit_error", None))
        self.assertIn("requests per minute", error.api_message)
        self.assertIn("claude-haiku-4-5", error.api_message)
        asked = int(error.response.headers["retry-after"])
        self.assertTrue(1 <= asked <= 3, asked)

        self.wire.clear()
        began = time.monotonic()
        answer = self.hello(self.client(max_retries=2))
        waited = time.monotonic() - began
        self.assertTrue(answer.content)
        self.assertEqual([status for _, status, _ in self.wire], [429, 200])
        (refused_at, _, headers), (answered_at, _, _) = self.wire
        asked = int(headers["retry-after"])
        self.assertGreaterEqual(answered_at - refused_at, asked)
        self.assertLess(waited, asked + 2)

    def test_output_and_input_tokens_are_named(self):
        for model, words in {
            "claude-sonnet-5-5": "output tokens per minute",
            "claude-opus-5-5": "input tokens per minute",
        }.items():
            with self.assertRaises(anthropic.RateLimitError) as caught:
                self.hello(self.client(), model=model)
            self.assertIn(words, caught.exception.api_message)
            headers = caught.exception.response.headers
            self.assertGreaterEqual(int(headers["retry-after"]), 1)
            family = words.split()[0] + "-tokens"
            self.assertEqual(headers[f"anthropic-ratelimit-{family}-remaining"], "0")


class Ramp(World):
    scenario = "ramp"

    def test_growth_has_a_code_and_a_wait(self):
        long = [{"role": "user", "content": "again and again " * 100}]
        with self.assertRaises(anthropic.RateLimitError) as caught:
            self.hello(self.client(), messages=long)
        error = caught.exception
        self.assertEqual(error.error_code, "ramp_limit_exceeded")
        self.assertEqual(error.details.error_code, "ramp_limit_exceeded")
        self.assertTrue(1 <= int(error.response.headers["retry-after"]) <= 60)


class SpendTier(World):
    scenario = "spend-tier"
    code = "enforced_spend_limit_reached"

    def test_code_and_no_wait(self):
        with self.assertRaises(anthropic.RateLimitError) as caught:
            self.hello(self.client())
        self.assertEqual(caught.exception.error_code, self.code)
        self.assertNotIn("retry-after", caught.exception.response.headers)


class SpendContract(SpendTier):
    scenario = "spend-contract"
    code = "contract_spend_limit_reached"


class SpendOwn(World):
    scenario = "spend-own"

    def test_an_own_limit_is_a_bad_request(self):
        with self.assertRaises(anthropic.BadRequestError) as caught:
            self.hello(self.client())
        self.assertIn("API usage limits", caught.exception.api_message)


class SpendOwnWorkspace(SpendOwn):
    scenario = "spend-own-workspace"


class NoRetry(World):
    scenario = "no-retry"

    def test_x_should_retry_false_stops_the_sdk(self):
        with self.assertRaises(anthropic.OverloadedError):
            self.hello(self.client(max_retries=2))
        self.assertEqual(len(self.wire), 1)


class Faults(World):
    scenario = "faults"

    def fails(self, kind, model, **more):
        with self.assertRaises(kind) as caught:
            self.hello(self.client(), model=model, **more)
        return caught.exception

    def test_statuses_become_their_exceptions(self):
        for kind, model, status, name in (
            (anthropic.OverloadedError, "claude-opus-4-8", 529, "overloaded_error"),
            (anthropic.InternalServerError, "claude-opus-4-7", 500, "api_error"),
            (anthropic.InternalServerError, "claude-opus-4-6", 504, "timeout_error"),
            (anthropic.ConflictError, "claude-sonnet-5", 409, "conflict_error"),
            (anthropic.RateLimitError, "claude-sonnet-4-6", 429, "rate_limit_error"),
        ):
            error = self.fails(kind, model)
            self.assertEqual((error.status_code, error.type), (status, name))
            self.assertTrue(error.request_id.startswith("req_"))
            self.assertNotIn("retry-after", error.response.headers, name)

    def test_an_error_in_the_stream_is_raised_with_status_200(self):
        with self.assertRaises(anthropic.APIStatusError) as caught:
            with self.client().messages.stream(
                model="claude-haiku-4-5", max_tokens=64, messages=[{"role": "user", "content": "Hi"}]
            ) as stream:
                seen = [event.type for event in stream]
        error = caught.exception
        self.assertEqual((error.status_code, error.type), (200, "overloaded_error"))

    def test_the_sdk_does_not_retry_such_a_stream(self):
        client = self.client(max_retries=2)
        with self.assertRaises(anthropic.APIStatusError):
            list(self.hello(client, stream=True))
        self.assertEqual(len(self.wire), 1)

    def test_a_cut_stream_is_an_error(self):
        events = self.hello(self.client(), model="claude-haiku-5-5", stream=True)
        with self.assertRaises((anthropic.APIConnectionError, httpx2.TransportError)):
            list(events)

    def test_a_stream_may_end_without_message_stop(self):
        kinds = [event.type for event in self.hello(self.client(), model="claude-sonnet-5-5", stream=True)]
        self.assertEqual(kinds[0], "message_start")
        self.assertIn("content_block_delta", kinds)
        self.assertNotIn("message_stop", kinds)

    def test_pause_turn_is_continued_with_the_content_unchanged(self):
        client = self.client()
        ask = [{"role": "user", "content": "Look it up."}]
        first = self.hello(client, model="claude-opus-5-5", messages=ask)
        self.assertEqual(first.stop_reason, "pause_turn")
        ask.append({"role": "assistant", "content": first.content})
        self.assertEqual(self.hello(client, model="claude-opus-5-5", messages=ask).stop_reason, "end_turn")

    def test_a_refusal_is_a_200(self):
        self.assertEqual(self.hello(self.client(), model="claude-opus-5").stop_reason, "refusal")


if __name__ == "__main__":
    unittest.main()
