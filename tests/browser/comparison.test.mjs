// Two formats side by side: the maps show the same cells, and the figures are those of the bytes.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { VectorTile } from "@mapbox/vector-tile";
import * as h3 from "h3-js";
import { PbfReader, PbfWriter } from "pbf";
import { decodeCells } from "../../web/app/cells/decode.js";
import { buildTile } from "../../web/app/cells/mvt.js";
import { accessible, api, BASE, launch, open, picture, quiet } from "./browser.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const LONG = 60_000;

/** @param {Omit<NonNullable<Parameters<typeof open>[1]>, "path">} options */
async function openFormats(options) {
  const opened = await open(browser, { ...options, path: "/formats" });
  await settled(opened.page);
  return opened;
}

/** Waits until both maps are drawn and weighed. @param {import("playwright-core").Page} page */
async function settled(page) {
  await page.waitForFunction(
    () => {
      const pair = /** @type {any} */ (window).vungxanh;
      const still = [pair?.mvt, pair?.compact].every((map) => map?.isStyleLoaded() && map.areTilesLoaded() && !map.isMoving());
      return still && document.getElementById("figures")?.dataset.state === "ready";
    },
    null,
    { timeout: LONG },
  );
}

/** @param {import("playwright-core").Page} page @param {[number, number]} center @param {number} zoom */
async function goTo(page, center, zoom) {
  await page.evaluate(
    ([at, z]) => {
      const { mvt, figures } = /** @type {any} */ (window).vungxanh;
      figures.table.dataset.state = "moving";
      mvt.jumpTo({ center: at, zoom: z });
    },
    /** @type {const} */ ([center, zoom]),
  );
  await settled(page);
}

/** What a map shows, each cell once. @param {import("playwright-core").Page} page @param {"mvt" | "compact"} side */
function cells(page, side) {
  return page.evaluate((name) => {
    const found = new Map();
    for (const each of /** @type {any} */ (window).vungxanh[name].queryRenderedFeatures()) {
      if (each.sourceLayer === "cells") found.set(each.id, { ...each.properties });
    }
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  }, side);
}

/** A row of the table as numbers. @param {import("playwright-core").Page} page @param {string} row */
function figures(page, row) {
  return page.locator(`#figures [data-row="${row}"] td[data-format]`).evaluateAll((all) =>
    Object.fromEntries(all.map((cell) => [/** @type {HTMLElement} */ (cell).dataset.format, Number(/** @type {HTMLElement} */ (cell).dataset.value)])),
  );
}

/** The bytes of a tile as they come, in that coding. @param {string} path @param {string} coding @param {Record<string, string>} headers */
async function raw(path, coding, headers) {
  const [answer] = await once(http.get(BASE + path, { headers: { ...headers, "accept-encoding": coding } }), "response");
  const parts = [];
  for await (const part of answer) parts.push(part);
  assert.ok([200, 204].includes(answer.statusCode), `${path} answered ${answer.statusCode}`);
  return Buffer.concat(parts);
}

/** A corner of the busiest cell on the screen. @param {import("playwright-core").Page} page @returns {Promise<[number, number]>} */
function busiest(page) {
  return page.evaluate(() => {
    const cells = /** @type {any} */ (window).vungxanh.mvt.queryRenderedFeatures().filter((/** @type {any} */ each) => each.sourceLayer === "cells");
    const visits = (/** @type {any} */ each) => each.properties.visits ?? 0;
    return cells.reduce((/** @type {any} */ a, /** @type {any} */ b) => (visits(b) > visits(a) ? b : a)).geometry.coordinates[0][0];
  });
}

/** The tiles on the screen. @param {import("playwright-core").Page} page @returns {Promise<string[]>} */
function places(page) {
  return page.evaluate(() => {
    const map = /** @type {any} */ (window).vungxanh.mvt;
    const source = map.getSource("cells");
    const tiles = map.coveringTiles({ tileSize: 512, minzoom: source.minzoom, maxzoom: source.maxzoom });
    return [...new Set(tiles.filter((/** @type {any} */ tile) => source.hasTile(tile)).map(({ canonical: c }) => `${c.z}/${c.x}/${c.y}`))];
  });
}

/**
 * Both maps show the same, and the table's figures are those of the bytes that the server sends.
 * @param {import("playwright-core").Page} page @param {string} query @param {Record<string, string>} headers
 */
