"""Message batches of the simulator, as the Python SDK reads them."""

import time
import unittest

import anthropic

from world import World

HAIKU = "claude-haiku-4-5"


def request(name, model=HAIKU, **more):
    params = {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]}
    return {"custom_id": name, "params": {**params, **more}}


class Batched(World):
    def setUp(self):
        super().setUp()
        self.batches = self.client().messages.batches

    def tearDown(self):
        for batch in self.batches.list():
            if batch.processing_status == "in_progress":
                self.batches.cancel(batch.id)

    def until_ended(self, batch):
        deadline = time.monotonic() + 20
        while batch.processing_status != "ended":
            self.assertLess(time.monotonic(), deadline)
            # As it is meant to be used: polled.
            time.sleep(0.1)
            batch = self.batches.retrieve(batch.id)
        return batch

    def counts(self, batch):
        return {name: n for name, n in batch.request_counts.model_dump().items() if n}


class Batches(Batched):
    scenario = "batches"

    def test_from_creation_to_deletion(self):
        wanted = [request("a"), request("b", model="claude-none"), request("c"), request("d", max_tokens=0)]
        batch = self.batches.create(requests=wanted)
        self.assertEqual((batch.type, batch.processing_status), ("message_batch", "in_progress"))
        self.assertEqual(self.counts(batch), {"processing": 4})
        self.assertIsNone(batch.results_url)
        self.assertIsNone(batch.ended_at)
        # A day, by a clock that goes 600 times as fast.
        self.assertAlmostEqual((batch.expires_at - batch.created_at).total_seconds(), 144, delta=1)
        with self.assertRaises(anthropic.AnthropicError):
            self.batches.results(batch.id)
        with self.assertRaises(anthropic.BadRequestError):
            self.batches.delete(batch.id)
        self.assertIn(batch.id, [it.id for it in self.batches.list(limit=1)])

        ended = self.until_ended(batch)
        self.assertEqual(self.counts(ended), {"succeeded": 2, "errored": 2})
        self.assertTrue(ended.created_at < ended.ended_at <= ended.expires_at)
        results = {line.custom_id: line.result for line in self.batches.results(batch.id)}
        kinds = {name: result.type for name, result in results.items()}
        self.assertEqual(kinds, {"a": "succeeded", "b": "errored", "c": "succeeded", "d": "errored"})
        message = results["a"].message
        self.assertEqual((message.model, message.usage.service_tier), (HAIKU, "batch"))
        self.assertTrue(20 <= message.usage.output_tokens <= 40 and message.content[0].text)
        self.assertNotEqual(message.id, results["c"].message.id)
        self.assertEqual(results["b"].error.error.type, "not_found_error")
        self.assertEqual(results["d"].error.error.type, "invalid_request_error")
        again = {line.custom_id: line.result for line in self.batches.results(batch.id)}
        self.assertEqual(again, results)

        with self.assertRaises(anthropic.BadRequestError):
            self.batches.cancel(batch.id)
        self.assertEqual(self.batches.delete(batch.id).type, "message_batch_deleted")
        with self.assertRaises(anthropic.NotFoundError):
            self.batches.retrieve(batch.id)

    def test_a_cancelled_batch_ends_early(self):
        batch = self.batches.create(requests=[request(name) for name in "abcd"])
        cancelled = self.batches.cancel(batch.id)
        self.assertEqual(cancelled.processing_status, "canceling")
        self.assertIsNotNone(cancelled.cancel_initiated_at)
        ended = self.until_ended(cancelled)
        self.assertGreater(ended.request_counts.canceled, 0)
        kinds = {line.result.type for line in self.batches.results(batch.id)}
        self.assertIn("canceled", kinds)

    def test_a_full_queue_refuses_and_empties(self):
        first = self.batches.create(requests=[request(name) for name in "abc"])
        with self.assertRaises(anthropic.RateLimitError) as caught:
            self.batches.create(requests=[request(name) for name in "abc"])
        self.assertIn("enqueued batch requests", caught.exception.api_message)
        self.until_ended(first)
        self.until_ended(self.batches.create(requests=[request(name) for name in "abcde"]))

    def test_what_is_no_batch_is_a_bad_request(self):
        for wanted in ([], [request("a"), request("a")], [request("not this")]):
            with self.assertRaises(anthropic.BadRequestError):
                self.batches.create(requests=wanted)


class Expire(Batched):
    scenario = "batches-expire"

    def test_what_takes_longer_than_a_day_expires(self):
        ended = self.until_ended(self.batches.create(requests=[request(name) for name in "abcd"]))
        self.assertEqual(self.counts(ended), {"succeeded": 2, "expired": 2})
        kinds = sorted(line.result.type for line in self.batches.results(ended.id))
        self.assertEqual(kinds, ["expired", "expired", "succeeded", "succeeded"])


del Batched

if __name__ == "__main__":
    unittest.main()
