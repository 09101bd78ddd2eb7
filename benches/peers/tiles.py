"""Part 1: the same cells and venues as tiles, from us and from Martin with PostGIS. Prints Markdown.

`tiles.py --program vungxanh --martin martin --dir FOLDER`. Everything runs on this machine, one server at a time; `wrk`
asks with one thread. Nothing is timed before the tiles of both sides were decoded and found equal.
"""

import argparse
import contextlib
import gzip
import hashlib
import http.client
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import time
import urllib.parse
from collections import Counter
from itertools import zip_longest

import h3ronpy.vector
import numpy as np
import pyarrow as pa

import generate
import ours
import postgis
from machine import cpu_seconds, end_well, free_port, get, machine, memory_mb, say, stop, table, wait_for
from ours import Ours
from postgis import RESOLUTION, Cluster
from same import Comparison, decoded

HERE = pathlib.Path(__file__).parent
COUNT, CONNECTIONS = 500, (1, 16, 64)
# While the last of the 500 are being answered the other connections go on with tiles that were not asked yet either.
SPARE = max(CONNECTIONS)
# How often the 500 are gone through uncached: the median counts.
PASSES = {1: 3, 16: 3, 64: 3}
CACHED_S = 4
GZIP = {"Accept-Encoding": "gzip"}


class Martin:
    """Martin over the cluster's function, with its cache or without."""

    headers = {}

    def __init__(self, program, cluster, folder, cache_mb):
        self.cluster = cluster
        self.url = f"http://127.0.0.1:{free_port()}"
        config = {
            "listen_addresses": self.url.removeprefix("http://"),
            "worker_processes": os.cpu_count(),
            "preferred_encoding": "gzip",
            "cache": {"size_mb": cache_mb, "tile_size_mb": cache_mb} if cache_mb else "disable",
            "postgres": {
                "connection_string": cluster.url,
                "pool_size": 20,
                "auto_publish": False,
                "functions": {"mix": {"schema": "public", "function": "mix"}},
            },
        }
        file = folder / "martin.yaml"
        # JSON is YAML.
        file.write_text(json.dumps(config, indent=1))
        log = open(folder / "martin.log", "ab")
        environment = {**os.environ, "RUST_LOG": "warn"}
        self.process = subprocess.Popen([program, "--config", file], stdout=log, stderr=log, env=environment)
        wait_for("Martin", lambda: get(f"{self.url}/health"), self.process)

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid) + self.cluster.cpu_seconds()

    def memory_mb(self):
        return memory_mb(self.process.pid) + self.cluster.memory_mb()

    def close(self):
        stop(self.process)


def chosen(cells, venues):
    """Tiles of zooms 6 to 14 with something in them, the same number of each zoom as far as there are so many: half of
    them anywhere, half where venues are."""
    rng = np.random.default_rng(generate.SEED)
    wanted, picked = COUNT + SPARE, []
    zooms = sorted(RESOLUTION)
    for nth, zoom in enumerate(zooms):
        share = (wanted - len(picked)) // (len(zooms) - nth)
        filled = sorted(set(tiles_of(*centres(cells[RESOLUTION[zoom]]["h3"]), zoom)))
        some = rng.permutation(len(venues))[:5000]
        busy = tiles_of([venues[at]["lng"] for at in some], [venues[at]["lat"] for at in some], zoom)
        anywhere = [filled[at] for at in rng.permutation(len(filled))]
        mixed = dict.fromkeys(tile for pair in zip_longest(anywhere, busy) for tile in pair if tile)
        picked += [(zoom, *tile) for tile in list(mixed)[:share]]
    return [picked[at] for at in rng.permutation(len(picked))]


def centres(ids):
    """Longitudes and latitudes of the cells' centres."""
    numbers = pa.array(np.array([int(cell, 16) for cell in ids], dtype=np.uint64))
    found = pa.table(h3ronpy.vector.cells_to_coordinates(numbers))
    return found["lng"].to_numpy(), found["lat"].to_numpy()


