"""Our server over the generated data, and what it tells an analyst of it."""

import json
import math
import shutil
import subprocess
import time

from machine import cpu_seconds, get_json, memory_mb, say, stop
from postgis import RESOLUTION

NOW = "2021-05-07T20:00:00+07:00"
# A little more than the generator's box, in columns so narrow that each may be listed whole.
WEST, SOUTH, EAST, NORTH = 103.3, 19.8, 107.7, 23.2
COLUMNS = 4
# Ours at the cells of a list.
LIMIT = 10_000


class Ours:
    """A running server. `fresh()` of the same folder is another process that has encoded nothing yet."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.key = (folder / "key").read_text().strip()
        command = [program, "serve", "--data", folder / "data", "--listen", "127.0.0.1:0", "--clock", NOW, "--log", "warn"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{program} serve did not start")
        self.url = json.loads(line)["listening"]
        try:
            self._settle()
            # The key is looked up once; no tile is made for it.
            get_json(f"{self.url}/tiles/cells,venues.json", self.headers)
        except BaseException:
            self.close()
            raise

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.key}"}

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def _settle(self, patience_s=5):
        """Waits until it does nothing of its own any more (a start publishes and looks after closed days)."""
        until, before, spent = time.monotonic() + patience_s, -1.0, self.cpu_seconds()
        while spent != before and time.monotonic() < until:
            time.sleep(0.2)
            before, spent = spent, self.cpu_seconds()

    def memory_mb(self):
        return memory_mb(self.process.pid)

    def close(self):
        stop(self.process)


def fill(program, files, folder):
    """Imports the generated files as anybody would, and makes an analyst's key."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    data = folder / "data"
    for kind, file in [
        ("areas", "areas.geojson"),
        ("venues", "venues.csv"),
        ("check-ins", "check-ins.csv"),
        ("cases", "cases.csv"),
        ("assessments", "assessments.ndjson"),
    ]:
        command = [program, "import", kind, files / file, "--data", data, "--clock", NOW]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or "duplicates 0, rejected 0" not in done.stdout:
            raise SystemExit(f"import {kind}: {done.stdout}{done.stderr}")
        say(f"import {kind}: {done.stdout.splitlines()[0]}")
    made = subprocess.run([program, "key", "create", "--data", data, "--role", "analyst"], capture_output=True, text=True)
    if made.returncode:
        raise SystemExit(f"key create: {made.stderr}")
    (folder / "key").write_text(made.stdout.strip())
    (folder / "key").chmod(0o600)


def told_cells(server):
    """By resolution, the exact figures of every cell as `/v1/cells` tells them, columns named as in the tiles."""
    told = {}
    width = (EAST - WEST) / COLUMNS
    for resolution in sorted(set(RESOLUTION.values())):
        rows = {}
        for column in range(COLUMNS):
            west = WEST + column * width
            path = f"/v1/cells?resolution={resolution}&bbox={west},{SOUTH},{west + width},{NORTH}&limit={LIMIT}"
            for item in pages(server, path):
                rows[item["cell"]] = item
        ordered = [rows[cell] for cell in sorted(rows)]
        told[resolution] = {
            "h3": [row["cell"] for row in ordered],
            **{key: [row[key] for row in ordered] for key in ("level", "visits", "people", "cases")},
            # One decimal is what tiles say.
            "rate": [None if row["rate_7d_per_100k"] is None else round_tenths(row["rate_7d_per_100k"]) for row in ordered],
        }
    return told


def told_venues(server):
    """Every venue as `/v1/venues` tells it; an assessment is an inspector's, as all of the generator's are."""
    items = pages(server, f"/v1/venues?bbox={WEST},{SOUTH},{EAST},{NORTH}&limit={LIMIT}")
    return [
        {
            **{key: row[key] for key in ("id", "name", "kind", "level", "status", "lng", "lat")},
            "assessed_by": "inspector" if row["assessed_at"] else None,
        }
        for row in items
    ]


def round_tenths(rate):
    return math.floor(rate * 10 + 0.5) / 10


def pages(server, path):
    """Follows a list's `next` links."""
    url = server.url + path
    while url:
        answer = get_json(url, server.headers)
        yield from answer["items"]
        url = next((link["href"] for link in answer["links"] if link["rel"] == "next"), None)
        if url and not url.startswith(server.url):
            url = server.url + url
