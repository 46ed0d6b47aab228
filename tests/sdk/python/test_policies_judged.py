"""A judge that is not ours: what llmock finds of `ratetop call` under each of its policies."""

import http.server
import json
import os
import subprocess
import tempfile
import threading
import unittest

import httpx2
from judge import Judge
import world  # takes proxies and keys of the machine away

HINT_S = 3
#: The guide's waits are 4 to 6 s, so only a longer hint shows that it ignores it.
LONG_HINT_S = 8

#: What the judge is to find, an error unless it is `gave_up`, and the requests that the call takes.
EXPECTED = {
    "hint-jitter": (set(), 2),
    "retry-after": (set(), 2),
    "sdk": (set(), 2),
    "sdk-classic": (set(), 2),
    "none": ({"gave_up"}, 1),
    "exponential-jitter": ({"retry_after_ignored"}, 2),
    "exponential": ({"retry_after_ignored"}, 2),
    "full-jitter": ({"retry_after_ignored"}, 2),
    "equal-jitter": ({"retry_after_ignored"}, 2),
    "decorrelated-jitter": ({"retry_after_ignored"}, 2),
    "immediate": ({"retry_after_ignored"}, 2),
}


class Front(http.server.BaseHTTPRequestHandler):
    """Passes calls to the judge. Says that it is a simulator where `immediate` wants one; that question is
    not the judge's to answer."""

    upstream = ""
    free = False

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "content-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/_ratetop/simulator" and self.free:
            self.answer(200, [], json.dumps({"program": "ratetop", "what": "simulator"}).encode())
        else:
            self.answer(404, [], b"{}")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name: self.headers[name] for name in ("x-api-key", "anthropic-version", "content-type") if name in self.headers}
        with httpx2.Client(trust_env=False) as client:
            got = client.post(self.upstream + self.path, content=body, headers=headers)
        self.answer(got.status_code, got.headers.multi_items(), got.content)

    def log_message(self, *_):
        pass


@unittest.skipIf("RATETOP_SDK_TAP" in os.environ, "no SDK and no tap takes part")
class PoliciesJudged(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.judge = Judge()
        cls.url, cls.http = cls.judge.url, cls.judge.http
        Front.upstream = f"{cls.url}/anthropic"
        cls.relay = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
        threading.Thread(target=cls.relay.serve_forever, daemon=True).start()
        cls.home = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.relay.shutdown()
        cls.relay.server_close()
        cls.judge.end()
        cls.home.cleanup()

    def judged(self, policy, hint_s):
        """What the judge says of a call that is refused once with that hint, and what we say of it."""
        self.http.post("/_llmock/reset").raise_for_status()
        refused = {"type": "fail", "status": 429, "times": 1, "retry_after": hint_s}
        self.http.post("/_llmock/scenario", json={"behaviors": [refused]}).raise_for_status()
        Front.free = policy == "immediate"
        env = {
            "HOME": self.home.name,
            "PATH": os.environ["PATH"],
            "ANTHROPIC_API_KEY": "sk-ant-api03-x",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.relay.server_port}",
        }
        line = f"call --json --no-stream --model claude-haiku-4-5 --max-tokens 64 --policy {policy}"
        done = subprocess.run(
            [os.environ["RATETOP"], *line.split()], env=env, capture_output=True, text=True, timeout=60
        )
        self.assertTrue(done.stdout, done.stderr)
        said = self.http.get("/_llmock/verdict").raise_for_status().json()
        return said, json.loads(done.stdout), done.returncode

    def test_the_recommended_policies_pass_and_those_that_ignore_the_hint_fail(self):
        listed = subprocess.run([os.environ["RATETOP"], "call", "--help"], capture_output=True, text=True, check=True)
        for policy in EXPECTED:
            self.assertIn(policy, listed.stdout)
        for policy, (codes, requests) in EXPECTED.items():
            with self.subTest(policy):
                hint_s = LONG_HINT_S if policy == "exponential-jitter" else HINT_S
                said, told, code = self.judged(policy, hint_s)
                found = {it["code"] for it in said["findings"]}
                self.assertEqual(found, codes)
                self.assertEqual(said["passed"], codes <= {"gave_up"})
                self.assertEqual((said["calls"], said["attempts"], said["faults_injected"]), (1, requests, 1))
                self.assertEqual(code, 1 if policy == "none" else 0)
                # Our own report counts the same.
                early = told["totals"]["early_retries"]
                self.assertEqual(early, 1 if "retry_after_ignored" in codes else 0)
                self.assertEqual(told["totals"]["wire"], requests)
                self.assertEqual(told["calls"][0]["attempts"][0]["asked_s"], hint_s)


if __name__ == "__main__":
    unittest.main()
