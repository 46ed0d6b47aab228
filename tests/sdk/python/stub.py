"""A server that answers what a script says, and knows when each request came."""

import collections
import http.server
import json
import pathlib
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
Answer = collections.namedtuple("Answer", "status headers body")
Seen = collections.namedtuple("Seen", "at headers")

MESSAGE = {
    "id": "msg_01Stub",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 2},
}
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def fine():
    return Answer(200, {}, MESSAGE)


def refusal(status, code=None, **headers):
    """An error of the API; `retry_after=1` and the like become headers."""
    error = {"type": KINDS.get(status, "api_error"), "message": "Scripted."}
    if code:
        error["details"] = {"error_code": code}
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return Answer(status, named, {"type": "error", "error": error, "request_id": "req_01Stub"})


class Stub:
    """Answers in the order of the script, then its last answer for ever."""

    def __init__(self, *script):
        self.play(*script)
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one piece: two would wait for each other's acknowledgement.
            wbufsize = 1 << 16

            def do_POST(self):
                at = time.monotonic()
                self.rfile.read(int(self.headers.get("content-length", 0)))
                stub.seen.append(Seen(at, dict(self.headers)))
                answer = stub.script.pop(0) if len(stub.script) > 1 else stub.script[0]
                body = json.dumps(answer.body).encode()
                self.send_response_only(answer.status)
                if "date" not in answer.headers:
                    self.send_header("date", self.date_time_string())
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            # `ratetop` asks whether this is a simulator, and for models.
            def do_GET(self):
                self.send_response(404)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def play(self, *script):
        """From here on it answers so."""
        self.script = list(script)
        self.seen = []

    @property
    def gaps(self):
        """Seconds between requests, as they came in."""
        return [later.at - earlier.at for earlier, later in zip(self.seen, self.seen[1:])]

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
