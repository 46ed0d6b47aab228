"""`ratetop` on a terminal of its own, with a tap beside the screen, for as long as nobody ends this program.

`screen.py UPSTREAM` prints the one line that `ratetop tap` would, once the tap listens, and ends as the
screen does.
"""

import fcntl
import os
import pathlib
import pty
import signal
import socket
import struct
import sys
import tempfile
import termios
import threading
import time


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def drain(terminal, seen):
    """Reads what is drawn, so that drawing never waits; the last of it is kept."""
    try:
        while piece := os.read(terminal, 65536):
            seen.append(piece)
            del seen[:-8]
    except OSError:
        pass  # The other end is closed.


def main(upstream):
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        config = pathlib.Path(home, "ratetop.toml")
        config.write_text(
            f'[profiles.sdk]\nbase_url = "{upstream}"\n[profiles.sdk.tap]\nlisten = "127.0.0.1:{port}"\n'
        )
        child, terminal = pty.fork()
        if child == 0:
            env = {"HOME": home, "TERM": "xterm-256color", "PATH": os.environ.get("PATH", "")}
            ratetop = os.environ["RATETOP"]
            os.execve(ratetop, [ratetop, "--config", str(config), "--profile", "sdk"], env)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
        seen = []
        threading.Thread(target=drain, args=(terminal, seen), daemon=True).start()
        patience = time.monotonic() + 30
        while not listens(port):
            if time.monotonic() > patience:
                os.kill(child, signal.SIGTERM)
                sys.exit(f"the tap beside the screen does not listen: {b''.join(seen)!r}")
            time.sleep(0.02)
        print(f"listening on http://127.0.0.1:{port}", flush=True)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
