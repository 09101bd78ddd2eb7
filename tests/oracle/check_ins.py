"""Recomputes, independently of our code, what check-ins of a CSV add up to.

usage: check_ins.py FILE.csv.gz UTC_OFFSET_HOURS > out.tsv
Lines: `cell-hour CELL HOUR COUNT`, `venue-day VENUE DAY COUNT`, `cell-day CELL DAY PEOPLE`,
with HOUR and DAY as whole hours and local days since 1970-01-01.
"""

import collections
import csv
import datetime
import gzip
import sys

import h3

path, offset = sys.argv[1], int(sys.argv[2])
cell_hour, venue_day, people = collections.Counter(), collections.Counter(), collections.defaultdict(set)
cell_of_venue = {}
with gzip.open(path, "rt", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
# A venue stands where the last row says: registering it again with another place makes a new version.
for row in rows:
    cell_of_venue[row["venue"]] = h3.latlng_to_cell(float(row["lat"]), float(row["lng"]), 9)
for row in rows:
    at = datetime.datetime.fromisoformat(row["at"].replace("Z", "+00:00")).timestamp()
    hour = int(at // 3600)
    day = (hour + offset) // 24
    cell = cell_of_venue[row["venue"]]
    cell_hour[cell, hour] += 1
    venue_day[row["venue"], day] += 1
    people[cell, day].add(row["user"])
for (cell, hour), count in cell_hour.items():
    print("cell-hour", cell, hour, count, sep="\t")
for (venue, day), count in venue_day.items():
    print("venue-day", venue, day, count, sep="\t")
for (cell, day), who in people.items():
    print("cell-day", cell, day, len(who), sep="\t")
