"""The SDKs' decisions of `decisions.json`, against which `tests/it/decisions.rs` holds the policies `sdk` and
`sdk-classic`, are what the SDKs do: today's, and the last before a hint above 60 s was obeyed.

With RATETOP_WRITE_DECISIONS the file is written anew.
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import unittest

import measure
from stub import HERE

FILE = HERE / "decisions.json"
CLASSIC = HERE / ".classic"


def run(path):
    environment = {**os.environ, "PYTHONPATH": str(path)} if path else os.environ
    script = pathlib.Path(__file__).with_name("measure.py")
    ended = subprocess.run([sys.executable, script], env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(ended.stdout)


class Decisions(unittest.TestCase):
    maxDiff = None

    def test_the_file_says_what_the_sdks_do(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            today, classic = pool.map(run, (None, CLASSIC))
        self.assertEqual(classic["version"], "1.5.0")
        measured = [
            {"status": status, "headers": headers, "sdk": now, "sdk-classic": before}
            for (status, headers), now, before in zip(measure.cases(), today["done"], classic["done"])
        ]
        self.assertGreaterEqual(len(measured), 200)
        if os.environ.get("RATETOP_WRITE_DECISIONS"):
            lines = ",\n".join(json.dumps(case) for case in measured)
            FILE.write_text(f"[\n{lines}\n]\n")
        self.assertEqual(json.loads(FILE.read_text()), measured)


# Through a tap it is the same.
if os.environ.get("RATETOP_SDK_TAP"):
    del Decisions

if __name__ == "__main__":
    unittest.main()
