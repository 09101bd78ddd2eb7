"""Part 2: visits and distinct people by (cell, hour) of 20 million check-ins in one Parquet file. Prints Markdown.

`aggregate.py --ours "COMMAND" --dir FOLDER`. COMMAND is called with the paths of venues.parquet and check-ins.parquet and
the number of threads, and prints the same JSON as `engines.py`. Each engine has a process of its own, twice, and the
better run counts; times are printed only when all of them found the same.
"""

import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

from machine import end_well, machine, say, stop, table

HERE = pathlib.Path(__file__).parent
ENGINES, WAYS = ("polars", "duckdb", "chdb"), ("points", "venues")
THREADS, ROUNDS, PATIENCE_S = 2, 2, 300
SAID = ("groups", "visits", "people", "sha256")
WORDS = {"points": "H3 of every check-in", "venues": "H3 of every venue, then a join", "": "H3 of every venue"}


def measured(command):
    """The JSON object on the last line of what a command prints, and its peak memory."""
    begun = time.monotonic()
    # As many threads as the others have, whatever an engine takes by itself.
    environment = {**os.environ, "POLARS_MAX_THREADS": str(THREADS), "RAYON_NUM_THREADS": str(THREADS)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        printed, _ = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{command} took more than {PATIENCE_S} s") from None
    finally:
        stop(process)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    result = json.loads(printed.strip().splitlines()[-1])
    say(f"  {result['seconds']:.2f} s ({time.monotonic() - begun:.0f} s with hash)")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True, help="our command; empty: the peers alone")
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    end_well()
    data = given.dir / "data"
    about = machine()
    runs = {}
    for nth in range(given.rounds):
        if given.ours:
            say(f"round {nth + 1}: ours")
            command = [*shlex.split(given.ours), data / "venues.parquet", data / "check-ins.parquet", str(THREADS)]
            runs.setdefault(("ours", ""), []).append(measured(command))
        for engine in ENGINES:
            for way in WAYS:
                say(f"round {nth + 1}: {engine}, {way}")
                command = [sys.executable, HERE / "engines.py", engine, way, data, str(THREADS)]
                runs.setdefault((engine, way), []).append(measured(command))

    every = [run for found in runs.values() for run in found]
    differing = {tuple(run[key] for key in SAID) for run in every}
    if len(differing) != 1:
        lines = [f"{name}: {[run[key] for key in SAID]}" for name, found in runs.items() for run in found]
        raise SystemExit("the engines found different things:\n  " + "\n  ".join(lines))
    best = {name: min(found, key=lambda run: run["seconds"]) for name, found in runs.items()}
    ours = best.get(("ours", ""))
    first = every[0]
    print(
        f"{about}; {THREADS} threads each. {first['visits']:,} check-ins, {first['groups']:,} cell-hours, "
        f"{first['people']:,} distinct people in them; all equal (sha256 {first['sha256'][:16]}…).\n"
    )
    rows = []
    for (engine, way), run in best.items():
        name = "Vùng Xanh" if engine == "ours" else run["version"]
        times = f"{run['seconds'] / ours['seconds']:.1f}×" if ours else ""
        peak = f"{run['peak_mb']:,.0f}" if "peak_mb" in run else ""
        rows.append([name, WORDS[way], f"{run['seconds']:.2f}", f"{run['visits'] / run['seconds'] / 1e6:.1f}", times, peak])
    print(table(["engine", "way", "s", "M check-ins/s", "of ours", "peak MB"], rows))


if __name__ == "__main__":
    main()
