"""`ratetop tap --chaos`: the SDK makes of trouble on purpose what it makes of the API's own."""

import pathlib
import tempfile
import unittest

import anthropic
import httpx2
from world import Server, World


class Chaos(World):
    """`trouble` befalls every call."""

    trouble = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.directory = tempfile.TemporaryDirectory()
        plan = pathlib.Path(cls.directory.name) / "planned.toml"
        plan.write_text(f'about = "A test."\n[[troubles]]\nshare = 1\n{cls.trouble}', encoding="utf-8")
        if len(cls.servers) > 1:
            cls.servers.pop(0).end()
        cls.servers.insert(0, Server("tap", "--admin", "off", "--upstream", cls.servers[-1].url, "--chaos", str(plan)))
        cls.url = cls.servers[0].url

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.directory.cleanup()


class Storm(Chaos):
    trouble = """
kind = "refuse"
status = 429
retry_after_s = 1
error = "rate_limit_error"
message = "This request would exceed your organization's rate limit of 8,000 output tokens per minute"
"""

    def test_it_is_a_rate_limit_error_and_its_wait_is_obeyed(self):
        with self.assertRaises(anthropic.RateLimitError) as caught:
            self.hello(self.client(max_retries=1))
        error = caught.exception
        self.assertEqual((error.type, error.status_code), ("rate_limit_error", 429))
        self.assertEqual(error.request_id, error.response.headers["request-id"])
        self.assertEqual(error.body["request_id"], error.request_id)
        self.assertEqual(error.response.headers["x-ratetop-chaos"], "planned")
        (first, status, _), (again, _, _) = self.wire
        self.assertEqual(status, 429)
        self.assertGreaterEqual(again - first, 1)


class Overloaded(Chaos):
    trouble = 'kind = "refuse"\nstatus = 529\nerror = "overloaded_error"\nmessage = "Overloaded"\n'

    def test_it_is_the_overload_of_the_api(self):
        with self.assertRaises(anthropic.APIStatusError) as caught:
            self.hello(self.client())
        error = caught.exception
        self.assertEqual((error.type, error.status_code), ("overloaded_error", 529))
        self.assertNotIn("retry-after", error.response.headers)


class ErrorAfter200(Chaos):
    trouble = """
kind = "error-event"
after_events = 3
error = "overloaded_error"
message = "Overloaded"
"""

    def test_the_stream_raises_with_a_200(self):
        messages = [{"role": "user", "content": "Say hello."}]
        with self.assertRaises(anthropic.APIStatusError) as caught:
            with self.client().messages.stream(
                model="claude-haiku-4-5", max_tokens=64, messages=messages
            ) as stream:
                for _ in stream:
                    pass
        self.assertEqual((caught.exception.type, caught.exception.status_code), ("overloaded_error", 200))
        self.assertEqual(self.wire[0][2]["x-ratetop-chaos"], "planned")


class CutStream(Chaos):
    trouble = 'kind = "cut"\nafter_events = 3\n'

    def test_the_connection_breaks(self):
        messages = [{"role": "user", "content": "Say hello."}]
        with self.assertRaises((httpx2.TransportError, anthropic.APIConnectionError)):
            with self.client().messages.stream(
                model="claude-haiku-4-5", max_tokens=64, messages=messages
            ) as stream:
                for _ in stream:
                    pass


if __name__ == "__main__":
    unittest.main()
