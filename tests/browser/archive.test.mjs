// The public tiles as a PMTiles archive, read by the format's own reader, and other people's archives as a basemap.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, open as openFile, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { validateStyleMin } from "@maplibre/maplibre-gl-style-spec";
import { Compression, PMTiles, SharedPromiseCache, TileType, tileIdToZxy, zxyToTileId } from "pmtiles";
import { launch, mapDrawn, open, picture, quiet } from "./browser.mjs";
import { start } from "./start.mjs";

const BINARY = process.env.VUNGXANH_BIN ?? "";
const LAYERS = "cells,venues,areas,zones";
/** Two hours after the demo's history ends: the map stands still. */
const NOW = "2021-11-22T09:00:00+07:00";
const QUERY = `?at=${encodeURIComponent(NOW)}&window=P14D`;
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

/** @type {string} */
let folder;
/** @type {{base: string, stop: () => Promise<void>}} */
let server;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "vungxanh-archive-"));
  const data = ["--data", path.join(folder, "data")];
  const demo = await start(BINARY, ["demo", ...data, "--people", "4000", "--venues", "1500", "--days", "14", "--speed", "0.01"]);
  await demo.stop();
  // A folder has one server: those with a basemap get their own.
  await cp(path.join(folder, "data"), path.join(folder, "copy"), { recursive: true });
  server = await start(BINARY, ["serve", ...data, "--clock", NOW]);
});
after(async () => {
  agent.destroy();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** @param {string} name @param {string[]} [more] */
async function exported(name, more = []) {
  const file = path.join(folder, name);
  const command = ["export", "tiles", "--data", path.join(folder, "data"), "--to", file, "--clock", NOW, "--at", NOW, "--window", "P14D"];
  const { stdout } = await promisify(execFile)(BINARY, [...command, ...more]);
  return { file, stdout };
}

/** @param {string} file */
async function reader(file) {
  const opened = await openFile(file);
  const source = {
    getKey: () => file,
    /** @param {number} offset @param {number} length */
    async getBytes(offset, length) {
      const { buffer, bytesRead } = await opened.read(new Uint8Array(length), 0, length, offset);
      return { data: buffer.buffer.slice(0, bytesRead) };
    },
  };
  const cache = new SharedPromiseCache();
  // Tiles are handed over as they are stored; directories are read as usual.
  const tiles = new PMTiles(source, cache, async (bytes) => bytes);
  const header = await tiles.getHeader();
  /** @param {number} offset @param {number} length @returns {Promise<import("pmtiles").Entry[]>} */
  const entries = async (offset, length) => {
    const found = [];
    for (const entry of await cache.getDirectory(source, offset, length, header)) {
      if (entry.runLength > 0) found.push(entry);
      else found.push(...(await entries((header.leafDirectoryOffset ?? 0) + entry.offset, entry.length)));
    }
    return found;
  };
  return { tiles, header, metadata: await new PMTiles(source).getMetadata(), entries: await entries(header.rootDirectoryOffset, header.rootDirectoryLength), close: () => opened.close() };
}

/** An answer with its bytes as they came. @param {string} url */
async function raw(url) {
  const request = http.get(url, { agent, headers: { "accept-encoding": "gzip" } });
  const [answer] = await once(request, "response");
  const parts = [];
  for await (const part of answer) parts.push(part);
  return { status: answer.statusCode, coding: answer.headers["content-encoding"], bytes: Buffer.concat(parts) };
}

/** @param {number} z @param {number} x @param {number} y */
const live = (z, x, y) => raw(`${server.base}/tiles/${LAYERS}/${z}/${x}/${y}${QUERY}`);

test("every tile of the archive is the server's gzip answer, and no other tile has one", async () => {
  const { file, stdout } = await exported("public.pmtiles");
  assert.match(stdout, /^\d+ tiles, \d+ of them different, \d+ bytes in /);
  const archive = await reader(file);
  const addressed = new Set();
  for (const entry of archive.entries) {
    for (let id = entry.tileId; id < entry.tileId + entry.runLength; id++) addressed.add(id);
  }
  assert.equal(addressed.size, archive.header.numAddressedTiles);
  assert.ok(addressed.size > 100, `${addressed.size} tiles`);
  const beside = new Set();
  for (const id of addressed) {
    const [z, x, y] = tileIdToZxy(id);
    const stored = await archive.tiles.getZxy(z, x, y);
    const answer = await live(z, x, y);
    assert.deepEqual([answer.status, answer.coding], [200, "gzip"], `${z}/${x}/${y}`);
    assert.ok(answer.bytes.equals(Buffer.from(stored?.data ?? new ArrayBuffer(0))), `${z}/${x}/${y} differs`);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      const [nx, ny] = [x + (dx ?? 0), y + (dy ?? 0)];
      if (Math.min(nx, ny) >= 0 && Math.max(nx, ny) < 2 ** z && !addressed.has(zxyToTileId(z, nx, ny))) beside.add(`${z}/${nx}/${ny}`);
    }
  }
  assert.ok(beside.size > 50, `${beside.size} tiles beside`);
  for (const place of beside) {
    const [z, x, y] = place.split("/").map(Number);
    assert.equal((await live(z ?? 0, x ?? 0, y ?? 0)).status, 204, place);
    assert.equal(await archive.tiles.getZxy(z ?? 0, x ?? 0, y ?? 0), undefined, place);
  }
  await archive.close();
});

test("the header and the metadata say what TileJSON says, and an export again is the same file", async () => {
  const { file } = await exported("first.pmtiles", ["--maxzoom", "10"]);
  const again = await exported("second.pmtiles", ["--maxzoom", "10"]);
  assert.ok((await readFile(file)).equals(await readFile(again.file)));
  const { header, metadata, entries, close } = await reader(file);
  const described = await (await fetch(`${server.base}/tiles/${LAYERS}.json`)).json();
  assert.equal(header.specVersion, 3);
  assert.equal(header.clustered, true);
  assert.equal(header.tileType, TileType.Mvt);
  assert.deepEqual([header.tileCompression, header.internalCompression], [Compression.Gzip, Compression.Gzip]);
  assert.deepEqual([header.minZoom, header.maxZoom], [0, 10]);
  for (const [index, value] of [header.minLon, header.minLat, header.maxLon, header.maxLat].entries()) assert.ok(Math.abs(value - described.bounds[index]) < 1e-6);
  assert.ok(header.centerLon > header.minLon && header.centerLon < header.maxLon && header.centerLat > header.minLat && header.centerLat < header.maxLat);
  assert.equal(header.numTileEntries, entries.length);
  assert.equal(header.numTileContents, new Set(entries.map((entry) => entry.offset)).size);
  // Clustered: each content lies behind those before it, or was there already.
  let end = 0;
  for (const { offset, length } of entries) {
    assert.ok(offset <= end);
    end = Math.max(end, offset + length);
  }
  const ids = (/** @type {any} */ each) => each.vector_layers.map((/** @type {any} */ layer) => layer.id);
  assert.deepEqual(ids(metadata), ids(described));
  assert.equal(/** @type {any} */ (metadata)["vungxanh:at"], NOW);
  await close();
});

/**
 * An archive of a few tiles, written by the specification with nothing compressed inside.
 * @param {number} type @param {number} compression @param {object} metadata @param {[number, number, number, Buffer][]} tiles
 */
function archiveOf(type, compression, metadata, tiles) {
  /** @param {number} value @returns {number[]} */
  const varint = (value) => (value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]);
  const sorted = tiles.map(([z, x, y, bytes]) => ({ id: zxyToTileId(z, x, y), z, bytes })).sort((a, b) => a.id - b.id);
  const directory = Buffer.from([
    ...varint(sorted.length),
    ...sorted.flatMap(({ id }, index) => varint(id - (sorted[index - 1]?.id ?? 0))),
    ...sorted.flatMap(() => varint(1)),
    ...sorted.flatMap(({ bytes }) => varint(bytes.length)),
    ...sorted.flatMap((_, index) => varint(index ? 0 : 1)),
  ]);
  const words = Buffer.from(JSON.stringify(metadata));
  const data = Buffer.concat(sorted.map(({ bytes }) => bytes));
  const header = Buffer.alloc(127);
  header.write("PMTiles\u0003", "latin1");
  const sections = [127, directory.length, 127 + directory.length, words.length, 0, 0, 127 + directory.length + words.length, data.length, sorted.length, sorted.length, sorted.length];
  sections.forEach((value, index) => header.writeBigUInt64LE(BigInt(value), 8 + 8 * index));
  const zooms = sorted.map(({ z }) => z);
  [1, 1, compression, type, Math.min(...zooms), Math.max(...zooms)].forEach((value, index) => header.writeUInt8(value, 96 + index));
  [-180, -85, 180, 85].forEach((value, index) => header.writeInt32LE(value * 1e7, 102 + 4 * index));
  return Buffer.concat([header, directory, words, data]);
}