def tiles_of(lng, lat, zoom):
    """The tile (x, y) in which each point stands."""
    side = 2**zoom
    sine = np.sin(np.radians(lat))
    x = (np.asarray(lng) / 360 + 0.5) * side
    y = (0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)) * side
    return list(zip(x.astype(int).tolist(), y.astype(int).tolist()))


def verify(server, martin, tiles):
    """Decodes both sides' tiles; ends the run where they differ. Body bytes of both, compressed."""
    comparison, sizes = Comparison(), {"ours": [], "martin": []}
    for z, x, y in tiles:
        mine = get(f"{server.url}/tiles/cells,venues/{z}/{x}/{y}", {**GZIP, **server.headers})
        other = get(f"{martin.url}/mix/{z}/{x}/{y}", GZIP)
        for name, (status, body, headers) in {"ours": mine, "martin": other}.items():
            if status != 200 or headers["content-encoding"] != "gzip":
                raise SystemExit(f"{name} {z}/{x}/{y}: status {status}, coding {headers['content-encoding']}")
            sizes[name].append(len(body))
        comparison.add(f"{z}/{x}/{y}", mine[1], other[1])
    problems = comparison.problems()
    if problems:
        raise SystemExit("the tiles of the two sides differ:\n  " + "\n  ".join(problems))
    return comparison.summary(), sizes


def wrk(server, paths, connections, seconds, limit, headers):
    """One run of wrk: its figures, and the servers' CPU time for each request."""
    words = [word for pair in {**GZIP, **headers}.items() for word in pair]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", HERE / "requests.lua"]
    before = server.cpu_seconds()
    done = subprocess.run([*command, server.url, "--", paths, str(limit), *words], capture_output=True, text=True)
    spent = server.cpu_seconds() - before
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise SystemExit(f"wrk: {done.stdout}{done.stderr}")
    result = json.loads(line.removeprefix("RESULT "))
    if result["bad"]:
        raise SystemExit(f"{result['bad']} requests failed: {done.stdout}")
    return {
        "rate": result["answered"] / result["seconds"],
        "p50": result["p50_ms"],
        "p99": result["p99_ms"],
        "cpu_ms": spent / result["asked"] * 1e3,
    }


