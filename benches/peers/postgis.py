"""PostgreSQL with PostGIS: a cluster of our own without a network port, and what our server holds put into it."""

import io
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import h3ronpy.vector
import numpy as np
import pyarrow as pa

from machine import cpu_seconds, memory_mb, say, stop, wait_for

# What a database on a small machine is given: everything fits into its buffers, plans are not compiled, and short
# queries are not spread over processes.
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
    "synchronous_commit": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "autovacuum": "off",
}
# Which resolution our server shows at a zoom (`resolution_for_zoom`) and from where venues are drawn and thinned.
RESOLUTION = {6: 4, 7: 5, 8: 6, 9: 7, 10: 7, 11: 8, 12: 9, 13: 9, 14: 9}
VENUES_FROM, EVERY_LEVEL_FROM, ALL_FROM, OVERVIEW_LEVEL = 7, 11, 14, 3


def programs():
    """The folder of the newest server on this machine."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise SystemExit("PostgreSQL is missing: apt-get install postgresql-15-postgis-3 (Debian 12)")
    return found[-1].parent


class Cluster:
    """A running server over `folder`, created when it is not there. `close()` ends it; the data stays."""

    def __init__(self, folder):
        self.folder = folder
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="vx-pg-"))
        self.sockets.chmod(0o755)
        # PostgreSQL refuses to run as root; Debian's package made it an account.
        self.account = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self.sockets, self.account)
        if not (folder / "PG_VERSION").exists():
            folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                shutil.chown(folder, self.account)
            self._run(programs() / "initdb", "-D", folder, "-A", "trust", "-U", "peer", "--locale=C.UTF-8", "-E", "UTF8")
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [programs() / "postgres", "-D", folder, "-k", self.sockets, *options]
        log = open(folder.parent / "postgres.log", "wb")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self._as())
        wait_for("PostgreSQL", lambda: self.sql("select 1", database="postgres", quiet=True), self.process)

    @property
    def url(self):
        return f"postgresql:///peers?host={self.sockets}&user=peer"

    def sql(self, text, database="peers", quiet=False, rows=None):
        """Runs statements; with `rows` (bytes) the text is one `copy … from stdin`. The answer's lines."""
        command = ["psql", "-h", self.sockets, "-U", "peer", "-d", database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        if rows is not None:
            command += ["-c", text]
        fed = rows if rows is not None else text.encode()
        done = subprocess.run(command, input=fed, capture_output=True, cwd="/")
        if done.returncode:
            if quiet:
                raise OSError(done.stderr.decode())
            raise SystemExit(f"psql: {done.stderr.decode()}")
        return done.stdout.decode().splitlines()

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid, with_children=True)

    def memory_mb(self):
        return memory_mb(self.process.pid, with_children=True)

    def close(self):
        stop(self.process, signal.SIGINT)
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _as(self):
        return {"user": self.account, "group": self.account, "extra_groups": []} if os.geteuid() == 0 else {}

    def _run(self, *command):
        done = subprocess.run(command, capture_output=True, cwd="/", **self._as())
        if done.returncode:
            raise SystemExit(
                f"{command[0]}: {done.stderr.decode()}\nthe account {self.account} must be able to reach {self.folder}: "
                "set PEERS_DIR to a folder that it can"
            )


def load(cluster, cells, venues):
    """`cells`: by resolution, columns of what our server says; `venues`: columns. Everything is indexed and analysed."""
    begun = time.monotonic()
    cluster.sql("drop database if exists peers", "postgres")
    cluster.sql("create database peers", "postgres")
    cluster.sql("create extension postgis")
    for resolution, rows in cells.items():
        put_cells(cluster, f"cells_{resolution}", rows)
    for zoom in range(VENUES_FROM, ALL_FROM + 1):
        put_venues(cluster, f"venues_{zoom}", thinned(venues, zoom))
    cluster.sql(tile_function())
    cluster.sql("vacuum analyze")
    say(f"PostGIS loaded in {time.monotonic() - begun:.0f} s")