async function assertAlike(page, query, headers) {
  const [mvt, compact] = [await cells(page, "mvt"), await cells(page, "compact")];
  assert.ok(mvt.length > 0, "no cells");
  assert.deepEqual(compact, mvt);
  const [sent, gzip, plain, count, ratio] = [await figures(page, "sent"), await figures(page, "gzip"), await figures(page, "plain"), await figures(page, "cells"), await figures(page, "ratio")];
  const coding = (await page.locator('[data-row="sent"] [data-sub]').innerText()).split(": ")[1] ?? "";
  const shown = await places(page);
  for (const [format, ending] of [["mvt", "mvt"], ["compact", "cells"], ["mlt", "mlt"]]) {
    const name = String(format);
    const ask = (/** @type {string} */ as) => Promise.all(shown.map((place) => raw(`/tiles/cells/${place}.${ending}${query}`, as, headers)));
    const [packed, bodies] = [await ask(coding), await ask("identity")];
    const length = (/** @type {Buffer[]} */ all) => all.reduce((sum, each) => sum + each.length, 0);
    assert.equal(sent[name], length(packed), `${name}, as sent`);
    assert.equal(plain[name], length(bodies), `${name}, uncompressed`);
    // Two programs compress with gzip nearly alike.
    const here = bodies.reduce((sum, bytes) => sum + (bytes.length ? gzipSync(bytes).length : 0), 0);
    assert.ok(Math.abs((gzip[name] ?? 0) - here) <= here * 0.05, `${name}: ${gzip[name]} bytes of gzip on the page, ${here} here`);
    assert.ok(Math.abs((ratio[name] ?? 0) - (gzip.mvt ?? 0) / (gzip[name] ?? 0)) < 1e-9);
  }
  assert.equal(count.compact, count.mvt);
  return `${count.mvt} cells; gzip: MVT ${gzip.mvt}, MLT ${gzip.mlt}, compact ${gzip.compact} bytes, ${ratio.compact?.toFixed(2)} times less than MVT`;
}

for (const who of /** @type {const} */ (["everybody", "an analyst"])) {
  test(`in every view of ${who} both maps show the same cells, and the table says what they weigh`, { timeout: 300_000 }, async (t) => {
    const key = process.env.EXACT_KEY;
    if (who === "an analyst" && !key) return t.skip("no EXACT_KEY");
    /** @type {Record<string, string>} */
    const headers = who === "an analyst" ? { authorization: `Bearer ${key}` } : {};
    const { page, context, complaints } = await openFormats({ lang: "en", ...(who === "an analyst" ? { hash: `#key=${key}` } : {}) });
    let query = "";
    if (who === "an analyst") {
      // Exact figures of now move on between two answers; those of yesterday stand.
      const { as_of } = await page.evaluate(() => JSON.parse(document.getElementById("boot")?.textContent ?? "{}"));
      query = `?at=${new Date(Date.parse(as_of) - 86_400_000).toISOString().slice(0, 13)}:00:00Z`;
      await page.evaluate((asked) => /** @type {any} */ (window).vungxanh.ask(asked), query);
      await settled(page);
    }
    t.diagnostic(`the whole province: ${await assertAlike(page, query, headers)}`);
    for (const zoom of [5, 9.4, 12, 13, 14.5]) {
      await goTo(page, await busiest(page), zoom);
      t.diagnostic(`zoom ${zoom}: ${await assertAlike(page, query, headers)}`);
    }
    const choice = page.locator("#resolution");
    if ((await choice.count()) && who === "everybody") {
      await choice.selectOption("8");
      await settled(page);
      t.diagnostic(`resolution 8: ${await assertAlike(page, "?resolution=8", headers)}`);
      await choice.selectOption("");
      await settled(page);
    }
    await picture(page, `formats-close-${who === "everybody" ? "public" : "exact"}`);
    await goTo(page, [110, 15], 7);
    assert.equal(await page.locator("#verdict").innerText(), "No cells stand in this view.");
    quiet(complaints);
    await context.close();
  });
}

