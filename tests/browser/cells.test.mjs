// The compact cells format as the page reads it: what comes out, and what is refused. No server and no browser needed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { VectorTile } from "@mapbox/vector-tile";
import * as h3 from "h3-js";
import { PbfReader, PbfWriter } from "pbf";
import { CellsError, decodeCells, KIND } from "../../web/app/cells/decode.js";
import { cellHalves, cellText } from "../../web/app/cells/ids.js";
import { buildTile } from "../../web/app/cells/mvt.js";
import { outlines } from "../../web/app/cells/outline.js";

/** @param {number | bigint} value @returns {number[]} */
function varint(value) {
  const rest = BigInt(value);
  return rest < 128n ? [Number(rest)] : [Number(rest & 127n) | 128, ...varint(rest >> 7n)];
}

const MAGIC = [..."VXC1"].map((letter) => letter.charCodeAt(0));

/** By the contract's own words, with 64-bit numbers. @param {string} id @param {number} resolution @returns {bigint} */
function position(id, resolution) {
  return (BigInt(`0x${id}`) >> BigInt(3 * (15 - resolution))) & ((1n << BigInt(7 + 3 * resolution)) - 1n);
}

/**
 * The format written plainly.
 * @param {number} resolution
 * @param {string[]} ids ascending
 * @param {[string, number, number[], string[]?][]} columns key, kind, what is written, the texts of a column of texts
 */
function written(resolution, ids, columns = []) {
  const positions = ids.map((id) => position(id, resolution));
  const steps = positions.map((each, nth) => each - (positions[nth - 1] ?? 0n));
  const text = (/** @type {string} */ each) => {
    const letters = [...new TextEncoder().encode(each)];
    return [...varint(letters.length), ...letters];
  };
  const body = columns.flatMap(([key, kind, values, texts]) => {
    const list = texts ? [...varint(texts.length), ...texts.flatMap(text)] : [];
    return [...text(key), kind, ...list, ...values.flatMap(varint)];
  });
  return new Uint8Array([...MAGIC, resolution, ...varint(ids.length), ...steps.flatMap(varint), ...varint(columns.length), ...body]);
}

/** The cells around a place, ascending. @param {number} lat @param {number} lng @param {number} resolution @param {number} rings */
function around(lat, lng, resolution, rings) {
  return h3.gridDisk(h3.latLngToCell(lat, lng, resolution), rings).sort();
}

/** @param {number} lat @param {number} lng @param {number} z */
function tileAt(lat, lng, z) {
  const sin = Math.sin((lat * Math.PI) / 180);
  const row = 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
  return { z, x: Math.min(2 ** z - 1, Math.floor((lng / 360 + 0.5) * 2 ** z)), y: Math.floor(row * 2 ** z) };
}

/** @param {Uint8Array} bytes @param {import("../../web/app/cells/outline.js").Tile} tile */
function features(bytes, tile) {
  const built = buildTile(decodeCells(bytes), tile, h3, PbfWriter);
  const layer = new VectorTile(new PbfReader(built.bytes)).layers.cells;
  const found = Array.from({ length: layer?.length ?? 0 }, (_, nth) => /** @type {any} */ (layer).feature(nth));
  assert.equal(found.length, built.count);
  return found;
}

/** Twice the area, positive for clockwise rings on a screen. @param {{x: number, y: number}[]} ring closed */
function twice(ring) {
  return ring.slice(1).reduce((sum, at, nth) => sum + (ring[nth]?.x ?? 0) * at.y - at.x * (ring[nth]?.y ?? 0), 0);
}

test("ids come back at every resolution, bit by bit", () => {
  for (let resolution = 0; resolution <= 15; resolution++) {
    const ids = [...new Set([...around(21.59, 105.84, resolution, 1), ...around(-33, -70, resolution, 1), ...h3.getPentagons(resolution)])].sort();
    const cells = decodeCells(written(resolution, ids));
    assert.equal(cells.resolution, resolution);
    assert.deepEqual([...cells.positions].map((each) => cellText(resolution, each)), ids);
    for (const [nth, each] of cells.positions.entries()) {
      assert.deepEqual(cellHalves(resolution, each), h3.h3IndexToSplitLong(ids[nth] ?? ""));
    }
  }
});

