"""The table of policies of ratetop's command line: what each may wait, retries, and how often it tries.

Written from the table, not from the code; every copy of a policy is held against it.
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Policy:
    name: str
    attempts: int
    #: (retry from 0, hint or None, last wait) -> the least and the most it may wait, seconds.
    bounds: object
    statuses: frozenset
    obeys: bool = False
    connections: bool = False
    budget: float = math.inf
    #: Retries a spend limit, as the SDKs do.
    spends: bool = False


def grown(retry):
    return min(30.0, 0.5 * 2**retry)


def sdk(up_to):
    def bounds(retry, hint, _last):
        if hint is not None and hint <= up_to:
            return hint, hint
        most = min(8.0, 0.5 * 2**retry)
        return 0.75 * most, most

    return bounds


def floor_and_spread(retry, hint, _last):
    if hint is None:
        return 0.0, grown(retry)
    return hint, hint + max(0.25 * hint, 0.25)


STATUSES = (400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504, 529)
SERVER = frozenset(status for status in STATUSES if status >= 500)
GUIDE = frozenset({429, 500, 529})
AWS = SERVER | {429}
SDKS = SERVER | {408, 409, 429}

POLICIES = {
    policy.name: policy
    for policy in (
        Policy("none", 1, lambda *_: (0.0, 0.0), frozenset()),
        Policy("immediate", 5, lambda *_: (0.0, 0.0), GUIDE),
        Policy(
            "retry-after",
            3,
            lambda _retry, hint, _last: (60.0, 60.0) if hint is None else (hint, hint),
            frozenset({429}),
            obeys=True,
        ),
        Policy(
            "exponential-jitter",
            6,
            lambda retry, *_: (max(4.0, min(2.0**retry, 60.0)), max(4.0, min(2.0**retry, 60.0)) + 2.0),
            GUIDE,
        ),
        Policy("sdk", 3, sdk(math.inf), SDKS, obeys=True, connections=True, spends=True),
        Policy("sdk-classic", 3, sdk(60.0), SDKS, obeys=True, connections=True, spends=True),
        Policy("exponential", 6, lambda retry, *_: (grown(retry), grown(retry)), AWS),
        Policy("full-jitter", 6, lambda retry, *_: (0.0, grown(retry)), AWS),
        Policy("equal-jitter", 6, lambda retry, *_: (grown(retry) / 2, grown(retry)), AWS),
        Policy(
            "decorrelated-jitter",
            6,
            lambda _retry, _hint, last: (0.5, min(30.0, 3 * max(0.5, last))),
            AWS,
        ),
        Policy(
            "hint-jitter", 5, floor_and_spread, SERVER | {408, 429}, obeys=True, connections=True, budget=120.0
        ),
    )
}
