"""What the installed Python SDK does after each answer of `cases()`: one JSON object on stdout.

For each case `"stop"`, `"backoff"` (the SDK's own wait of 0.375 to 0.5 s), or the seconds that it waits.
Every request goes over the wire to a server of this process. Waits of up to a second are waited, and
held against the moments at which the server saw the requests; of longer ones the SDK's sleep is read.
"""

import concurrent.futures
import email.utils
import itertools
import json
import threading
import time

import anthropic

from stub import Stub, fine, refusal

#: Longer waits are read, not waited, seconds.
PATIENCE = 1.0
STATUSES = (400, 401, 402, 403, 404, 408, 409, 410, 413, 418, 422, 429, 500, 502, 503, 504, 520, 529)
#: `+N` stands for the date N seconds from then.
EVERYWHERE = (
    {},
    {"retry-after": "1"},
    {"retry-after": "75"},
    {"x-should-retry": "true"},
    {"x-should-retry": "false"},
)
HINTS = ("0", "-1", "0.4", "0.9", "1", "2", "7.5", "17", "59", "60", "60.5", "61", "120", "3600", "90000")
HINTS += ("soon", "1,5", "+20", "+59", "+90", "-30 s", " 5 ")
MILLISECONDS = ("0", "-5", "1", "250", "999.5", "60000", "60001", "90000", "x")


def cases():
    """Status and headers of the answers, in order."""
    yield from itertools.product(STATUSES, EVERYWHERE)
    for status in (429, 503, 529):
        for hint in HINTS:
            yield status, {"retry-after": hint}
        for milliseconds in MILLISECONDS:
            yield status, {"retry-after-ms": milliseconds}
    for milliseconds, seconds in itertools.product(("0", "250", "x", "70000"), ("1", "soon", "80")):
        yield 429, {"retry-after-ms": milliseconds, "retry-after": seconds}
    for should, hint in itertools.product(("True", "1", "yes", "FALSE"), ("1",)):
        yield 429, {"x-should-retry": should, "retry-after": hint}
        yield 400, {"x-should-retry": should, "retry-after": hint}
    yield 400, {"x-should-retry": "true", "retry-after": "61"}
    yield 529, {"x-should-retry": "false", "retry-after": "61"}


def dated(headers):
    """With `+N` as the date that it means, from now."""
    value = headers.get("retry-after", "")
    if not value.startswith("+"):
        return headers
    return {**headers, "retry-after": email.utils.formatdate(time.time() + float(value[1:]), usegmt=True)}


class Slept(threading.local):
    seconds = None


slept = Slept()
_sleep = time.sleep


def sleep(seconds):
    if slept.seconds is None:
        return _sleep(seconds)
    slept.seconds.append(seconds)
    if seconds <= PATIENCE:
        _sleep(seconds)


CLIENT = None


def measure(case):
    status, headers = case
    slept.seconds = []
    with Stub(refusal(status)._replace(headers=dated(headers)), fine()) as stub:
        try:
            CLIENT.with_options(base_url=stub.url).messages.create(
                model="claude-haiku-4-5", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
            )
        except anthropic.APIStatusError as error:
            assert error.status_code == status
        waits, gaps = slept.seconds, stub.gaps
    if not gaps:
        assert waits == []
        return "stop"
    (wait,), (gap,) = waits, gaps
    assert gap >= min(wait, PATIENCE if wait <= PATIENCE else 0.0), (case, wait, gap)
    return "backoff" if 0.375 <= wait <= 0.5 and wait != 0.4 else wait


if __name__ == "__main__":
    time.sleep = sleep
    # Dates are told in whole seconds and read by the clock of the day: it stands still.
    now = float(int(time.time()))
    time.time = lambda: now
    CLIENT = anthropic.Anthropic(api_key="sk-ant-x", max_retries=1)
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        done = list(pool.map(measure, cases()))
    print(json.dumps({"version": anthropic.__version__, "done": done}))
