"""`ratetop call --as-code`: every policy for every target, run, and its waits measured.

Twice: with a sleep that only writes down what it is asked for (exact bounds, every attempt), and on the
wire against a scripted server (the first waits, as they pass).
"""

import concurrent.futures
import itertools
import json
import os
import re
import shlex
import subprocess
import tempfile
import threading
import unittest
import unittest.mock

import anthropic

from policies import POLICIES, STATUSES
from stub import HERE, Stub, fine, refusal

#: What a loaded machine may add to a wait on the wire, seconds. It never takes away.
LATE = 2.5
SIMULATOR = "http://127.0.0.1:4787"
REQUEST = {
    "model": "claude-haiku-4-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Say hello."}],
}
#: Those whose Python is not the SDK's own retries.
LOOPS = [name for name in POLICIES if name not in ("none", "sdk", "sdk-classic")]


def ratetop(*args, **environment):
    with tempfile.TemporaryDirectory() as home:
        places = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home}
        return subprocess.run(
            [os.environ["RATETOP"], *args],
            env={"PATH": os.environ["PATH"], **places, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )


_texts = {}


def code(policy, target, *more):
    key = (policy, target, *more)
    if key not in _texts:
        ended = ratetop("call", "--policy", policy, "--as-code", target, *more)
        assert ended.returncode == 0 and ended.stderr == "", ended
        _texts[key] = ended.stdout
    return _texts[key]


def load(text, url):
    """The snippet's names, its client speaking to `url`."""
    names = {}
    with unittest.mock.patch.dict(os.environ, {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-ant-x"}):
        exec(compile(text.replace(SIMULATOR, url), "<snippet>", "exec"), names)
    return names


def ended(error):
    """The status, or what kind of error has none."""
    return getattr(error, "status_code", type(error).__name__)


def send(names):
    """One call with the snippet's retries; how it ended."""
    create = names.get("create", names["client"].messages.create)
    try:
        create(**REQUEST)
    except anthropic.APIError as error:
        return ended(error)
    return 200


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)

    def monotonic(self):
        return 1_000.0 + sum(self.slept)

    def send(self, names, target):
        """One call in this time."""
        if target == "python":
            names["time"] = self
            return send(names)
        names["create"].retry.sleep = self.sleep
        with unittest.mock.patch("tenacity.time", self):
            return send(names)


class Node:
    """The process that runs TypeScript; answers come in any order."""

    def __init__(self):
        environment = {**os.environ, "ANTHROPIC_API_KEY": "sk-ant-x"}
        self.process = subprocess.Popen(
            ["node", str(HERE / "typescript" / "snippets.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.ids = itertools.count()
        self.waiting = {}
        self.lock = threading.Lock()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            self.waiting.pop(answer["id"]).set_result(answer["result"])

    def ask(self, **job):
        answer = concurrent.futures.Future()
        with self.lock:
            job["id"] = next(self.ids)
            self.waiting[job["id"]] = answer
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
        return answer.result(timeout=60)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.reader.join(timeout=10)
        self.process.stdout.close()


_loaded = {}


def setUpModule():
    global NODE, STUB, NOBODY
    NODE, STUB = Node(), Stub()
    with Stub() as closed:
        NOBODY = closed.url


def tearDownModule():
    for names in _loaded.values():
        names["client"].close()
    STUB.close()
    NODE.close()


def dry(policy, target, script, *more):
    """Runs a snippet without waiting; (waits, requests, how it ended). No script: nobody listens."""
    url = STUB.url if script else NOBODY
    STUB.play(*script)
    if target == "typescript":
        text = code(policy, target, *more)
        answer = NODE.ask(text=text, url=url, dry=True)
        return answer["slept"], len(STUB.seen), answer["status"]
    key = (policy, target, url, *more)
    if key not in _loaded:
        _loaded[key] = load(code(policy, target, *more), url)
    clock = Clock()
    status = clock.send(_loaded[key], target)
    return clock.slept, len(STUB.seen), status


class Dry(unittest.TestCase):
    """Exact bounds, in no time."""

    #: The SDKs' rules are written out by tenacity only.
    cases = [*itertools.product(LOOPS, ("python", "typescript", "tenacity")), ("sdk", "tenacity"), ("sdk-classic", "tenacity")]

    def each(self, test, *names):
        """Runs a test for each snippet, or for those of some policies."""
        for name, target in self.cases:
            if not names or name in names:
                with self.subTest(policy=name, target=target):
                    test(POLICIES[name], target)

    def test_every_wait_is_one_that_the_policy_allows(self):
        def test(policy, target):
            hints = [3, None, 7, None, 90]
            firsts = []
            for _ in range(6):
                script = [refusal(429, **({} if hint is None else {"retry_after": hint})) for hint in hints]
                slept, requests, status = dry(policy.name, target, [*script, refusal(429)])
                last = spent = 0.0
                for retry, (wait, hint) in enumerate(zip(slept, hints)):
                    least, most = policy.bounds(retry, hint, last)
                    self.assertTrue(least - 1e-9 <= wait <= most + 1e-9, (retry, hint, wait, least, most))
                    last, spent = wait, spent + wait
                self.assertLessEqual(spent, policy.budget)
                if policy.budget > 120:
                    self.assertEqual(requests, policy.attempts)
                self.assertEqual(len(slept), requests - 1)
                self.assertEqual(status, 429)
                firsts.append(slept[0])
            least, most = policy.bounds(0, 3, 0.0)
            # A die that always shows the same is no die.
            self.assertEqual(len(set(firsts)) > 3, least < most, firsts)

        self.each(test)

    def test_it_stops_at_the_first_success(self):
        def test(_, target):
            slept, requests, status = dry("hint-jitter", target, [refusal(529), fine()])
            self.assertEqual((len(slept), requests, status), (1, 2, 200))

        self.each(test, "hint-jitter")

    def test_the_budget_ends_it_before_the_wait_that_would_pass_it(self):
        def test(policy, target):
            # Two waits of 45 to 56.25 s always fit 120 s, three never do.
            slept, requests, _ = dry("hint-jitter", target, [refusal(429, retry_after=45)])
            self.assertEqual((len(slept), requests), (2, 3))
            self.assertLessEqual(sum(slept), policy.budget)

        self.each(test, "hint-jitter")

    def test_only_its_own_statuses_are_retried(self):
        def test(policy, target):
            retried = {
                status for status in STATUSES if dry(policy.name, target, [refusal(status), fine()])[1] == 2
            }
            self.assertEqual(retried, set(policy.statuses))

        self.each(test)

    def test_a_spend_limit_is_retried_by_the_sdks_rules_only(self):
        def test(policy, target):
            for name in ("enforced_spend_limit_reached", "contract_spend_limit_reached"):
                _, requests, _ = dry(policy.name, target, [refusal(429, code=name), fine()])
                self.assertEqual(requests == 2, policy.spends)

        self.each(test)

    def test_connections_are_retried_where_the_policy_does(self):
        def test(policy, target):
            slept, _, how = dry(policy.name, target, [])
            self.assertEqual(how, "APIConnectionError")
            self.assertEqual(len(slept), policy.attempts - 1 if policy.connections else 0)

        self.each(test)

    def test_hints_come_in_three_forms(self):
        date = "Tue, 24 Nov 2026 12:00:00 GMT"
        later = "Tue, 24 Nov 2026 12:00:09 GMT"
        def test(policy, target):
            if not policy.obeys:
                return
            for asked, headers in (
                (2.5, {"retry_after_ms": 2500, "retry_after": 40}),
                (5.0, {"retry_after": 5}),
                (0.5, {"retry_after": "0.5"}),
                (9.0, {"retry_after": later, "date": date}),
                (None, {"retry_after": "soon"}),
            ):
                slept, _, _ = dry(policy.name, target, [refusal(429, **headers), fine()])
                least, most = policy.bounds(0, asked, 0.0)
                self.assertTrue(least - 1e-9 <= slept[0] <= most + 1e-9, (headers, slept))

        self.each(test)

    def test_x_should_retry_is_the_sdks_alone(self):
        def test(policy, target):
            stopped = dry(policy.name, target, [refusal(429, x_should_retry="false"), fine()])[1] == 1
            forced = dry(policy.name, target, [refusal(400, x_should_retry="true"), fine()])[1] == 2
            self.assertEqual((stopped, forced), (policy.spends, policy.spends))

        self.each(test)

    def test_bounds_around_a_policy_are_kept(self):
        more = ("--attempts", "4", "--deadline", "30s", "--max-wait", "8s")
        def test(policy, target):
            slept, requests, _ = dry(policy.name, target, [refusal(429, retry_after=1)], *more)
            self.assertLessEqual(max(slept), 8)
            self.assertLessEqual(sum(slept), 30)
            self.assertLessEqual(requests, 4)
            slept, requests, _ = dry(policy.name, target, [refusal(429, retry_after=9)], *more)
            # A hint above the longest wait is not waited at all by those that obey one.
            self.assertEqual(requests == 1, policy.obeys)

        self.each(test, *LOOPS)


#: What the server answers on the wire; waits are short but for the policies that know no short ones.
SCRIPTS = {
    "retry-after": [1, 1],
    "exponential-jitter": [1],
    "none": [],
    "immediate": [1, None, None, None],
}
WIRE = [1, None]


def script(name):
    return SCRIPTS.get(name, WIRE)


def answers(name):
    refused = [refusal(429, **({} if hint is None else {"retry_after": hint})) for hint in script(name)]
    return [*refused, fine()]


class Wire(unittest.TestCase):
    """What passes between two requests, as the server sees it. Everything at once: it is waiting."""

    @classmethod
    def setUpClass(cls):
        # The SDKs of before September 2026 are measured in `test_decisions.py`.
        names = [name for name in POLICIES if name != "sdk-classic"]
        targets = ("python", "typescript", "tenacity", "ratetop")
        cases = [*itertools.product(names, targets), ("sdk-classic", "tenacity"), ("sdk-classic", "ratetop")]
        # `ratetop call` refuses it towards an address that is no simulator.
        cases.remove(("immediate", "ratetop"))
        cls.stubs = {case: Stub(*answers(case[0])) for case in cases}
        for stub in cls.stubs.values():
            cls.addClassCleanup(stub.close)
        sends = [cls.sender(*case) for case in cases]
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
            cls.ends = dict(zip(cases, pool.map(lambda send: send(), sends)))

    @classmethod
    def sender(cls, name, target):
        """A function that makes the call and gives its status."""
        url = cls.stubs[name, target].url
        if target == "ratetop":
            place = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-ant-x"}
            args = ("call", "--policy", name, "--no-stream", "--json")
            return lambda: json.loads(ratetop(*args, **place).stdout)["calls"][0]["attempts"][-1]["status"]
        text = code(name, target)
        if target == "typescript":
            return lambda: NODE.ask(text=text, url=url, dry=False)["status"]
        names = load(text, url)
        cls.addClassCleanup(names["client"].close)
        return lambda: send(names)

    def test_every_wait_is_one_that_the_policy_allows(self):
        for (name, target), stub in self.stubs.items():
            with self.subTest(policy=name, target=target):
                self.assertEqual(self.ends[name, target], 200)
                self.check(name, stub.gaps, 0.002 if target == "typescript" else 0.0)

    def check(self, name, gaps, early):
        """`early`: Node's timers may fire a millisecond before their time."""
        last = 0.0
        self.assertEqual(len(gaps), len(script(name)), gaps)
        for retry, (gap, hint) in enumerate(zip(gaps, script(name))):
            least, most = POLICIES[name].bounds(retry, hint, last)
            self.assertGreaterEqual(gap, least - early, (retry, hint))
            self.assertLessEqual(gap, most + LATE, (retry, hint))
            # What it meant to wait is known from outside to be this at most.
            last = gap


class TypeScript(unittest.TestCase):
    def test_the_compiler_has_nothing_against_it(self):
        texts = [code(name, "typescript") for name in POLICIES]
        more = ("--attempts", "4", "--deadline", "30s", "--max-wait", "8s")
        texts += [code(name, "typescript", *more) for name in POLICIES]
        self.assertEqual(NODE.ask(check=texts), [])


class Curl(unittest.TestCase):
    def words(self, name, *more):
        text = code(name, "curl", *more)
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        words = shlex.split("\n".join(lines).replace("\\\n", " "))
        self.assertEqual(words[0], "curl")
        return text, words

    def option(self, words, name):
        return words[words.index(name) + 1] if name in words else None

    def test_its_options_are_the_policys_numbers(self):
        for policy in POLICIES.values():
            with self.subTest(policy=policy.name):
                _, words = self.words(policy.name)
                retries = policy.attempts - 1
                self.assertEqual(self.option(words, "--retry"), str(retries) if retries else None)
                fixed = "60" if policy.name == "retry-after" else None
                self.assertEqual(self.option(words, "--retry-delay"), fixed)
                budget = "120" if policy.name == "hint-jitter" else None
                self.assertEqual(self.option(words, "--retry-max-time"), budget)
                self.assertEqual("--retry-connrefused" in words, policy.connections)

    def test_what_curl_cannot_say_is_said(self):
        for policy in POLICIES.values():
            with self.subTest(policy=policy.name):
                said = [line.removeprefix("# - ") for line in code(policy.name, "curl").splitlines()]

                def has(start):
                    return any(line.startswith(start) for line in said)

                if policy.attempts == 1:
                    self.assertNotIn("cannot express", "".join(said))
                    continue
                self.assertEqual(has("ignoring the server's hint"), not policy.obeys)
                self.assertEqual(has("ignoring a hint above 60 s"), policy.name == "sdk-classic")
                jitters = any(least < most for least, most in (policy.bounds(2, h, 1.0) for h in (None, 4)))
                self.assertEqual(has("jitter"), jitters)
                self.assertEqual(has("its waits without a hint"), policy.name not in ("retry-after", "immediate"))
                self.assertEqual(has("a retry on"), 529 in policy.statuses)
                curls = {408, 429, 500, 502, 503, 504}
                extra = ", ".join(str(status) for status in sorted(curls - policy.statuses))
                self.assertEqual(has(f"leaving out {extra} ("), bool(extra))
                self.assertEqual(has("leaving out time-outs"), not policy.connections)
                self.assertEqual(has("giving up before a wait"), policy.budget < 1e9)

    def test_it_runs_and_waits_what_the_server_asks(self):
        jobs = {}
        for name in POLICIES:
            answers = [refusal(429, retry_after=2), fine()] if POLICIES[name].attempts > 1 else [fine()]
            stub = Stub(*answers)
            self.addCleanup(stub.close)
            text = re.sub(r"https?://[^/]+/v1", f"{stub.url}/v1", code(name, "curl"))
            run = ["sh", "-euc", text.replace("curl http", "curl --silent --noproxy '*' http")]
            environment = {**os.environ, "ANTHROPIC_API_KEY": "sk-ant-x"}
            jobs[name] = (stub, subprocess.Popen(run, stdout=subprocess.PIPE, env=environment))
        for name, (stub, process) in jobs.items():
            with self.subTest(policy=name):
                out, _ = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 0)
                self.assertIn(b'"type": "message"', out)
                for gap in stub.gaps:
                    self.assertTrue(2 <= gap <= 2 + LATE, gap)
                self.assertEqual(len(stub.gaps), min(1, POLICIES[name].attempts - 1))
                self.assertEqual({k.lower(): v for k, v in stub.seen[0].headers.items()}["anthropic-version"], "2023-06-01")


class Said(unittest.TestCase):
    def test_every_text_names_its_policy_and_its_rule(self):
        for name, target in itertools.product(POLICIES, ("python", "typescript", "tenacity", "curl")):
            head = code(name, target).splitlines()[0]
            self.assertRegex(head, rf"^(#|//) {name}: .+")

    def test_the_sdks_cannot_keep_bounds_of_a_call(self):
        for target in ("python", "typescript"):
            text = code("sdk", target, "--deadline", "30s", "--max-wait", "8s")
            self.assertIn("an end after 30 s in all", text)
            self.assertIn("no wait above 8 s", text)
            self.assertIn("Newer ones obey a hint above 60 s too", code("sdk-classic", target))

    def test_immediate_speaks_to_a_simulator_only(self):
        for target in ("python", "typescript", "tenacity", "curl"):
            text = code("immediate", target)
            self.assertIn(SIMULATOR, text)
            self.assertNotIn("api.anthropic.com", text)


# Through a tap nothing of this is another thing.
if os.environ.get("RATETOP_SDK_TAP"):
    del Dry, Wire, TypeScript, Curl, Said, setUpModule, tearDownModule

if __name__ == "__main__":
    unittest.main()
