"""Part 2: visits and distinct people by (cell, hour) of 20 million check-ins in one Parquet file. Prints Markdown.

`aggregate.py --program vungxanh --dir FOLDER`. Each engine has a process of its own, twice, and the better run counts;
times are printed only when all of them found the same.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

from machine import end_well, machine, say, stop, table

HERE = pathlib.Path(__file__).parent
ENGINES, WAYS = ("polars", "duckdb", "chdb"), ("points", "venues")
THREADS, ROUNDS, PATIENCE_S = 2, 2, 300
SAID = ("groups", "visits", "people", "sha256")
WORDS = {"points": "H3 of every check-in", "venues": "H3 of every venue, joined"}


def measured(command):
    """The JSON object on the last line of what a command prints, and its peak memory unless it says that itself."""
    begun = time.monotonic()
    # As many threads as the others have, whatever an engine takes by itself.
    environment = {**os.environ, "POLARS_MAX_THREADS": str(THREADS)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    late = threading.Timer(PATIENCE_S, process.kill)
    late.start()
    try:
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        late.cancel()
        stop(process)
    if process.returncode:
        words = " ".join(str(word) for word in command)
        raise SystemExit(f"{words}: ended with {process.returncode} (it has {PATIENCE_S} s)")
    result = json.loads(printed.strip().splitlines()[-1])
    result.setdefault("peak_mb", used.ru_maxrss / 1024)
    say(f"  {result['seconds']:.2f} s ({time.monotonic() - begun:.0f} s with the hash)")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, help="a folder of other files than those of 20 million")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    end_well()
    data = given.data or given.dir / "data"
    about = machine()
    venues, check_ins = data / "venues.parquet", data / "check-ins.parquet"
    ours = [given.program, "aggregate", "check-ins", check_ins, "--venues", venues, "--threads", str(THREADS), "--json"]
    commands = {("ours", "venues"): ours}
    for engine in ENGINES:
        for way in WAYS:
            commands[engine, way] = [sys.executable, HERE / "engines.py", engine, way, data, str(THREADS)]
    runs = {}
    for nth in range(given.rounds):
        for name, command in commands.items():
            say(f"round {nth + 1}: {', '.join(name)}")
            runs.setdefault(name, []).append(measured(command))

    every = [run for found in runs.values() for run in found]
    differing = {tuple(run[key] for key in SAID) for run in every}
    if len(differing) != 1:
        lines = [f"{name}: {[run[key] for key in SAID]}" for name, found in runs.items() for run in found]
        raise SystemExit("the engines found different things:\n  " + "\n  ".join(lines))
    best = {name: min(found, key=lambda run: run["seconds"]) for name, found in runs.items()}
    ours = best["ours", "venues"]
    first = every[0]
    print(
        f"{about}; {THREADS} threads each. {first['visits']:,} check-ins, {first['groups']:,} cell-hours, "
        f"{first['people']:,} distinct people in them; all equal (sha256 {first['sha256'][:16]}…).\n"
    )
    rows = []
    for (engine, way), run in best.items():
        name = "Vùng Xanh" if engine == "ours" else run["version"]
        rate, times = run["visits"] / run["seconds"] / 1e6, run["seconds"] / ours["seconds"]
        rows.append([name, WORDS[way], f"{run['seconds']:.2f}", f"{rate:.1f}", f"{times:.1f}×", f"{run['peak_mb']:,.0f}"])
    print(table(["engine", "way", "s", "M check-ins/s", "of ours", "peak MB"], rows))


if __name__ == "__main__":
    main()
