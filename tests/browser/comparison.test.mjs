// Two formats side by side: the maps show the same cells, and the figures are those of the bytes.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import axeModule from "@axe-core/playwright";
import { BASE, launch, open, picture, quiet } from "./browser.mjs";

const AxeBuilder = /** @type {any} */ (axeModule).default ?? axeModule;
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

/** The bytes of a tile as they come, in that coding. @param {string} path @param {string} coding */
async function raw(path, coding) {
  const [answer] = await once(http.get(BASE + path, { headers: { "accept-encoding": coding } }), "response");
  const parts = [];
  for await (const part of answer) parts.push(part);
  assert.ok([200, 204].includes(answer.statusCode), `${path} answered ${answer.statusCode}`);
  return { bytes: Buffer.concat(parts), coding: answer.headers["content-encoding"] ?? "identity" };
}

test("in every view both maps show the same cells with the same properties, and the table says what they weigh", { timeout: 300_000 }, async (t) => {
  const { page, context, complaints } = await openFormats({ lang: "en" });
  const home = await page.evaluate(() => {
    const { mvt } = /** @type {any} */ (window).vungxanh;
    return { center: mvt.getCenter().toArray(), zoom: mvt.getZoom() };
  });
  const busiest = await page.evaluate(() => {
    const { mvt } = /** @type {any} */ (window).vungxanh;
    const [most] = mvt
      .queryRenderedFeatures()
      .filter((/** @type {any} */ each) => each.sourceLayer === "cells")
      .sort((/** @type {any} */ a, /** @type {any} */ b) => (b.properties.visits ?? 0) - (a.properties.visits ?? 0));
    return most.geometry.coordinates[0][0];
  });
  for (const [center, zoom] of /** @type {[[number, number], number][]} */ ([[home.center, home.zoom], [home.center, 5], [busiest, 9.4], [busiest, 12], [busiest, 14.5]])) {
    await goTo(page, center, zoom);
    const [mvt, compact] = [await cells(page, "mvt"), await cells(page, "compact")];
    assert.ok(mvt.length > 0, `no cells at zoom ${zoom}`);
    assert.deepEqual(compact, mvt);
    const places = await page.evaluate(() => {
      const { mvt: map } = /** @type {any} */ (window).vungxanh;
      const source = map.getSource("cells");
      const tiles = map.coveringTiles({ tileSize: 512, minzoom: source.minzoom, maxzoom: source.maxzoom });
      return [...new Set(tiles.filter((/** @type {any} */ tile) => source.hasTile(tile)).map(({ canonical }) => `${canonical.z}/${canonical.x}/${canonical.y}`))];
    });
    const [sent, gzip, plain, count, ratio] = await Promise.all(["sent", "gzip", "plain", "cells", "ratio"].map((row) => figures(page, row)));
    const coding = (await page.locator('[data-row="sent"] [data-sub]').innerText()).split(": ")[1] ?? "";
    for (const [format, ending] of [["mvt", "mvt"], ["compact", "cells"]]) {
      const name = String(format);
      const answers = await Promise.all(places.map((place) => raw(`/tiles/cells/${place}.${ending}`, coding.split(", ")[0] ?? "")));
      const bodies = await Promise.all(places.map((place) => raw(`/tiles/cells/${place}.${ending}`, "identity")));
      const length = (/** @type {{bytes: Buffer}[]} */ all) => all.reduce((sum, each) => sum + each.bytes.length, 0);
      assert.equal(sent[name], length(answers), `${name} at zoom ${zoom}`);
      assert.equal(plain[name], length(bodies));
      // Two programs compress with gzip nearly alike.
      const packed = bodies.reduce((sum, { bytes }) => sum + (bytes.length ? gzipSync(bytes).length : 0), 0);
      assert.ok(Math.abs(gzip[name] - packed) <= packed * 0.05, `${gzip[name]} bytes of gzip on the page, ${packed} here`);
    }
    assert.equal(count.compact, count.mvt);
    assert.ok(Math.abs(ratio.compact - gzip.mvt / gzip.compact) < 1e-9);
    t.diagnostic(`zoom ${zoom.toFixed(1)}: ${count.mvt} cells, gzip ${gzip.mvt} and ${gzip.compact} bytes, ${ratio.compact.toFixed(2)} times`);
  }
  await picture(page, "formats-city-1440");
  await goTo(page, [110, 15], 7);
  assert.equal(await page.locator("#verdict").innerText(), "No cells stand in this view.");
  quiet(complaints);
  await context.close();
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
        const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
        const serious = found.violations
          .filter((/** @type {any} */ each) => ["serious", "critical"].includes(each.impact))
          .map((/** @type {any} */ each) => `${each.id}: ${each.nodes.map((/** @type {any} */ n) => n.target).join(" ")}`);
        assert.deepEqual(serious, []);
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