test("a compact tile is rebuilt to the server's own vector tile, vertex by vertex", async (t) => {
  const key = process.env.EXACT_KEY;
  /** @type {Record<string, string>} */
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  const { items } = await api("/v1/venues?limit=1");
  const { as_of } = await api("/v1/areas/" + encodeURIComponent((await api("/v1/areas?limit=1")).items[0].code) + "/level");
  const query = `?at=${new Date(Date.parse(as_of) - 86_400_000).toISOString().slice(0, 13)}:00:00Z`;
  const sin = Math.sin((items[0].lat * Math.PI) / 180);
  const [column, row] = [items[0].lng / 360 + 0.5, 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)];
  /** @param {Uint8Array} bytes */
  const features = (bytes) => {
    const layer = new VectorTile(new PbfReader(bytes)).layers.cells;
    return Array.from({ length: layer?.length ?? 0 }, (_, nth) => {
      const feature = /** @type {any} */ (layer).feature(nth);
      return { properties: { ...feature.properties }, rings: feature.loadGeometry().map((/** @type {any[]} */ ring) => ring.map(({ x, y }) => [x, y])) };
    }).sort((a, b) => (a.properties.h3 < b.properties.h3 ? -1 : 1));
  };
  let compared = 0;
  for (let z = 0; z <= 16; z++) {
    const [x, y] = [Math.floor(column * 2 ** z), Math.floor(row * 2 ** z)];
    for (const tile of [{ z, x, y }, { z, x: Math.max(0, x - 1), y }, { z, x, y: Math.max(0, y - 1) }]) {
      const path = `/tiles/cells/${tile.z}/${tile.x}/${tile.y}`;
      const [mvt, compact] = [await raw(`${path}.mvt${query}`, "identity", headers), await raw(`${path}.cells${query}`, "identity", headers)];
      assert.equal(compact.length === 0, mvt.length === 0, path);
      if (compact.length === 0) continue;
      const [expected, found] = [features(mvt), features(buildTile(decodeCells(compact), tile, h3, PbfWriter).bytes)];
      assert.deepEqual(found, expected, path);
      compared += found.length;
    }
  }
  assert.ok(compared > 100);
  t.diagnostic(`${compared} cells`);
});

test("moving either map moves the other", async () => {
  const { page, context, complaints } = await openFormats({});
  for (const [from, to] of /** @type {const} */ ([["mvt", "compact"], ["compact", "mvt"]])) {
    const places = await page.evaluate(
      ([moved, follower]) => {
        const pair = /** @type {any} */ (window).vungxanh;
        pair[moved].jumpTo({ center: [105.7 + Math.random() / 10, 21.6], zoom: 10 });
        return [moved, follower].map((side) => [pair[side].getCenter().toArray(), pair[side].getZoom()]);
      },
      /** @type {const} */ ([from, to]),
    );
    assert.deepEqual(places[0], places[1]);
  }
  await settled(page);
  quiet(complaints);
  await context.close();
});

test("a move while tiles come leaves nothing behind: the figures are of where the maps came to rest", async () => {
  const { page, context, complaints } = await openFormats({});
  await page.evaluate(async () => {
    const { mvt, figures: all } = /** @type {any} */ (window).vungxanh;
    all.table.dataset.state = "moving";
    for (let nth = 0; nth < 12; nth++) {
      mvt.jumpTo({ center: [105.6 + nth / 40, 21.5 + (nth % 3) / 20], zoom: 11 + (nth % 4) });
      await new Promise((done) => setTimeout(done, 30));
    }
  });
  await settled(page);
  await assertAlike(page, "", {});
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).vungxanh.protocol.waiting.size), 0);
  quiet(complaints);
  await context.close();
});

test("what the server refuses reaches the map with its reason", async () => {
  const { page, context } = await openFormats({});
  await context.route("**/*.cells*", (route) =>
    route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ title: "Busy", detail: "too many tiles at once" }) }),
  );
  const said = await page.evaluate(
    () =>
      new Promise((done) => {
        const { compact } = /** @type {any} */ (window).vungxanh;
        compact.on("error", (/** @type {any} */ event) => done({ message: event.error.message, status: event.error.status }));
        compact.jumpTo({ center: [105.84, 21.59], zoom: 13 });
      }),
  );
  assert.match(/** @type {any} */ (said).message, /too many tiles at once/);
  await context.close();
});

for (const lang of /** @type {const} */ (["vi", "en"])) {
  for (const theme of /** @type {const} */ (["light", "dark"])) {
    for (const width of [390, 1440]) {
      test(`the comparison stands in ${lang}, ${theme}, at ${width} px`, async () => {
        const { page, context, complaints } = await openFormats({ width, theme, lang });
        assert.equal(await page.locator("html").getAttribute("lang"), lang);
        assert.equal(await page.locator("h1").count(), 1);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `the page is ${wide} px wider than the screen`);
        assert.doesNotMatch(await page.locator("body").innerText(), /\b(formats|site|nav)\.[a-z_.]+\b|\{\w+\}/, "a text is missing from the language table");
        await page.evaluate(() => scrollTo(0, 0));
        await picture(page, `formats-${lang}-${theme}-${width}`);
        await accessible(page);
        quiet(complaints);
        await context.close();
      });
    }
  }
}

test("without scripts the words stand, and nothing is offered that cannot work", async () => {
  const { page, context } = await open(browser, { scripts: false, width: 390, path: "/formats" });
  assert.equal(await page.locator("#pair").isVisible(), false);
  assert.ok(await page.locator("#pair-note").isVisible());
  assert.ok((await page.locator(".about-grid p").count()) >= 3);
  await picture(page, "formats-no-scripts-390");
  await context.close();
});
