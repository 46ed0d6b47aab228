"""A simulator of one scenario, for as long as a test class lives, and clients that speak to it."""

import os
import pathlib
import subprocess
import sys
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


class Server:
    """`ratetop sim` or `ratetop tap` on a free port, or what a whole command starts."""

    def __init__(self, *args, command=None):
        self.name = args[0]
        self.process = subprocess.Popen(
            command or [os.environ["RATETOP"], *args, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log = []
        self.listener = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self.listener.start()
        line = self.process.stdout.readline().strip()
        if not line.startswith("listening on http://"):
            raise RuntimeError(f"{self.name} said {line!r}\n{''.join(self.log)}")
        self.url = line.removeprefix("listening on ")

    def end(self):
        self.process.terminate()
        rest = self.process.stdout.read()
        # A tap waits for answers that are still on their way, for ten seconds at most.
        self.process.wait(timeout=20)
        self.listener.join(timeout=10)
        self.process.stdout.close()
        self.process.stderr.close()
        assert rest == "", f"more than one line on stdout: {rest!r}"
        assert self.process.returncode == 0, f"SIGTERM ended {self.name} with {self.process.returncode}"


def tap_before(upstream, kind):
    """A tap of a kind: `alone`, `http2` or `screen`; none for None."""
    alone = ("tap", "--admin", "off", "--upstream", upstream)
    taps = {
        None: lambda: [],
        "alone": lambda: [Server(*alone)],
        "http2": lambda: [Server(*alone, "--http2")],
        "screen": lambda: [Server("screen", command=[sys.executable, str(HERE / "screen.py"), upstream])],
    }
    return taps[kind]()


class World(unittest.TestCase):
    """`scenario` names a file of `scenarios/`. With RATETOP_SDK_TAP a tap stands before the simulator."""

    scenario = "plain"

    @classmethod
    def setUpClass(cls):
        path = HERE / "scenarios" / f"{cls.scenario}.toml"
        sim = Server("sim", "--scenario", str(path), "--seed", "7")
        cls.servers = [*tap_before(sim.url, os.environ.get("RATETOP_SDK_TAP")), sim]
        cls.url = cls.servers[0].url

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.end()

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