def put_cells(cluster, name, rows):
    """Outlines from the H3 library, projected by PostGIS; rows lie in the order of space, as a careful owner has them."""
    columns = "h3, level, visits, people, cases, rate"
    cluster.sql(
        f"create unlogged table raw (h3 text, level int, visits int, people int, cases int, rate float8, shape text);"
        f"create table {name} (h3 text, level int, visits int, people int, cases int, rate float8,"
        " geom geometry(Polygon, 3857))"
    )
    ids = pa.array(np.array([int(cell, 16) for cell in rows["h3"]], dtype=np.uint64))
    shapes = pa.array(h3ronpy.vector.cells_to_wkb_polygons(ids)).to_pylist()
    text = io.StringIO()
    for nth, shape in enumerate(shapes):
        values = [rows[key][nth] for key in ("h3", "level", "visits", "people", "cases", "rate")]
        text.write("\t".join("\\N" if value is None else str(value) for value in values) + "\t" + shape.hex() + "\n")
    cluster.sql("copy raw from stdin", rows=text.getvalue().encode())
    cluster.sql(
        f"insert into {name} select {columns}, ST_Transform(ST_SetSRID(ST_GeomFromWKB(decode(shape, 'hex')), 4326), 3857)"
        " as geom from raw order by ST_GeoHash(ST_Centroid(ST_GeomFromWKB(decode(shape, 'hex')))), h3;"
        f"drop table raw; create index on {name} using gist (geom)"
    )


def put_venues(cluster, name, rows):
    cluster.sql(
        "create unlogged table raw (id text, name text, kind text, level int, status text, assessed_by text, lng float8,"
        f" lat float8); create table {name} (id text, name text, kind text, level int, status text, assessed_by text,"
        " geom geometry(Point, 3857))"
    )
    text = io.StringIO()
    for row in rows:
        values = [row[key] for key in ("id", "name", "kind", "level", "status", "assessed_by", "lng", "lat")]
        text.write("\t".join("\\N" if value is None else str(value) for value in values) + "\n")
    cluster.sql("copy raw from stdin", rows=text.getvalue().encode())
    cluster.sql(
        f"insert into {name} select id, name, kind, level, status, assessed_by,"
        " ST_Transform(ST_SetSRID(ST_MakePoint(lng, lat), 4326), 3857) as geom"
        " from raw order by ST_GeoHash(ST_MakePoint(lng, lat)), id;"
        f"drop table raw; create index on {name} using gist (geom)"
    )


def thinned(venues, zoom):
    """What our server draws of venues at a zoom: below 14 one in each square of eight pixels of a 512-pixel tile, the
    worst first, then the smallest id; below 11 those of level 3 and 4 only. Done once here, not per request."""
    if zoom >= ALL_FROM:
        return venues
    side = 2.0**zoom * 64
    best = {}
    for row in venues:
        if zoom < EVERY_LEVEL_FROM and row["level"] < OVERVIEW_LEVEL:
            continue
        x = row["lng"] / 360 + 0.5
        sine = np.sin(np.radians(row["lat"]))
        y = 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)
        square = (int(x * side), int(y * side))
        rival = best.get(square)
        if rival is None or (-row["level"], row["id"]) < (-rival["level"], rival["id"]):
            best[square] = row
    return list(best.values())


def tile_function():
    """One plpgsql function, a branch a zoom: static statements, so that every connection prepares each of them once.
    `ST_AsMVTGeom` is called once a row and rows without geometry are left out by `ST_AsMVT` itself: the fastest way
    that we found (the one in most manuals, with `where geom is not null` around it, calls it twice)."""
    branches = []
    for zoom, resolution in RESOLUTION.items():
        body = statement("cells", f"cells_{resolution}", "h3, level, visits, people, cases, rate")
        if zoom >= VENUES_FROM:
            body += statement("venues", f"venues_{zoom}", "id, name, kind, level, status, assessed_by")
        branches.append(f"when {zoom} then {body}")
    return f"""
create function mix(z integer, x integer, y integer) returns bytea language plpgsql stable strict parallel safe as $$
declare
  tile geometry := ST_TileEnvelope(z, x, y);
  around geometry := ST_TileEnvelope(z, x, y, margin => 64.0 / 4096);
  cells bytea := ''; venues bytea := '';
begin
  case z {" ".join(branches)} else return null; end case;
  return cells || venues;
end $$;"""


def statement(layer, name, columns):
    return f"""
    select ST_AsMVT(shown, '{layer}', 4096, 'geom') into {layer} from (
      select {columns}, ST_AsMVTGeom(geom, tile, 4096, 64, true) as geom from {name} where geom && around
    ) as shown;
    {layer} := coalesce({layer}, '');"""
