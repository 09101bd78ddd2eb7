// MapLibre Tiles and compact cells say what MVT says: each is read in Chromium by somebody else's decoder or by the
// description of the format, beside MVT read by @mapbox/vector-tile.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { VectorTile } from "@mapbox/vector-tile";
import * as pbf from "pbf";
import { api, BASE, launch } from "./browser.mjs";
import { start } from "./start.mjs";

const Pbf = /** @type {any} */ (pbf).PbfReader ?? /** @type {any} */ (pbf).default;
const MODULES = path.join(import.meta.dirname, "node_modules");
/** A corner of the server's address that is answered here: the decoders come from this folder. */
const CORNER = "/packages-of-the-tests/";
const LISTS = ["areas", "cells", "venues", "zones", "areas,cells,venues,zones"];
const ZOOMS = [0, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MLT = "application/vnd.maplibre-tile";

/** @typedef {{type: number, rings: string[][], properties: Record<string, unknown>}} Feature */
/** @typedef {{name: string, extent: number, features: Feature[]}} Layer */

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("playwright-core").Page} */
let page;
before(async () => {
  browser = await launch();
  page = await browser.newPage();
  await page.route(`**${CORNER}**`, async (route) => {
    const name = new URL(route.request().url()).pathname.slice(CORNER.length);
    if (name === "") {
      const imports = { "@maplibre/mlt": `${CORNER}@maplibre/mlt/dist/index`, "@mapbox/point-geometry": `${CORNER}@mapbox/point-geometry/index.js` };
      return route.fulfill({ contentType: "text/html", body: `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script><div id="map" style="width:512px;height:512px"></div>` });
    }
    // The package names its own modules without their ending.
    const file = [name, `${name}.js`].map((each) => path.join(MODULES, each)).find((each) => path.extname(each) !== "" && existsSync(each));
    return file ? route.fulfill({ contentType: "text/javascript", body: await readFile(file) }) : route.abort();
  });
  await page.goto(BASE + CORNER);
});
after(async () => {
  await browser?.close();
});

/** A tile as MVT and in another format, both of the same moment. @param {string} address @param {string} accept @param {string} key @param {string} [base] */
async function both(address, accept, key, base = BASE) {
  const headers = { ...(key && { authorization: `Bearer ${key}` }), "accept-encoding": "identity" };
  for (let turn = 0; turn < 10; turn++) {
    const [first, other, second] = [await fetch(base + address, { headers }), await fetch(base + address, { headers: { ...headers, accept } }), await fetch(base + address, { headers })];
    // A live tile may move on meanwhile.
    if (first.headers.get("etag") !== second.headers.get("etag")) continue;
    assert.equal(first.status, other.status, address);
    if (first.status === 204) return null;
    assert.equal(first.status, 200, address);
    assert.equal(other.headers.get("content-type"), accept);
    assert.notEqual(first.headers.get("etag"), other.headers.get("etag"));
    const mvt = new Uint8Array(await first.arrayBuffer());
    return { mvt, other: Buffer.from(await other.arrayBuffer()) };
  }
  throw new Error(`${address} never stood still`);
}

/**
 * A ring from its smallest vertex on, without the closing one: writers may begin anywhere.
 * @param {{x: number, y: number}[]} points
 */
function ring(points) {
  const all = points.map(({ x, y }) => `${x},${y}`);
  if (all.length > 1 && all.at(-1) === all[0]) all.pop();
  const start = all.indexOf([...all].sort()[0] ?? "");
  return [...all.slice(start), ...all.slice(0, start)];
}

/** @param {{x: number, y: number}[]} points */
const isExterior = (points) => points.reduce((sum, at, index) => sum + at.x * (points[(index + 1) % points.length]?.y ?? 0) - (points[(index + 1) % points.length]?.x ?? 0) * at.y, 0) > 0;

