// What the pages and other people's maps rely on: styles, tiles, texts, types.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { VectorTile } from "@mapbox/vector-tile";
import { validateStyleMin } from "@maplibre/maplibre-gl-style-spec";
import * as pbf from "pbf";
import { api, BASE } from "./browser.mjs";

const Pbf = /** @type {any} */ (pbf).PbfReader ?? /** @type {any} */ (pbf).default;
const ROOT = path.join(import.meta.dirname, "../..");
const LAYERS = ["areas", "cells", "venues", "zones"];

for (const name of ["light", "dark"]) {
  test(`the ${name} style passes MapLibre's validator`, async () => {
    const style = await api(`/styles/${name}.json`);
    assert.deepEqual(validateStyleMin(style).map((error) => error.message), []);
    const sources = Object.values(style.sources);
    assert.ok(sources.length > 0 && style.layers.length > 0);
    for (const layer of style.layers) if (layer.source) assert.ok(style.sources[layer.source], layer.id);
  });
}

test("TileJSON names absolute tiles and its layers", async () => {
  const described = await api(`/tiles/${LAYERS.join(",")}.json`);
  assert.equal(described.tilejson, "3.0.0");
  for (const tile of described.tiles) assert.match(tile, /^https?:\/\/.*\{z\}\/\{x\}\/\{y\}/);
  const ids = described.vector_layers.map((/** @type {any} */ layer) => layer.id);
  for (const layer of LAYERS) assert.ok(ids.includes(layer), layer);
});

test("tiles decode with @mapbox/vector-tile at every zoom", async () => {
  const described = await api(`/tiles/${LAYERS.join(",")}.json`);
  const [west, south, east, north] = described.bounds;
  const [lng, lat] = [(west + east) / 2, (south + north) / 2];
  let features = 0;
  for (let z = 5; z <= 14; z++) {
    const side = 2 ** z;
    const x = Math.floor(((lng + 180) / 360) * side);
    const sin = Math.sin((lat * Math.PI) / 180);
    const y = Math.floor((0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * side);
    const answer = await fetch(described.tiles[0].replace("{z}", z).replace("{x}", x).replace("{y}", y).replace(/^https?:\/\/[^/]+/, BASE));
    assert.ok([200, 204].includes(answer.status), `${z}/${x}/${y} answered ${answer.status}`);
    if (answer.status === 204) continue;
    assert.match(answer.headers.get("content-type") ?? "", /mapbox-vector-tile/);
    const tile = new VectorTile(new Pbf(new Uint8Array(await answer.arrayBuffer())));
    for (const layer of Object.values(tile.layers)) {
      assert.equal(layer.version, 2);
      for (let index = 0; index < layer.length; index++) {
        const feature = layer.feature(index);
        assert.ok(feature.loadGeometry().length > 0);
        features++;
      }
    }
  }
  assert.ok(features > 0);
});

test("both languages have the same keys, and the scripts use no others", async () => {
  const [vi, en] = await Promise.all(["vi", "en"].map(async (lang) => JSON.parse(await readFile(path.join(ROOT, `web/i18n/${lang}.json`), "utf8"))));
  assert.deepEqual(Object.keys(vi).sort(), Object.keys(en).sort());
  for (const [key, text] of Object.entries({ ...vi, ...en })) assert.equal(text, String(text).normalize("NFC"), key);
  for (const [key, text] of Object.entries(vi)) {
    const places = (/** @type {unknown} */ each) => (String(each).match(/\{\w+\}/g) ?? []).sort();
    assert.deepEqual(places(text), places(en[key]), key);
  }
  for (const file of ["main.js", "map.js", "panel.js", "search.js", "time.js", "player.js", "formats.js", "pair.js", "figures.js", "venue.js"]) {
    const source = await readFile(path.join(ROOT, "web/app", file), "utf8");
    for (const [, key] of source.matchAll(/\.text\("([^"]+)"/g)) assert.ok(key && key in vi, `${file}: ${key}`);
  }
});

test("the scripts pass the type checker", async () => {
  const tsc = path.join(import.meta.dirname, "node_modules/.bin/tsc");
  const { stdout } = await promisify(execFile)(tsc, ["--project", import.meta.dirname]).catch((error) => error);
  assert.equal(stdout, "");
});

test("no lock file names a host, and no script loads from one", async () => {
  for (const lock of ["web/package-lock.json", "tests/browser/package-lock.json"]) {
    const { packages } = JSON.parse(await readFile(path.join(ROOT, lock), "utf8"));
    for (const [name, each] of Object.entries(/** @type {Record<string, any>} */ (packages))) {
      if (each.resolved) assert.match(each.resolved, /^https:\/\/registry\.npmjs\.org\//, name);
      if (name) assert.ok(each.integrity, `${name} has an integrity hash`);
    }
  }
  for (const file of ["boot", "words", "api", "theme", "time", "live", "map", "panel", "search", "main", "frames", "steps", "player", "formats", "pair", "figures", "venue", "cells/decode", "cells/ids", "cells/outline", "cells/mvt", "cells/weigh", "cells/worker", "cells/protocol"]) {
    const source = await readFile(path.join(ROOT, "web/app", `${file}.js`), "utf8");
    assert.doesNotMatch(source.replaceAll("http://www.w3.org/2000/svg", ""), /["'`]https?:\/\/[a-z]/, file);
  }
});
