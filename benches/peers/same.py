"""Whether two tiles say the same: features by layer and id, their properties, and where they stand."""

import gzip

import mapbox_vector_tile

# Layer: the property that names a feature.
NAMED_BY = {"cells": "h3", "venues": "id"}
# The largest share of features that only one side may have: those that touch nothing but the buffer's edge, where one
# side rounds before it cuts and the other after.
MOST_ALONE = 0.005
# Units of 4,096 a tile by which a shape's box may differ: both sides round, one of them cuts first.
MOST_MOVED = 2


class Comparison:
    """Adds up what was compared; `problems()` says what must not be."""

    def __init__(self):
        self.tiles = 0
        self.features = {layer: 0 for layer in NAMED_BY}
        self.ours_alone = {layer: 0 for layer in NAMED_BY}
        self.theirs_alone = {layer: 0 for layer in NAMED_BY}
        self.inside_alone, self.unequal, self.moved = [], [], []
        self.furthest = 0

    def add(self, name, ours, theirs):
        self.tiles += 1
        ours, theirs = decoded(ours), decoded(theirs)
        for layer in NAMED_BY:
            mine, other = ours.get(layer, {}), theirs.get(layer, {})
            self.features[layer] += len(mine)
            for key in mine.keys() | other.keys():
                self._feature(f"{name} {layer} {key}", layer, mine.get(key), other.get(key))

    def _feature(self, name, layer, mine, other):
        if mine is None or other is None:
            (self.ours_alone if other is None else self.theirs_alone)[layer] += 1
            if not at_the_edge((mine or other)[1]):
                self.inside_alone.append(name)
            return
        if mine[0] != other[0]:
            self.unequal.append(f"{name}: {mine[0]} against {other[0]}")
        gap = max(abs(a - b) for a, b in zip(mine[1], other[1]))
        self.furthest = max(self.furthest, gap)
        if gap > MOST_MOVED:
            self.moved.append(f"{name}: {mine[1]} against {other[1]}")

    def problems(self):
        found = []
        for layer, count in self.features.items():
            alone = self.ours_alone[layer] + self.theirs_alone[layer]
            if count == 0 or alone > count * MOST_ALONE:
                found.append(f"{layer}: {alone} of {count} features stand on one side only")
        for what, names in [
            ("on one side only, and not at the buffer's edge", self.inside_alone),
            ("with other properties", self.unequal),
            (f"more than {MOST_MOVED} units away", self.moved),
        ]:
            if names:
                found.append(f"{len(names)} {what}, such as {names[0]}")
        return found

    def summary(self):
        parts = [
            f"{self.features[layer]:,} {layer} ({self.ours_alone[layer]} only ours, {self.theirs_alone[layer]} only theirs)"
            for layer in NAMED_BY
        ]
        return f"{self.tiles} tiles compared: {', '.join(parts)}; properties equal, boxes within {self.furthest} units"


def decoded(body):
    """By layer and name: properties, and the box of the shape."""
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    layers = {}
    for layer, content in mapbox_vector_tile.decode(body, default_options={"y_coord_down": True}).items():
        found = layers.setdefault(layer, {})
        for feature in content["features"]:
            key = feature["properties"][NAMED_BY[layer]]
            if key in found:
                raise SystemExit(f"{layer} {key} stands twice in one tile")
            found[key] = (feature["properties"], box(feature["geometry"]["coordinates"]))
    return layers


def box(coordinates):
    """West, north, east, south of nested lists of points."""
    if isinstance(coordinates[0], (int, float)):
        x, y = coordinates
        return x, y, x, y
    boxes = [box(part) for part in coordinates]
    return (
        min(part[0] for part in boxes),
        min(part[1] for part in boxes),
        max(part[2] for part in boxes),
        max(part[3] for part in boxes),
    )


def at_the_edge(bounds, extent=4096, buffer=64, hair=2):
    """Whether a shape lies within a hair of the outer edge of the buffer."""
    west, north, east, south = bounds
    low, high = -buffer + hair, extent + buffer - hair
    return east <= low or west >= high or south <= low or north >= high