/** @param {Uint8Array} bytes @returns {Layer[]} */
function readMvt(bytes) {
  return Object.values(new VectorTile(new Pbf(bytes)).layers).map((layer) => ({
    name: layer.name,
    extent: layer.extent,
    features: Array.from({ length: layer.length }, (_, index) => {
      const feature = layer.feature(index);
      const geometry = feature.loadGeometry();
      const parts = feature.type === 1 ? geometry.length : geometry.filter(isExterior).length;
      // Point 0, polygon 2, several of them 3 more.
      return { type: (feature.type === 1 ? 0 : 2) + (parts > 1 ? 3 : 0), rings: geometry.map(ring), properties: { ...feature.properties } };
    }),
  }));
}

/** @param {Buffer} bytes @returns {Promise<Layer[]>} */
async function readMlt(bytes) {
  const layers = await page.evaluate(async (text) => {
    const { decodeTile } = await import(/** @type {any} */ ("@maplibre/mlt"));
    const tile = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    return decodeTile(tile).map((/** @type {any} */ table) => ({
      name: table.name,
      extent: table.extent,
      features: table.getFeatures().map((/** @type {any} */ { geometry, properties }) => ({
        type: geometry.type,
        rings: geometry.coordinates.map((/** @type {any[]} */ points) => points.map(({ x, y }) => ({ x, y }))),
        properties,
      })),
    }));
  }, bytes.toString("base64"));
  return layers.map((/** @type {any} */ layer) => ({ ...layer, features: layer.features.map((/** @type {any} */ feature) => ({ ...feature, rings: feature.rings.map(ring) })) }));
}

/** Tiles over a few venues and a zone, at every zoom. @returns {Promise<string[]>} */
async function places() {
  const { items: venues } = await api("/v1/venues?limit=40");
  const { items: zones } = await api("/v1/zones?limit=2");
  const { bounds } = await api("/tiles/areas.json");
  const points = [venues[0], venues.at(-1)].map((venue) => [venue.lng, venue.lat]);
  for (const zone of zones) points.push(zone.geometry?.coordinates?.flat(3).slice(0, 2) ?? [bounds[0], bounds[1]]);
  points.push([(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]);
  const tiles = new Set();
  for (const [lng, lat] of points) {
    for (const z of ZOOMS) {
      const sin = Math.sin((lat * Math.PI) / 180);
      const [x, y] = [(lng + 180) / 360, 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)].map((part) => Math.floor(part * 2 ** z));
      tiles.add(`${z}/${x}/${y}`);
    }
  }
  return [...tiles];
}

for (const [who, key] of [["everybody", ""], ["an analyst", process.env.EXACT_KEY ?? ""]]) {
  test(`MapLibre Tiles for ${who} decode to the layers, features, properties and shapes of MVT`, async () => {
    assert.ok(who === "everybody" || key, "the demo prints a key for exact figures");
    /** @type {Record<string, number>} */
    const seen = {};
    let [tiles, mvtBytes, mltBytes, fractions, holes] = [0, 0, 0, 0, 0];
    for (const place of await places()) {
      for (const list of LISTS) {
        const pair = await both(`/tiles/${list}/${place}`, MLT, key ?? "");
        if (!pair) continue;
        const [mvt, mlt] = [readMvt(pair.mvt), await readMlt(pair.other)];
        assert.deepEqual(mlt.map(({ name, extent, features }) => [name, extent, features.length]), mvt.map(({ name, extent, features }) => [name, extent, features.length]), `${list} ${place}`);
        for (const [index, layer] of mvt.entries()) {
          assert.deepEqual(mlt[index]?.features, layer.features, `${layer.name} of ${list} ${place}`);
          seen[layer.name] = (seen[layer.name] ?? 0) + layer.features.length;
          fractions += layer.features.filter(({ properties }) => typeof properties.rate === "number" && properties.rate % 1 !== 0).length;
          holes += layer.features.filter(({ type, rings }) => type === 2 && rings.length > 1).length;
        }
        tiles++;
        mvtBytes += pair.mvt.length;
        mltBytes += pair.other.length;
      }
    }
    console.log(`${tiles} tiles, ${JSON.stringify(seen)}, ${fractions} rates with a fraction, ${holes} polygons with holes; ${mvtBytes} bytes of MVT, ${mltBytes} of MLT`);
    for (const layer of ["areas", "area_labels", "cells", "venues", "zones"]) assert.ok((seen[layer] ?? 0) > 0, layer);
    assert.ok(fractions > 0);
  });
}

