"""The engines of part 2, each in a process of its own: `engines.py NAME WAY FOLDER THREADS` prints one JSON object.

From the Parquet file to the sums in memory: visits and distinct people by cell of resolution 9 and hour. Two ways:
`points` indexes the coordinates of every check-in, `venues` those of every venue and joins. Nothing else is done while
the time runs: no sorting, no hash, no import of modules.
"""

import hashlib
import json
import pathlib
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

HOUR_MS = 3_600_000
RESOLUTION = 9


def cells_of(lat, lng, threads):
    """H3 by h3ronpy, which lets go of Python's lock: a slice a thread."""
    import pyarrow as pa
    from h3ronpy.vector import coordinates_to_cells

    def part(bounds):
        begin, end = bounds
        return np.asarray(pa.array(coordinates_to_cells(pa.array(lat[begin:end]), pa.array(lng[begin:end]), RESOLUTION)))

    steps = np.linspace(0, len(lat), threads * 8 + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(part, zip(steps, steps[1:]))))


def polars(way, venues, check_ins, threads):
    import polars as pl

    def run():
        people = pl.scan_parquet(check_ins)
        hour = (pl.col("at").dt.epoch("ms") // HOUR_MS).cast(pl.Int32).alias("hour")
        if way == "points":
            rows = people.select("lat", "lng", "person", hour).collect()
            cell = pl.Series("cell", cells_of(rows["lat"].to_numpy(), rows["lng"].to_numpy(), threads))
            rows = rows.select("person", "hour", cell).lazy()
        else:
            places = pl.read_parquet(venues)
            cell = pl.Series("cell", cells_of(places["lat"].to_numpy(), places["lng"].to_numpy(), threads))
            rows = people.select("venue", "person", hour).join(places.select(venue="id", cell=cell).lazy(), on="venue")
        return (
            rows.group_by("cell", "hour")
            .agg(pl.len().alias("visits"), pl.col("person").n_unique().alias("people"))
            .collect(engine=ENGINE)
        )

    def columns(found):
        return (found[name].to_numpy() for name in ("cell", "hour", "visits", "people"))

    return run, columns, f"Polars {pl.__version__} + h3ronpy"


# Of polars's two engines the one that is faster here, by half.
ENGINE = "streaming"


def duckdb(way, venues, check_ins, threads):
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_cpu_count(threads)
    base = duckdb.connect(config={"threads": threads})
    # Two steps are faster than count(distinct).
    sums = """create temp table found as
        select cell, hour, sum(visits)::uinteger as visits, count(*)::uinteger as people
        from (select cell, hour, person, count(*) as visits from ({rows}) group by all) group by all"""
    hour = f'divide(epoch_ms("at"), {HOUR_MS})::integer as hour'

    def run():
        if way == "points":
            read = pq.read_table(check_ins, columns=["lat", "lng", "person", "at"])
            cell = cells_of(read["lat"].to_numpy(), read["lng"].to_numpy(), threads)
            base.register("indexed", pa.table({"cell": cell, "person": read["person"], "at": read["at"]}))
            rows = f"select cell, {hour}, person from indexed"
        else:
            places = pq.read_table(venues)
            cell = cells_of(places["lat"].to_numpy(), places["lng"].to_numpy(), threads)
            base.register("places", pa.table({"venue": places["id"], "cell": cell}))
            rows = f"select cell, {hour}, person from read_parquet('{check_ins}') join places using (venue)"
        base.execute(sums.format(rows=rows))

    def columns(_):
        found = base.sql("select cell, hour, visits, people from found").fetchnumpy()
        return (found[name] for name in ("cell", "hour", "visits", "people"))

    return run, columns, f"DuckDB {duckdb.__version__} + h3ronpy"


def chdb(way, venues, check_ins, threads):
    import chdb
    from chdb.session import Session

    session = Session()
    indexed = f"geoToH3(lat, lng, {RESOLUTION}) as cell"
    rows = (
        f"select {indexed}, at, person from file('{check_ins}', Parquet)"
        if way == "points"
        else f"select cell, at, person from file('{check_ins}', Parquet) as c"
        f" join (select id, {indexed} from file('{venues}', Parquet)) as v on c.venue = v.id"
    )

    def run():
        session.query("create database work engine = Atomic")
        session.query(
            f"""create table work.found engine = Memory as
            select cell, toInt32(intDiv(toUnixTimestamp(at), 3600)) as hour, toUInt32(count()) as visits,
                   toUInt32(uniqExact(person)) as people
            from ({rows}) group by cell, hour
            settings max_threads = {threads}, geotoh3_argument_order = 'lat_lon'"""
        )

    def columns(_):
        import pyarrow as pa

        answer = session.query("select cell, hour, visits, people from work.found", "ArrowStream").bytes()
        found = pa.ipc.open_stream(answer).read_all()
        return (found[name].to_numpy() for name in ("cell", "hour", "visits", "people"))

    return run, columns, f"chDB {chdb.__version__} (ClickHouse {chdb.engine_version})"


def summed(cell, hour, visits, people):
    """What all engines must agree on: counts, and a hash of the sorted groups."""
    rows = np.empty(len(cell), dtype=[("cell", "<u8"), ("hour", "<i4"), ("visits", "<u4"), ("people", "<u4")])
    order = np.lexsort((hour, cell))
    for name, values in {"cell": cell, "hour": hour, "visits": visits, "people": people}.items():
        rows[name] = values[order]
    return {
        "groups": len(rows),
        "visits": int(rows["visits"].sum(dtype=np.uint64)),
        "people": int(rows["people"].sum(dtype=np.uint64)),
        "sha256": hashlib.sha256(rows.tobytes()).hexdigest(),
    }


def main():
    name, way, folder, threads = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    make = {"polars": polars, "duckdb": duckdb, "chdb": chdb}[name]
    run, columns, version = make(way, folder / "venues.parquet", folder / "check-ins.parquet", threads)
    # Everybody's library for H3 and Arrow is loaded before the time runs.
    cells_of(np.array([21.0]), np.array([105.0]), 1)
    begun = time.perf_counter()
    found = run()
    seconds = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "version": version, "threads": threads, **summed(*columns(found))}))


if __name__ == "__main__":
    main()