test("properties come out as in a vector tile of the server", () => {
  const ids = around(21.59, 105.84, 9, 1);
  const count = (/** @type {(nth: number) => number} */ value) => ids.map((_, nth) => value(nth));
  const bytes = written(9, ids, [
    ["level", KIND.whole, count((nth) => (nth % 5) + 1)],
    ["visits", KIND.whole, count((nth) => (nth === 2 ? 0 : 1_000_000 * nth + 1))],
    ["rate", KIND.tenths, count((nth) => (nth === 1 ? 0 : nth * 5 + 1))],
    ["suppressed", KIND.truth, count((nth) => nth % 2)],
    ["from_parent", KIND.ancestor, count((nth) => (nth === 3 ? 8 : 0))],
    ["from_area", KIND.text, count((nth) => (nth > 3 ? (nth % 2) + 1 : 0)), ["164", "19"]],
  ]);
  const tile = tileAt(21.59, 105.84, 12);
  const found = features(bytes, tile);
  assert.deepEqual(found.map((each) => ({ ...each.properties })), ids.map((id, nth) => ({
    h3: id,
    level: nth % 5,
    ...(nth === 2 ? {} : { visits: 1_000_000 * nth }),
    ...(nth === 1 ? {} : { rate: nth / 2 }),
    ...(nth % 2 ? { suppressed: true } : {}),
    ...(nth === 3 ? { from_parent: h3.cellToParent(id, 7) } : {}),
    ...(nth > 3 ? { from_area: nth % 2 ? "19" : "164" } : {}),
  })));
  for (const each of found) {
    const [ring, ...more] = each.loadGeometry();
    assert.equal(more.length, 0);
    assert.ok(twice(ring) > 0, "outlines are clockwise on the screen");
  }
});

test("outlines stand within a grid unit of the cell's corners, and neighbours share theirs", () => {
  const ids = around(21.59, 105.84, 9, 3);
  const tile = tileAt(21.59, 105.84, 13);
  /** @type {Map<string, number>} */
  const corners = new Map();
  for (const each of features(written(9, ids), tile)) {
    const geo = each.toGeoJSON(tile.x, tile.y, tile.z);
    const expected = h3.cellToBoundary(each.properties.h3, true);
    const unit = 360 / 2 ** 13 / 4096;
    const [ring = []] = each.loadGeometry();
    const isWhole = ring.every((/** @type {any} */ at) => Math.min(at.x, at.y) > -64 && Math.max(at.x, at.y) < 4160);
    if (!isWhole) continue;
    assert.equal(geo.geometry.coordinates[0].length, expected.length);
    for (const [lng, lat] of geo.geometry.coordinates[0]) {
      assert.ok(expected.some(([x = 0, y = 0]) => Math.abs(x - lng) <= unit && Math.abs(y - lat) <= unit));
    }
    for (const at of ring.slice(1)) corners.set(`${at.x},${at.y}`, (corners.get(`${at.x},${at.y}`) ?? 0) + 1);
  }
  assert.ok([...corners.values()].filter((times) => times === 3).length > 10);
});

test("a cell across the antimeridian shows on both sides, nowhere all around the world", () => {
  const id = h3.latLngToCell(0.5, 180, 3);
  const east = tileAt(0.5, 179.99, 6);
  const west = { ...east, x: 0 };
  assert.equal(east.x, 63);
  for (const [tile, isThere] of /** @type {const} */ ([[west, (/** @type {any} */ at) => at.x < 2048], [east, (/** @type {any} */ at) => at.x > 2048]])) {
    const [found] = features(written(3, [id]), tile);
    assert.ok(found, `${tile.x}`);
    const [ring] = found.loadGeometry();
    assert.ok(ring.every(isThere));
    assert.ok(twice(ring) > 0);
  }
  assert.deepEqual(features(written(3, [id]), { ...east, x: 31 }), []);
  // All the world in one tile: a part at its left edge, a part at its right.
  const [whole] = features(written(3, [id]), { z: 0, x: 0, y: 0 });
  assert.equal(whole.loadGeometry().length, 2);
});

test("a cell around a pole reaches the edge of the map", () => {
  for (const [lat, y] of /** @type {const} */ ([[90, 0], [-90, 4096]])) {
    const [found] = features(written(0, [h3.latLngToCell(lat, 0, 0)]), { z: 0, x: 0, y: 0 });
    const points = found.loadGeometry().flat();
    assert.ok(points.some((/** @type {any} */ at) => at.y === y));
    const columns = points.map((/** @type {any} */ at) => at.x);
    assert.ok(Math.min(...columns) <= 0 && Math.max(...columns) >= 4096, "it goes all around");
  }
});

test("pentagons have five sides, and their children that do not exist are refused", () => {
  for (const resolution of [4, 6, 8]) {
    for (const id of h3.getPentagons(resolution)) {
      const [lat = 0, lng = 0] = h3.cellToLatLng(id);
      const tile = tileAt(lat, lng, resolution + 3);
      const drawn = outlines(h3.cellToBoundary(id), { ...tile });
      assert.ok(drawn.length >= 1, id);
      const [ring = []] = drawn;
      assert.ok(ring.length >= 4 && ring.length <= 10, `${id} has ${ring.length} vertices`);
    }
  }
  const pentagon = h3.getPentagons(1)[0] ?? "";
  // Below a pentagon the first digit is never 1.
  const missing = (BigInt(`0x${pentagon}`) & ~(0xfn << 52n) & ~(7n << 39n)) | (2n << 52n) | (1n << 39n);
  const bytes = written(2, [missing.toString(16)]);
  assert.throws(() => buildTile(decodeCells(bytes), { z: 0, x: 0, y: 0 }, h3, PbfWriter), /is not an H3 cell/);
});