test("shapes of several parts and with holes, and names on both edges of the world, are the same in MapLibre Tiles", async (context) => {
  const binary = process.env.VUNGXANH_BIN;
  if (!binary) return context.skip("runs the program's commands");
  const folder = await mkdtemp(path.join(tmpdir(), "vungxanh-formats-"));
  /** @param {number} west @param {number} south @param {number} side */
  const square = (west, south, side) => [[west, south], [west + side, south], [west + side, south + side], [west, south + side], [west, south]];
  const holed = [square(10, 10, 8), square(11, 11, 2).reverse(), square(14, 14, 3).reverse()];
  const shapes = [
    { type: "Polygon", coordinates: [square(0, 0, 5)] },
    { type: "Polygon", coordinates: holed },
    { type: "MultiPolygon", coordinates: [[square(30, 0, 4)], [square(40, 10, 6), square(42, 12, 2).reverse()]] },
    { type: "Polygon", coordinates: [square(178, 20, 1.9)] },
  ];
  const features = shapes.map((geometry, index) => ({ type: "Feature", geometry, properties: { code: `p${index}`, name: `Tỉnh ${index}`, level: "province", valid_from: "2021-01-01" } }));
  const file = path.join(folder, "areas.geojson");
  await writeFile(file, JSON.stringify({ type: "FeatureCollection", features }));
  const data = path.join(folder, "data");
  await promisify(execFile)(binary, ["import", "areas", file, "--data", data, "--strict"]);
  const server = await start(binary, ["serve", "--data", data, "--clock", "2021-11-22T09:00:00+07:00"]);
  try {
    const types = new Set();
    let holes = 0;
    for (const place of ["0/0/0", "1/1/0", "2/2/1", "3/4/3", "4/8/7", "4/9/7", "5/16/15", "5/17/14", "5/19/15", "5/31/13", "6/34/29", "6/39/29"]) {
      const pair = await both(`/tiles/areas/${place}`, MLT, "", server.base);
      if (!pair) continue;
      const [mvt, mlt] = [readMvt(pair.mvt), await readMlt(pair.other)];
      assert.deepEqual(mlt, mvt, place);
      for (const { type, rings } of mvt.flatMap((layer) => layer.features)) {
        types.add(type);
        if (type === 2 && rings.length > 1) holes++;
      }
    }
    assert.deepEqual([...types].sort(), [0, 2, 3, 5], "points and polygons, one and several");
    assert.ok(holes > 0);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

/** Compact cells, read as their description says. @param {Buffer} bytes */
function readCompact(bytes) {
  let at = 0;
  const varint = () => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = BigInt(bytes.readUInt8(at++));
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
      shift += 7n;
    }
  };
  assert.equal(bytes.toString("latin1", 0, 4), "VXC1");
  at = 4;
  const [resolution, count] = [varint(), Number(varint())];
  /** @param {bigint} position @param {bigint} r */
  const id = (position, r) => (1n << 59n) | (r << 52n) | (position << (3n * (15n - r))) | ((1n << (3n * (15n - r))) - 1n);
  let position = 0n;
  const positions = Array.from({ length: count }, () => (position += varint()));
  /** @type {Record<string, unknown>[]} */
  const cells = positions.map((each) => ({ h3: id(each, resolution).toString(16) }));
  for (let columns = Number(varint()); columns > 0; columns--) {
    const length = Number(varint());
    const key = bytes.toString("utf8", at, at + length);
    const kind = bytes.readUInt8(at + length);
    at += length + 1;
    /** @type {string[]} */
    const texts = [];
    for (let left = kind === 4 ? Number(varint()) : 0; left > 0; left--) {
      const size = Number(varint());
      texts.push(bytes.toString("utf8", at, at + size));
      at += size;
    }
    for (const [index, cell] of cells.entries()) {
      const number = varint();
      if (number === 0n) continue;
      const above = number - 1n;
      const values = [() => Number(above), () => Number(above) / 10, () => true, () => id((positions[index] ?? 0n) >> (3n * (resolution - above)), above).toString(16), () => texts[Number(above)]];
      cell[key] = /** @type {() => unknown} */ (values[kind])();
    }
  }
  assert.equal(at, bytes.length, "bytes are left over");
  return cells;
}

test("compact cells are the cells of MVT, with the same properties", async () => {
  let [cells, mvtBytes, compactBytes] = [0, 0, 0];
  for (const key of ["", process.env.EXACT_KEY ?? ""]) {
    for (const place of await places()) {
      const pair = await both(`/tiles/cells/${place}`, "application/vnd.vungxanh.cells", key);
      if (!pair) continue;
      const [layer] = readMvt(pair.mvt);
      const byId = (/** @type {any} */ a, /** @type {any} */ b) => (a.h3 < b.h3 ? -1 : 1);
      assert.deepEqual(readCompact(pair.other), layer?.features.map(({ properties }) => properties).sort(byId), place);
      cells += layer?.features.length ?? 0;
      mvtBytes += pair.mvt.length;
      compactBytes += pair.other.length;
    }
  }
  console.log(`${cells} cells: ${mvtBytes} bytes of MVT, ${compactBytes} compact`);
  assert.ok(cells > 1000, `${cells} cells`);
});

test("MapLibre GL JS draws the same from MapLibre Tiles as from MVT", async () => {
  const list = "areas,cells,venues,zones";
  const described = await api(`/tiles/${list}.mlt.json`);
  assert.equal(described.encoding, "mlt");
  assert.match(described.tiles[0], /\{y\}\.mlt$/);
  const asked = /** @type {string[]} */ ([]);
  page.on("response", (answer) => {
    if (/\/tiles\/.*\/\d+/.test(answer.url())) asked.push(`${answer.status()} ${answer.headers()["content-type"] ?? ""}`);
  });
  const drawn = await page.evaluate(
    async ([corner, url, plain]) => {
      const { Map: MapLibre } = await import(/** @type {any} */ (`${corner}maplibre-gl/dist/maplibre-gl.mjs`));
      const [west, south, east, north] = (await (await fetch(/** @type {string} */ (url))).json()).bounds;
      const draw = (/** @type {any} */ source) =>
        new Promise((done, fail) => {
          const layers = ["areas", "cells", "zones"].map((id) => ({ id, type: "fill", source: "shown", "source-layer": id }));
          const style = { version: 8, sources: { shown: source }, layers: [...layers, { id: "venues", type: "circle", source: "shown", "source-layer": "venues" }] };
          const map = new MapLibre({ container: "map", style, center: [(west + east) / 2, (south + north) / 2], zoom: 9, fadeDuration: 0 });
          map.on("error", (/** @type {any} */ event) => fail(event.error));
          map.once("idle", () => {
            const found = ["areas", "cells", "zones", "venues"].map((id) => {
              const features = map.querySourceFeatures("shown", { sourceLayer: id });
              return [id, features.length, features.map((/** @type {any} */ each) => JSON.stringify([each.geometry, Object.entries(each.properties).sort()])).sort().join("\n")];
            });
            map.remove();
            done(found);
          });
        });
      // By its own address, and by what MapLibre says in `Accept` when it is told the encoding.
      return { mlt: await draw({ type: "vector", url }), asked: await draw({ type: "vector", url: plain, encoding: "mlt" }), mvt: await draw({ type: "vector", url: plain }) };
    },
    [CORNER, `${BASE}/tiles/${list}.mlt.json`, `${BASE}/tiles/${list}.json`],
  );
  const [mlt, asking, mvt] = [drawn.mlt, drawn.asked, drawn.mvt].map((layers) => /** @type {any[]} */ (layers));
  for (const [index, [id, count, features]] of (mvt ?? []).entries()) {
    for (const other of [mlt?.[index], asking?.[index]]) {
      assert.equal(other[1], count, id);
      assert.ok(other[2] === features, `${id} differ`);
    }
    assert.ok(id === "zones" || count > 0, id);
  }
  for (const type of [MLT, "application/vnd.mapbox-vector-tile"]) assert.ok(asked.includes(`200 ${type}`), `${type} among ${[...new Set(asked)]}`);
});