def median(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def uncached(start, files, is_fresh):
    """The 500 once through for each number of connections, each pass by the next of `files`. `is_fresh`: each pass meets
    a new process; otherwise one process answers them all, after a pass that is not counted."""
    found = {}
    with contextlib.ExitStack() as ends:
        if not is_fresh:
            server = ends.enter_context(contextlib.closing(start()))
            wrk(server, next(files), max(CONNECTIONS), 60, COUNT, server.headers)
        for connections in CONNECTIONS:
            runs = []
            for _ in range(PASSES[connections]):
                with contextlib.closing(start()) if is_fresh else contextlib.nullcontext(server) as one:
                    runs.append(wrk(one, next(files), connections, 60, COUNT, one.headers))
            found[connections] = median(runs)
            say(f"  uncached, {connections}: {found[connections]}")
    return found


def windows(folder, paths):
    """Files of the same tiles with other windows: all say the same, because every event lies within a week, but each
    is a tile of its own that nobody has asked for."""
    for hours in itertools.count(169):
        file = folder / "window.paths"
        file.write_text("".join(f"{path}?window=PT{hours}H\n" for path in paths))
        yield file


def cached(server, paths, tiles):
    """Second and later passes."""
    for path in tiles:
        get(server.url + path, {**GZIP, **server.headers})
    found = {}
    for connections in CONNECTIONS:
        found[connections] = wrk(server, paths, connections, CACHED_S, 0, server.headers)
        say(f"  cached, {connections}: {found[connections]}")
    return found, server.memory_mb()


def row(name, kind, figures):
    return [
        name,
        kind,
        *(
            f"{figures[c]['rate']:,.0f} · {figures[c]['p50']:.2f} · {figures[c]['p99']:.2f}"
            for c in CONNECTIONS
        ),
        f"{figures[16]['cpu_ms']:.3f}",
    ]


def heavy(start, cluster, cells):
    """One tile of thousands of hexagons on one thread, compressed: a row for each side."""
    zoom, resolution = 9, 8
    (x, y), _ = Counter(tiles_of(*centres(cells[resolution]["h3"]), zoom)).most_common(1)[0]
    path = f"/tiles/cells/{zoom}/{x}/{y}?resolution={resolution}"
    with contextlib.closing(start()) as server:
        body = get(server.url + path, {**GZIP, **server.headers})[1]
        hexagons = len(decoded(body)["cells"])
        # Each window is another tile, though all say the same: every event lies within a week. So nothing of a tile is
        # cached but the outlines, which all windows share.
        times, spent = [], server.cpu_seconds()
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
        windows = range(169, 229)
        for hours in windows:
            begun = time.perf_counter()
            connection.request("GET", f"{path}&window=PT{hours}H", headers={**GZIP, **server.headers})
            answer = connection.getresponse()
            last = answer.read()
            times.append((time.perf_counter() - begun) * 1e3)
            if answer.status != 200:
                raise SystemExit(f"{path} answered {answer.status}")
        if len(decoded(last)["cells"]) != hexagons:
            raise SystemExit(f"{path}: another window shows other cells")
        spent = (server.cpu_seconds() - spent) / len(windows) * 1e3
    first = []
    for _ in range(3):
        with contextlib.closing(start()) as server:
            begun = time.perf_counter()
            get(server.url + path, {**GZIP, **server.headers})
            first.append((time.perf_counter() - begun) * 1e3)

    columns = "h3, level, visits, people, cases, rate"
    cluster.sql(f"""
create or replace function heavy(rounds integer) returns table (ms float8, tile text) language plpgsql as $$
declare
  tile_box geometry := ST_TileEnvelope({zoom}, {x}, {y});
  around geometry := ST_TileEnvelope({zoom}, {x}, {y}, margin => 64.0 / 4096);
  begun timestamptz; bytes bytea;
begin
  for round in 1..rounds loop
    begun := clock_timestamp();
    select ST_AsMVT(shown, 'cells', 4096, 'geom') into bytes from (
      select {columns}, ST_AsMVTGeom(geom, tile_box, 4096, 64, true) as geom from cells_{resolution} where geom && around
    ) as shown;
    ms := extract(epoch from clock_timestamp() - begun) * 1000; tile := case when round = rounds then encode(bytes, 'hex') end;
    return next;
  end loop;
end $$;""")
    lines = [line.split("|") for line in cluster.sql("select ms, tile from heavy(30)")]
    theirs = [float(line[0]) for line in lines]
    plain = bytes.fromhex(lines[-1][1])
    packing = []
    for _ in range(15):
        begun = time.perf_counter()
        packed = gzip.compress(plain, 6)
        packing.append((time.perf_counter() - begun) * 1e3)
    if abs(len(decoded(plain)["cells"]) - hexagons) > hexagons * 0.005:
        raise SystemExit(f"the heavy tile has {hexagons} cells here and {len(decoded(plain)['cells'])} there")
    made, zipped = statistics.median(theirs), statistics.median(packing)
    return hexagons, [
        ["Vùng Xanh, over HTTP, outlines kept", f"{statistics.median(times):.2f}", f"{spent:.2f}", f"{len(body):,}"],
        ["Vùng Xanh, over HTTP, the first of a process", f"{statistics.median(first):.2f}", "", f"{len(body):,}"],
        ["PostGIS, in the database, + gzip 6", f"{made:.1f} + {zipped:.1f}", f"{made + zipped:.1f}", f"{len(packed):,}"],
    ]


def prepared(program, folder):
    """Imports and loads unless this very program and these scripts have done it already."""
    digest = hashlib.sha256(pathlib.Path(program).read_bytes())
    for script in ("generate.py", "ours.py", "postgis.py"):
        digest.update((HERE / script).read_bytes())
    stamp = folder / "tiles.stamp"
    kept = folder / "told.json"
    cluster = Cluster(folder / "postgres")
    try:
        if stamp.exists() and stamp.read_text() == digest.hexdigest():
            told = json.loads(kept.read_text())
            return cluster, {int(key): rows for key, rows in told["cells"].items()}, told["venues"]
        stamp.unlink(missing_ok=True)
        files = folder / "data" / "tiles"
        files.mkdir(parents=True, exist_ok=True)
        generate.tiles(files, generate.NOW)
        ours.fill(program, files, folder / "ours")
        with contextlib.closing(Ours(program, folder / "ours")) as server:
            cells, venues = ours.told_cells(server), ours.told_venues(server)
        postgis.load(cluster, cells, venues)
        kept.write_text(json.dumps({"cells": cells, "venues": venues}))
        stamp.write_text(digest.hexdigest())
        return cluster, cells, venues
    except BaseException:
        cluster.close()
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--martin", type=pathlib.Path, required=True)
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    parser.add_argument("--prepare-only", action="store_true")
    given = parser.parse_args()
    end_well()
    program, folder = given.program.resolve(), given.dir.resolve()
    about = machine()
    cluster, cells, venues = prepared(program, folder)
    try:
        if not given.prepare_only:
            compare(program, given.martin.resolve(), folder, cluster, cells, venues, about)
    finally:
        cluster.close()


def compare(program, martin_program, folder, cluster, cells, venues, about):
    start_ours = lambda: Ours(program, folder / "ours")
    start_martin = lambda cache_mb: Martin(martin_program, cluster, folder, cache_mb)
    tiles = chosen(cells, venues)
    mine = [f"/tiles/cells,venues/{z}/{x}/{y}" for z, x, y in tiles]
    other = [f"/mix/{z}/{x}/{y}" for z, x, y in tiles]
    for name, paths in {"ours": mine, "martin": other}.items():
        (folder / f"{name}.paths").write_text("\n".join(paths) + "\n")
        (folder / f"{name}-{COUNT}.paths").write_text("\n".join(paths[:COUNT]) + "\n")

    with contextlib.closing(start_ours()) as server, contextlib.closing(start_martin(0)) as martin:
        same, sizes = verify(server, martin, tiles)
    say(same)
    say("ours")
    figures = {
        "running": uncached(start_ours, windows(folder, mine), False),
        "new": uncached(start_ours, itertools.repeat(folder / "ours.paths"), True),
    }
    say("Martin + PostGIS")
    figures["martin"] = uncached(lambda: start_martin(0), itertools.repeat(folder / "martin.paths"), False)
    kept = {}
    for name, start, paths in [("ours", start_ours, mine), ("martin", lambda: start_martin(512), other)]:
        with contextlib.closing(start()) as server:
            kept[name] = cached(server, folder / f"{name}-{COUNT}.paths", paths[:COUNT])
    hexagons, rows = heavy(start_ours, cluster, cells)

    mean = {name: round(statistics.mean(bodies[:COUNT])) for name, bodies in sizes.items()}
    versions = [
        subprocess.run([martin_program, "--version"], capture_output=True, text=True).stdout.strip(),
        "PostgreSQL " + cluster.sql("show server_version")[0].split()[0],
        "PostGIS " + cluster.sql("select postgis_lib_version()")[0],
    ]
    print(f"{about}. {', '.join(versions)}. {COUNT} tiles of z6 to z14, gzip.\n{same}.\n")
    head = ["", "", *(f"{c} connection{'s' if c > 1 else ''}: requests/s · p50 · p99 ms" for c in CONNECTIONS), "CPU ms a request (16)"]
    print(
        table(
            head,
            [
                row("Vùng Xanh", "uncached, running", figures["running"]),
                row("Vùng Xanh", "uncached, new process", figures["new"]),
                row("Martin + PostGIS", "uncached, running", figures["martin"]),
                row("Vùng Xanh", "cached", kept["ours"][0]),
                row("Martin + PostGIS", "cached", kept["martin"][0]),
            ],
        )
    )
    print(
        f"\nBytes a tile, gzip: ours {mean['ours']:,}, Martin's {mean['martin']:,}. Memory after it (PSS): ours "
        f"{kept['ours'][1]:.0f} MB, Martin with PostgreSQL {kept['martin'][1]:.0f} MB.\n"
    )
    print(table([f"one tile of {hexagons:,} hexagons, one thread", "ms", "CPU ms", "bytes, gzip"], rows))


if __name__ == "__main__":
    main()
