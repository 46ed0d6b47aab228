"""A simulator of one scenario, for as long as a test class lives, and clients that speak to it."""

import os
import pathlib
import subprocess
import threading
import time
import unittest

import anthropic
import httpx2

HERE = pathlib.Path(__file__).resolve().parent.parent
API_KEY = "sk-ant-api03-ratetop-sim"
ADMIN_KEY = "sk-ant-admin01-ratetop-sim"

# A proxy of the machine must not see the loopback address, nor a variable choose another key.
for name in list(os.environ):
    if name.lower().endswith("_proxy") or name.startswith("ANTHROPIC_"):
        del os.environ[name]


class World(unittest.TestCase):
    """`scenario` names a file of `scenarios/`."""

    scenario = "plain"

    @classmethod
    def setUpClass(cls):
        path = HERE / "scenarios" / f"{cls.scenario}.toml"
        cls.simulator = subprocess.Popen(
            [os.environ["RATETOP"], "sim", "--listen", "127.0.0.1:0", "--scenario", str(path), "--seed", "7"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        cls.log = []
        cls.listener = threading.Thread(target=lambda: cls.log.extend(cls.simulator.stderr), daemon=True)
        cls.listener.start()
        line = cls.simulator.stdout.readline().strip()
        if not line.startswith("listening on http://"):
            raise RuntimeError(f"the simulator said {line!r}\n{''.join(cls.log)}")
        cls.url = line.removeprefix("listening on ")

    @classmethod
    def tearDownClass(cls):
        cls.simulator.terminate()
        rest = cls.simulator.stdout.read()
        cls.simulator.wait(timeout=10)
        cls.listener.join(timeout=10)
        cls.simulator.stdout.close()
        cls.simulator.stderr.close()
        assert rest == "", f"more than one line on stdout: {rest!r}"
        assert cls.simulator.returncode == 0, f"SIGTERM ended the simulator with {cls.simulator.returncode}"

    def setUp(self):
        # What went over the wire: (seconds, status, headers) of each response.
        self.wire = []

    def client(self, key=API_KEY, **options):
        """A client that checks every answer against the SDK's own types."""
        options.setdefault("max_retries", 0)
        http = anthropic.DefaultHttpxClient(
            trust_env=False,
            event_hooks={"response": [lambda r: self.wire.append((time.monotonic(), r.status_code, r.headers))]},
        )
        client = anthropic.Anthropic(
            api_key=key, base_url=self.url, http_client=http, _strict_response_validation=True, **options
        )
        self.addCleanup(client.close)
        return client

    def raw(self, method, path, **options):
        """Without the SDK."""
        with httpx2.Client(base_url=self.url, trust_env=False) as http:
            return http.request(method, path, **options)

    def hello(self, client, model="claude-haiku-4-5", **more):
        more.setdefault("max_tokens", 64)
        more.setdefault("messages", [{"role": "user", "content": "Say hello."}])
        return client.messages.create(model=model, **more)
