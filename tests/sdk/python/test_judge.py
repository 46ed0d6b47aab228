"""A judge that is not ours: what llmock finds of the SDK's behaviour is the same through a tap, alone and beside
the screen. It speaks HTTP/1.1 only, so a tap with HTTP/2 upstream cannot stand before it."""

import os
import unittest

import anthropic
from judge import Judge
from world import Server, tap_before

STREAM = {"stream": True}


def fail(status, times=1, **more):
    return {"type": "fail", "status": status, "times": times, **more}


def fault(kind):
    return {"type": "stream_fault", "kind": kind, "after_chunks": 2}


# What happens, and what the client does then: whether it streams, how often it retries.
PLAYS = {
    "nothing": ([], {}, 2),
    "a hint": ([fail(429, retry_after=1)], {}, 2),
    "hints until it gives up": ([fail(429, times=3, retry_after=0.2)], {}, 2),
    "no hint": ([fail(503, times=2)], {}, 2),
    "overloaded": ([fail(529)], STREAM, 2),
    "no retry helps": ([fail(400)], {}, 2),
    "gives up at once": ([fail(500)], {}, 0),
    "cut off": ([fault("disconnect")], STREAM, 2),
    "ends early": ([fault("truncate")], STREAM, 2),
    "an event that is no JSON": ([fault("malformed")], STREAM, 2),
}


@unittest.skipIf("RATETOP_SDK_TAP" in os.environ, "has a tap of its own")
class Judged(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.judge = Judge()
        cls.url, cls.http = cls.judge.url, cls.judge.http
        cls.taps = {kind: tap_before(f"{cls.url}/anthropic", kind)[0] for kind in ("alone", "screen")}

    @classmethod
    def tearDownClass(cls):
        for tap in cls.taps.values():
            tap.end()
        cls.judge.end()

    def verdict(self, base, behaviors, ask, retries):
        """What the client came to, and what is said of it."""
        self.http.post("/_llmock/reset").raise_for_status()
        if behaviors:
            self.http.post("/_llmock/scenario", json={"behaviors": behaviors}).raise_for_status()
        http = anthropic.DefaultHttpxClient(trust_env=False)
        ended = "well"
        with anthropic.Anthropic(api_key="sk-ant-api03-x", base_url=base, http_client=http, max_retries=retries) as client:
            try:
                messages = [{"role": "user", "content": "Say hello."}]
                answer = client.messages.create(model="claude-haiku-4-5", max_tokens=64, messages=messages, **ask)
                if ask:
                    for _ in answer:
                        pass
            except Exception as error:  # the kind of failure is what is compared
                ended = type(error).__name__
        said = self.http.get("/_llmock/verdict").raise_for_status().json()
        findings = [(it["severity"], it["code"], it["call"], it["requests"], it["path"]) for it in said["findings"]]
        counts = {name: said[name] for name in ("passed", "calls", "attempts", "faults_injected", "errors", "warnings")}
        return ended, counts, findings

    def test_its_verdict_is_the_same_with_and_without_the_tap(self):
        found = set()
        for name, (behaviors, ask, retries) in PLAYS.items():
            with self.subTest(name):
                direct = self.verdict(f"{self.url}/anthropic", behaviors, ask, retries)
                for kind, tap in self.taps.items():
                    self.assertEqual(direct, self.verdict(tap.url, behaviors, ask, retries), kind)
                # Each play was played.
                self.assertEqual(direct[1]["faults_injected"], sum(it.get("times", 1) for it in behaviors))
                found.update(code for _, code, *_ in direct[2])
        # The judge does find something.
        self.assertTrue(found)


if __name__ == "__main__":
    unittest.main()