const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==", "base64");
/** Vector tiles of one empty layer: name, extent 4096, version 2. @param {string} name */
const layer = (name) => Buffer.from([0x1a, name.length + 7, 0x0a, name.length, ...Buffer.from(name), 0x28, 0x80, 0x20, 0x78, 2]);
const NAMES = ["earth", "landcover", "landuse", "park", "water", "waterway", "roads", "transportation", "boundary", "boundaries"];

for (const kind of /** @type {const} */ (["pictures", "vector"])) {
  test(`a basemap of ${kind} lies below the map, in valid styles and on the page`, async () => {
    const file = path.join(folder, `${kind}.pmtiles`);
    const vector = { attribution: "© mapmakers", vector_layers: NAMES.map((id) => ({ id, fields: {} })) };
    await writeFile(
      file,
      kind === "pictures"
        ? archiveOf(TileType.Png, Compression.None, { attribution: "© mapmakers" }, [[0, 0, 0, PIXEL], [1, 1, 0, PIXEL]])
        : archiveOf(TileType.Mvt, Compression.Gzip, vector, [[0, 0, 0, gzipSync(layer("water"))], [1, 1, 0, gzipSync(layer("roads"))]]),
    );
    const over = await start(BINARY, ["serve", "--data", path.join(folder, "copy"), "--clock", NOW, "--basemap", file]);
    const browser = await launch();
    try {
      for (const name of ["light", "dark"]) {
        const style = await (await fetch(`${over.base}/styles/${name}.json`)).json();
        assert.deepEqual(validateStyleMin(style).map((error) => error.message), []);
        assert.equal(style.layers[1].source, "basemap");
        assert.equal(style.sources.basemap.type, kind === "pictures" ? "raster" : "vector");
      }
      const described = await (await fetch(`${over.base}/basemap.json`)).json();
      assert.deepEqual([described.minzoom, described.maxzoom, described.attribution], [0, 1, "© mapmakers"]);
      const tile = await raw(`${over.base}/basemap/1/1/0`);
      assert.deepEqual([tile.status, tile.coding], [200, kind === "pictures" ? undefined : "gzip"]);
      assert.equal((await raw(`${over.base}/basemap/1/0/0`)).status, 204);
      const { page, context, complaints } = await open(browser, { base: over.base });
      await mapDrawn(page);
      const shown = await page.evaluate(() => {
        const map = /** @type {any} */ (window).vungxanh.map;
        return { loaded: map.isSourceLoaded("basemap"), second: map.getStyle().layers[1].source };
      });
      assert.deepEqual(shown, { loaded: true, second: "basemap" });
      assert.match(await page.locator(".maplibregl-ctrl-attrib").innerText(), /mapmakers/);
      await picture(page, `basemap-${kind}`);
      quiet(complaints);
      await context.close();
    } finally {
      await browser.close();
      await over.stop();
    }
  });
}
