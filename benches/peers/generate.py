"""Makes the inputs of the comparison, the same bytes for the same seed.

`generate.py tiles --to FOLDER`      areas, venues, check-ins, cases and assessments as files for `vungxanh import`
`generate.py aggregate --to FOLDER`  venues.parquet and check-ins.parquet, 20 million rows
"""

import argparse
import datetime
import json
import pathlib

import h3.api.numpy_int as h3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 20_210_507
HOUR_MS = 3_600_000
LOCAL = datetime.timezone(datetime.timedelta(hours=7))
# What the clock says in the comparison of tiles.
NOW = datetime.datetime(2021, 5, 7, 20, tzinfo=LOCAL)
INSTRUMENT = "qd1203@2020-04-06"
# A box around the north of Vietnam; nothing in it is real.
WEST, SOUTH, EAST, NORTH = 103.5, 20.0, 107.5, 23.0
TOWNS = 60
ROW_GROUP = 1 << 20
# How busy the hours of a day are, from midnight.
BUSY = np.array([1, 1, 1, 1, 1, 3, 8, 14, 14, 12, 12, 16, 16, 12, 10, 10, 12, 16, 18, 16, 12, 8, 4, 2], dtype=float)


def places(rng, count):
    """Two in three around towns of very different sizes, the others anywhere: lng, lat."""
    towns = np.column_stack([rng.uniform(WEST + 0.2, EAST - 0.2, TOWNS), rng.uniform(SOUTH + 0.2, NORTH - 0.2, TOWNS)])
    sizes = 1 / np.arange(1, TOWNS + 1) ** 0.7
    of_town = rng.random(count) < 0.65
    town = rng.choice(TOWNS, count, p=sizes / sizes.sum())
    reach = (0.015 + 0.06 * np.sqrt(sizes))[town]
    lng = np.where(of_town, towns[town, 0] + rng.normal(0, 1, count) * reach, rng.uniform(WEST, EAST, count))
    lat = np.where(of_town, towns[town, 1] + rng.normal(0, 1, count) * reach, rng.uniform(SOUTH, NORTH, count))
    # Seven decimals, so that every reader of the text has the same number.
    return np.round(np.clip(lng, WEST, EAST), 7), np.round(np.clip(lat, SOUTH, NORTH), 7)


def aggregate(folder, rows, venues=100_000, people=3_000_000, days=14):
    """Check-ins in the order of their time; a quarter repeats somebody's of the minutes before."""
    rng = np.random.default_rng(SEED)
    lng, lat = places(rng, venues)
    ids = [f"v{nth:06}" for nth in range(venues)]
    required = lambda name, kind: pa.field(name, kind, nullable=False)
    schema = pa.schema([required("id", pa.string()), required("lng", pa.float64()), required("lat", pa.float64())])
    pq.write_table(pa.table([ids, lng, lat], schema=schema), folder / "venues.parquet", compression="zstd")

    weights = rng.lognormal(0, 1.3, venues)
    reach = np.cumsum(weights / weights.sum())
    start = int(datetime.datetime(2021, 5, 1, tzinfo=LOCAL).timestamp() * 1000)
    hours = np.tile(BUSY, days)
    # The instant at which a share of all check-ins has come: ascending without a sort.
    come = np.concatenate([[0], np.cumsum(hours / hours.sum())])
    names = pa.array(ids)
    schema = pa.schema(
        [
            required("id", pa.string()),
            required("venue", pa.string()),
            required("lng", pa.float64()),
            required("lat", pa.float64()),
            required("person", pa.int64()),
            required("at", pa.timestamp("ms", tz="UTC")),
        ]
    )
    options = {"compression": "zstd", "use_dictionary": ["venue"]}
    # Under its own name only when it is whole.
    draft = folder / "check-ins.parquet.part"
    with pq.ParquetWriter(draft, schema, **options) as writer:
        for begin in range(0, rows, ROW_GROUP):
            count = min(ROW_GROUP, rows - begin)
            venue = np.searchsorted(reach, rng.random(count)).clip(0, venues - 1)
            person = rng.integers(1, people + 1, count)
            back = np.arange(count) - rng.integers(1, 3000, count)
            again = (rng.random(count) < 0.25) & (back >= 0)
            venue[again], person[again] = venue[back[again]], person[back[again]]
            share = (begin + np.sort(rng.random(count)) * count) / rows
            at = start + (np.interp(share, come, np.arange(len(come))) * HOUR_MS).astype(np.int64)
            number = (np.arange(begin, begin + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)).byteswap()
            text = np.frombuffer(number.tobytes().hex().encode(), dtype="S16").astype(str)
            columns = [
                pa.array(text),
                names.take(pa.array(venue)),
                pa.array(lng[venue]),
                pa.array(lat[venue]),
                pa.array(person),
                pa.array(at).cast(pa.timestamp("ms", tz="UTC")),
            ]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=ROW_GROUP)
    draft.rename(folder / "check-ins.parquet")


