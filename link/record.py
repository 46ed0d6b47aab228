#!/usr/bin/env python3
"""Writes order.txt: the functions that run, so that build.rs can put them side by side.

    RATETOP_LINK_ORDER=off cargo rustc --release --bin ratetop -- -C strip=none
    python3 link/record.py target/release/ratetop

Without the order, as valgrind knows one section of text only. Runs the demo, the simulator and the tap
under valgrind (callgrind), which takes two minutes. To be repeated when the memory of docs/figures.md has
grown, or when rustc names symbols otherwise.
"""
import bisect, collections, fcntl, http.client, json, os, pathlib, pty, re, select, signal
import struct, subprocess, sys, tempfile, termios, time

PROGRAM = os.path.abspath(sys.argv[1])
SIM, TAP, ADMIN = "127.0.0.1:47871", "127.0.0.1:47872", "127.0.0.1:47873"
# A name that other functions share is taken for run by this share of their bytes.
DENSE = 0.1


def traced(out, *arguments):
    tool = ["valgrind", "--tool=callgrind", "--dump-instr=yes", f"--callgrind-out-file={out}"]
    return [*tool, PROGRAM, "--config", "/dev/null", *arguments]


def screen(out, scenario, keys):
    """A demo in a terminal of 120x40 that presses these keys and ends."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
        os.execvp("valgrind", traced(out, "demo", "--scenario", scenario))
    begun, due = time.time(), list(keys)
    while True:
        try:
            if select.select([terminal], [], [], 0.2)[0] and not os.read(terminal, 65536):
                break
        except OSError:
            break
        if due and time.time() - begun > due[0][0]:
            os.write(terminal, due.pop(0)[1])
    os.waitpid(pid, 0)


def traffic(sim_out, tap_out):
    """Plain and streaming calls through a tap to a simulator."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    sim = subprocess.Popen(traced(sim_out, "sim", "--scenario", "flood", "--listen", SIM), **quiet)
    way = ["--listen", TAP, "--upstream", f"http://{SIM}", "--admin", ADMIN]
    tap = subprocess.Popen(traced(tap_out, "tap", *way), **quiet)
    time.sleep(8)
    head = {"x-api-key": "sk-ant-api03-ratetop-sim", "anthropic-version": "2023-06-01"}
    body = {"model": "claude-sonnet-5-5", "max_tokens": 16, "messages": [{"role": "user", "content": "hello"}]}
    client = http.client.HTTPConnection(TAP, timeout=60)
    for n in range(200):
        sent = json.dumps({**body, "stream": n % 4 == 0})
        client.request("POST", "/v1/messages", sent, {**head, "content-type": "application/json"})
        client.getresponse().read()
    for program in (tap, sim):
        program.send_signal(signal.SIGTERM)
        program.wait()


def executed(out):
    """Addresses of the program's own instructions that ran."""
    names, own, at, found = {}, False, 0, set()
    for line in open(out):
        if named := re.match(r"(c?)ob=\((\d+)\)(?: (.*))?", line):
            called, number, name = named.groups()
            names.setdefault(number, name)
            own = own if called else names[number] == PROGRAM
        elif ran := re.match(r"(0x[0-9a-f]+|[+-]\d+|\*) \S", line):
            step = ran[1]
            at = int(step, 16) if step[0] == "0" else at + int(step.replace("*", "0"))
            if own:
                found.add(at)
    return found


def pattern(symbol):
    """Without what differs from one build to the next."""
    symbol = re.sub(r"\.(llvm\.)?\d+$", "*", symbol)
    symbol = re.sub(r"17h[0-9a-f]{16}E", "17h*", symbol)
    return re.sub(r"\*+$", "*", re.sub(r"Cs[0-9A-Za-z]{10,14}_", "Cs*_", symbol))


def main():
    with tempfile.TemporaryDirectory() as place:
        out = {kind: f"{place}/{kind}" for kind in "dbts"}
        screen(out["d"], "idle", [(45, b"q")])
        walk = b"j\r\x1b2j\r\x1b34?\x1b:\x1b/\x1b1"
        pressed = [(20 + n, walk[n : n + 1]) for n in range(len(walk))]
        screen(out["b"], "busy-afternoon", [*pressed, (60, b"q"), (62, b"y")])
        traffic(out["s"], out["t"])
        ran = {kind: executed(file) for kind, file in out.items()}
    lines = subprocess.run(["nm", "-n", "-S", PROGRAM], capture_output=True, text=True).stdout
    symbols = re.findall(r"^([0-9a-f]+) ([0-9a-f]+) [tTwW] (\S+)$", lines, re.M)
    symbols = [(int(at, 16), int(size, 16), pattern(name)) for at, size, name in symbols]
    starts = [at for at, _, _ in symbols]
    size, bytes_run = collections.Counter(), collections.defaultdict(collections.Counter)
    for _, length, name in symbols:
        size[name] += length
    for kind, addresses in ran.items():
        of = {bisect.bisect_right(starts, address) - 1 for address in addresses} - {-1}
        for at, length, name in map(symbols.__getitem__, of):
            bytes_run[name][kind] += length

    def place_of(name):
        share = max(bytes_run[name].values()) / max(size[name], 1)
        kinds = "".join(kind for kind in "dbts" if kind in bytes_run[name])
        # What several programs run lies between what each of them runs alone.
        rank = ["t", "ts", "s", "bts", "bt", "bs", "b"] if "d" not in kinds else ["dbts", "dts", "dbt", "dt", "dbs", "ds", "db", "d"]
        return ("d" in kinds, rank.index(kinds), name) if share >= DENSE else (2, -share, name)

    order = sorted(bytes_run, key=place_of)
    text = "# Written by record.py: functions that run, in the order in which they are linked.\n"
    pathlib.Path(__file__).with_name("order.txt").write_text(text + "\n".join(order) + "\n")
    print(f"{len(order)} names, {sum(map(size.get, order)) >> 10} KiB of {sum(size.values()) >> 10}")


main()