test("bytes that are missing, too many or unknown are refused with a reason", () => {
  const ids = around(21.59, 105.84, 9, 2);
  const good = written(9, ids, [
    ["level", KIND.whole, ids.map(() => 2)],
    ["suppressed", KIND.truth, ids.map(() => 1)],
    ["from_area", KIND.text, ids.map(() => 1), ["164"]],
  ]);
  decodeCells(good);
  for (let length = 0; length < good.length; length++) {
    assert.throws(() => decodeCells(good.subarray(0, length)), CellsError, `cut after ${length} bytes`);
  }
  /** @type {[string, Uint8Array | number[], RegExp][]} */
  const hostile = [
    ["trailing bytes", [...good, 0], /1 bytes follow/],
    ["another magic", [...MAGIC.slice(0, 3), 0x32, ...good.slice(4)], /VXC1/],
    ["resolution 16", [...MAGIC, 16, 0, 0], /resolution 16/],
    ["an unknown kind", written(9, ids, [["level", 5, ids.map(() => 1)]]), /unknown kind 5/],
    ["a text that is not there", written(9, ids, [["from_area", KIND.text, ids.map(() => 2), ["164"]]]), /out of range/],
    ["a column twice", written(9, ids, [["level", 0, ids.map(() => 1)], ["level", 0, ids.map(() => 1)]]), /level comes twice/],
    ["a column of ids", written(9, ids, [["h3", 0, ids.map(() => 1)]]), /h3 comes twice/],
    ["truth 2", written(9, ids, [["suppressed", KIND.truth, ids.map(() => 2)]]), /out of range/],
    ["a finer ancestor", written(9, ids, [["from_parent", KIND.ancestor, ids.map(() => 11)]]), /out of range/],
    ["a cell twice", [...MAGIC, 0, 2, 1, 0, 0], /a cell comes twice/],
    ["a base cell beyond the last", [...MAGIC, 0, 1, 122, 0], /no cell/],
    ["a digit 7", [...MAGIC, 1, 1, 15, 0], /no cell/],
    ["a name that is not UTF-8", [...MAGIC, 0, 1, 5, 1, 1, 0xff, 0, 1], /UTF-8/],
    ["a number without end", [...MAGIC, 0, ...Array(40).fill(0x80), 0], /too long/],
    ["a number beyond 2^53", [...MAGIC, 0, 1, 5, 1, 1, 0x61, 0, ...varint(2n ** 60n)], /too l/],
  ];
  for (const [name, bytes, expected] of hostile) {
    assert.throws(() => decodeCells(new Uint8Array(bytes)), (error) => error instanceof CellsError && expected.test(error.message), name);
  }
});

test("a count beyond the bytes that follow takes no memory", () => {
  const before = process.memoryUsage().arrayBuffers;
  for (const count of [2n ** 31n, 2n ** 45n, 2n ** 53n - 1n]) {
    for (const bytes of [[...MAGIC, 9, ...varint(count), 1, 2, 3], [...MAGIC, 9, 0, ...varint(count), 1], [...MAGIC, 9, 0, 1, ...varint(count), 1]]) {
      assert.throws(() => decodeCells(new Uint8Array(bytes)), /announces/);
    }
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20);
});

test("whatever bytes come, the answer is cells or an error of the format", () => {
  // A small generator with a seed of its own: a failure can be met again.
  let state = 20211122;
  const random = (/** @type {number} */ below) => (state = (state * 1103515245 + 12345) % 2 ** 31) % below;
  const ids = around(21.59, 105.84, 7, 3);
  const good = written(7, ids, [["level", KIND.whole, ids.map((_, nth) => nth)], ["from_parent", KIND.ancestor, ids.map((_, nth) => nth % 9)], ["from_area", KIND.text, ids.map((_, nth) => nth % 3), ["164", "19"]]]);
  for (let round = 0; round < 4000; round++) {
    const bytes = good.slice();
    for (let times = 1 + random(4); times > 0; times--) bytes[random(bytes.length)] = random(256);
    try {
      const { positions, columns } = decodeCells(bytes);
      for (const column of columns) assert.equal(column.values.length, positions.length);
    } catch (error) {
      assert.ok(error instanceof CellsError, String(error));
    }
  }
});

test("a tile of five thousand cells is built whole", (t) => {
  const ids = around(21.59, 105.84, 9, 41).slice(0, 5000);
  const bytes = written(9, ids, [["level", KIND.whole, ids.map((_, nth) => (nth % 5) + 1)], ["visits", KIND.whole, ids.map((_, nth) => nth + 1)]]);
  const tile = tileAt(21.59, 105.84, 9);
  assert.equal(features(bytes, tile).length, 5000);
  const start = performance.now();
  const rounds = 5;
  for (let round = 0; round < rounds; round++) buildTile(decodeCells(bytes), tile, h3, PbfWriter);
  t.diagnostic(`${bytes.length} bytes, ${((performance.now() - start) / rounds).toFixed(1)} ms`);
});
