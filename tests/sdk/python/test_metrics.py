"""`ratetop tap --metrics`, read by Prometheus' own parsers: what it counts is what the SDK's client counted."""

import json
import os
import subprocess
import threading
import unittest

import anthropic
import httpx2
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as prometheus
from world import API_KEY, World

SECRETS = [API_KEY, "sk-ant", "Say hello", "planted"]


class Tap:
    """A tap with metrics in front of `upstream`."""

    def __init__(self, upstream):
        arguments = ["tap", "--listen", "127.0.0.1:0", "--admin", "off", "--metrics", "127.0.0.1:0", "--json"]
        self.process = subprocess.Popen(
            [os.environ["RATETOP"], *arguments, "--upstream", upstream],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.listener = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.listener.start()
        said = json.loads(self.process.stdout.readline())
        self.url, self.metrics = said["url"], said["metrics_url"]

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.listener.join(timeout=10)
        self.process.stdout.close()
        self.process.stderr.close()

    def page(self, accept):
        with httpx2.Client(base_url=self.metrics, trust_env=False) as http:
            return http.get("/metrics", headers={"accept": accept})


@unittest.skipIf("RATETOP_SDK_TAP" in os.environ, "has a tap of its own")
class Metrics(World):
    scenario = "limited"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tap = Tap(cls.url)
        cls.url = cls.tap.url

    @classmethod
    def tearDownClass(cls):
        cls.tap.end()
        super().tearDownClass()

    def families(self):
        """By name, of both formats, which must say the same."""
        pages = [self.tap.page("text/plain"), self.tap.page("application/openmetrics-text; version=1.0.0")]
        for page in pages:
            for secret in SECRETS:
                self.assertNotIn(secret, page.text)
        self.assertTrue(pages[0].headers["content-type"].startswith("text/plain; version=0.0.4"))
        self.assertTrue(pages[1].headers["content-type"].startswith("application/openmetrics-text; version=1.0.0"))
        old = {family.name: family for family in prometheus.text_string_to_metric_families(pages[0].text)}
        # This one is strict: order, suffixes, units, buckets, the end.
        new = {family.name: family for family in openmetrics.text_string_to_metric_families(pages[1].text)}
        counts = {name for name, family in new.items() if family.type in ("counter", "histogram")}
        for name in counts:
            self.assertEqual(old[name].type, new[name].type, name)
            self.assertEqual(old[name].samples, new[name].samples, name)
        self.assertEqual({name for name in old if old[name].type in ("counter", "histogram")}, counts)
        return new

    def test_a_scraper_reads_what_the_client_saw(self):
        haiku, opus = "claude-haiku-4-5", "claude-opus-5-5"
        usage = []
        for model in [haiku, opus]:
            # Its bucket is empty: refused, and served when it has waited.
            client = self.client(max_retries=2)
            message = self.hello(client, model=model)
            usage.append((model, message.usage))
        # What the call before has left may not do for this one: it waits too.
        with self.client(max_retries=2).messages.stream(
            model=opus, max_tokens=64, messages=[{"role": "user", "content": "planted"}]
        ) as stream:
            usage.append((opus, stream.get_final_message().usage))
        with self.assertRaises(anthropic.NotFoundError):
            self.hello(self.client(), model="claude-planned-not")
        statuses = [status for _, status, _ in self.wire]
        refused = statuses.count(429)
        self.assertGreaterEqual(refused, 2)

        families = self.families()

        def total(name, sample=None, **labels):
            sample = sample or f"{name}_total"
            wanted = labels.items()
            found = [s.value for s in families[name].samples if s.name == sample and wanted <= s.labels.items()]
            return sum(found)

        self.assertEqual(total("ratetop_model_requests"), len(self.wire))
        self.assertEqual(total("ratetop_client_requests"), len(self.wire))
        for status in set(statuses):
            self.assertEqual(total("ratetop_model_responses", code=str(status)), statuses.count(status))
        self.assertEqual(total("ratetop_model_ended", outcome="whole"), statuses.count(200))
        self.assertEqual(total("ratetop_model_ended", outcome="refused"), len(statuses) - statuses.count(200))
        self.assertEqual(total("ratetop_model_retries"), refused)
        self.assertEqual(total("ratetop_model_logical_calls"), 4)
        for model in [haiku, opus]:
            for kind, field in [("input", "input_tokens"), ("output", "output_tokens")]:
                own = sum(getattr(each, field) for name, each in usage if name == model)
                self.assertEqual(total("ratetop_model_tokens", model=model, kind=kind), own)
        count = "ratetop_model_first_byte_seconds"
        self.assertEqual(total(count, f"{count}_count"), statuses.count(200))
        count = "ratetop_model_first_token_seconds"
        self.assertEqual(total(count, f"{count}_count", model=opus), 1)
        self.assertEqual(families[count].unit, "seconds")
        # What is left is what the last head said, as far as the bucket has refilled since.
        left = [s for s in families["ratetop_remaining"].samples if s.labels["limiter"] == "requests_per_minute"]
        organization = self.wire[0][2]["anthropic-organization-id"]
        self.assertTrue(left)
        for sample in left:
            self.assertEqual(sample.labels["organization"], organization)
        for family in families.values():
            self.assertTrue(family.documentation, family.name)


if __name__ == "__main__":
    unittest.main()
