"""llmock as a process of its own: the judge that is not ours."""

import pathlib
import socket
import subprocess
import sys
import time

import httpx2

LLMOCK = pathlib.Path(sys.executable).parent / "llmock"


class Judge:
    """Started and answering: `url`, and `http` to ask it by."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [str(LLMOCK), "serve", "--host", "127.0.0.1", "--port", str(port), "--log-level", "critical"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx2.Client(base_url=self.url, trust_env=False)
        for _ in range(300):
            try:
                self.http.get("/_llmock/scenario")
                break
            except httpx2.TransportError:
                time.sleep(0.1)

    def end(self):
        self.http.close()
        self.process.terminate()
        self.process.wait(timeout=20)
