"""Processes, their CPU time, and requests: what both parts of the comparison share."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def say(*words):
    """What happens goes to the terminal, so that standard output holds the tables only."""
    print(*words, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    """The direct children alive now."""
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def cpu_seconds(pid, with_children=False):
    """User and system time of a process; on demand with its children, those that have ended too."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    own = sum(int(fields[at]) for at in ((11, 12, 13, 14) if with_children else (11, 12))) / TICKS
    if not with_children:
        return own
    alive = 0.0
    for child in children(pid):
        # One may end while we look; then its time is among its parent's ended children, if a moment later.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            alive += cpu_seconds(child)
    return own + alive


def memory_mb(pid, with_children=False):
    """Proportional set size: pages that several processes share are counted once."""
    total = 0
    for one in [pid, *(children(pid) if with_children else [])]:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            text = pathlib.Path(f"/proc/{one}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def end_well():
    """SIGTERM (of `timeout`, say) ends this program as Ctrl-C does: whatever it started is ended first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


def stop(process, how=signal.SIGTERM, patience_s=20):
    """Ends a process that we started, and only that."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what, is_there, process=None, patience_s=60):
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if process and process.poll() is not None:
            raise SystemExit(f"{what} ended with {process.returncode} instead of starting")
        with contextlib.suppress(OSError):
            if is_there():
                return
        time.sleep(0.05)
    if process:
        stop(process)
    raise SystemExit(f"{what} did not answer within {patience_s} s")


def get(url, headers=None):
    """Status, body and headers of one request, bodies as they came."""
    request = urllib.request.Request(url, headers=headers or {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.read(), answer.headers


def get_json(url, headers=None):
    return json.loads(get(url, headers)[1])


def table(head, rows):
    """Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def machine():
    """The machine in a few words."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(": ", 1)[1] for line in cpuinfo.splitlines() if line.startswith("model name")), "?")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / (1 << 20)
    load = pathlib.Path("/proc/loadavg").read_text().split()[0]
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB; load before the run {load}"