def tiles(folder, now, cells=200_000, venues=100_000, check_ins=600_000):
    """A week of a region: visits in the cells of venues, cases in others until so many cells have a figure."""
    rng = np.random.default_rng(SEED + 1)
    write_areas(folder / "areas.geojson")

    lng, lat = places(rng, venues)
    kinds = np.array(["office", "factory", "restaurant", "cafe", "shop", "supermarket", "school", "pharmacy"])
    kind = rng.choice(kinds, venues, p=[0.25, 0.15, 0.15, 0.15, 0.15, 0.05, 0.05, 0.05])
    with open(folder / "venues.csv", "w", encoding="utf-8") as out:
        out.write("id,name,kind,lng,lat\n")
        out.writelines(f"v{n:06},Địa điểm {n},{kind[n]},{lng[n]:.7f},{lat[n]:.7f}\n" for n in range(venues))

    # Everybody's visits lie in the seven days that tiles show.
    end = int(now.timestamp())
    weights = rng.lognormal(0, 1.0, venues)
    # Each venue has a visit at least, so that its cell has a figure.
    venue = np.concatenate([np.arange(venues), rng.choice(venues, check_ins - venues, p=weights / weights.sum())])
    at = end - rng.integers(1, 6 * 86_400 + 70_000, check_ins)
    person = rng.integers(0, 400_000, check_ins)
    with open(folder / "check-ins.csv", "w", encoding="utf-8") as out:
        out.write("id,venue,person,at\n")
        for nth in np.argsort(at, kind="stable"):
            out.write(f"c{nth},v{venue[nth]:06},p{person[nth]},{local(at[nth])}\n")

    visited = {h3.latlng_to_cell(lat[n], lng[n], 9) for n in range(venues)}
    sick = list(rng.choice(sorted(visited), len(visited) // 10, replace=False))
    while len(visited) < cells:
        for x, y in zip(*places(rng, 20_000)):
            cell = h3.latlng_to_cell(y, x, 9)
            if cell not in visited and len(visited) < cells:
                visited.add(cell)
                sick.append(cell)
    # Mostly one case, sometimes several.
    homes = np.repeat(np.array(sick, dtype=np.uint64), rng.geometric(0.7, len(sick)))
    at = end - rng.integers(1, 6 * 86_400, len(homes))
    with open(folder / "cases.csv", "w", encoding="utf-8") as out:
        out.write("id,reported,kind,status,lng,lat\n")
        for nth in np.argsort(at, kind="stable"):
            y, x = h3.cell_to_latlng(int(homes[nth]))
            out.write(f"f{nth},{local(at[nth])},community,confirmed,{x:.7f},{y:.7f}\n")

    # Inspectors have been to most offices and factories and found what they found: every level occurs.
    inspected = np.flatnonzero(np.isin(kind, ["office", "factory"]) & (rng.random(venues) < 0.8))
    with open(folder / "assessments.ndjson", "w", encoding="utf-8") as out:
        for nth in inspected:
            points = np.clip(np.round(rng.uniform(0.5, 9.5) + rng.normal(0, 1, 10)), 1, 10)
            answers = {str(item + 1): int(given) for item, given in enumerate(points)}
            row = {"id": f"a{nth}", "venue": f"v{nth:06}", "instrument": INSTRUMENT, "answers": answers}
            out.write(json.dumps({**row, "by": "inspector", "at": local(end - 86_400)}) + "\n")
    return len(visited)


def write_areas(file):
    """A chessboard of districts with residents, so that cells have rates and levels."""
    columns, rows = 8, 6
    features = []
    for nth in range(columns * rows):
        column, row = nth % columns, nth // columns
        west, east = (WEST + (EAST - WEST) * at / columns for at in (column, column + 1))
        south, north = (SOUTH + (NORTH - SOUTH) * at / rows for at in (row, row + 1))
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        about = {"code": f"{nth + 1:03}", "level": "district", "name": f"Quận {nth + 1}", "population": 200_000 + 50_000 * nth}
        features.append({"type": "Feature", "properties": about, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def local(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), LOCAL).isoformat()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["tiles", "aggregate"])
    parser.add_argument("--to", type=pathlib.Path, required=True)
    parser.add_argument("--rows", type=int, default=20_000_000)
    given = parser.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    if given.what == "tiles":
        print(f"{tiles(given.to, NOW)} cells")
    else:
        aggregate(given.to, given.rows)


if __name__ == "__main__":
    main()
