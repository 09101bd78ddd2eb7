// The live map: it draws, explains, travels in time, finds, and takes an official's key.

import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { api, BASE, launch, mapDrawn, open, picture, quiet } from "./browser.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/**
 * Waits until features of a layer stand on the screen. "Drawn" alone does not tell: a map between two styles has
 * nothing left to load.
 * @param {import("playwright-core").Page} page @param {string} layer
 */
async function shows(page, layer) {
  await page.waitForFunction(
    (name) => /** @type {any} */ (window).vungxanh.map.queryRenderedFeatures().some((/** @type {any} */ f) => f.sourceLayer === name),
    layer,
    { timeout: 60_000 },
  );
}

/** The same for a layer that was taken away. @param {import("playwright-core").Page} page @param {string} layer */
async function hides(page, layer) {
  await page.waitForFunction(
    (name) => !(/** @type {any} */ (window).vungxanh.map.queryRenderedFeatures().some((/** @type {any} */ f) => f.sourceLayer === name)),
    layer,
    { timeout: 60_000 },
  );
}

test("the canvas shows areas and cells, in Vietnamese controls", async () => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  await shows(page, "areas");
  await shows(page, "cells");
  assert.equal(await page.locator(".maplibregl-ctrl-zoom-in").getAttribute("aria-label"), "Phóng to");
  assert.equal(await page.locator("#picture").isVisible(), false);
  quiet(complaints);
  await context.close();
});

for (const width of [390, 1440]) {
  test(`a click on the map explains the place step by step at ${width} px`, async () => {
    const { page, context, complaints } = await open(browser, { width, lang: width === 390 ? "vi" : "en" });
    await mapDrawn(page);
    // Waited for: the first picture may come before the cells' tiles.
    const found = await page.waitForFunction(() => {
      const map = /** @type {any} */ (window).vungxanh.map;
      const { width: w, height: h } = map.getCanvas().getBoundingClientRect();
      for (let y = h * 0.3; y < h * 0.7; y += 12) {
        for (let x = w * 0.2; x < w * 0.8; x += 12) {
          const there = map.queryRenderedFeatures([x, y]);
          if (there.some((/** @type {any} */ f) => f.sourceLayer === "cells" && f.properties.level > 0)) return { x, y };
        }
      }
      return null;
    });
    const spot = /** @type {{x: number, y: number}} */ (await found.jsonValue());
    await page.locator("#map canvas").click({ position: spot });
    const panel = page.locator("#panel");
    await page.locator("#panel[data-ready=true]").waitFor({ timeout: 20_000 });
    // A cell below the threshold says that its details are held back.
    assert.ok((await panel.locator(".steps li, .note").count()) > 0, await panel.innerText());
    await picture(page, `why-cell-${width}`);
    await page.keyboard.press("Escape");
    assert.equal(await panel.isVisible(), false);
    quiet(complaints);
    await context.close();
  });
}

test("a row of the table explains its area, and the focus comes back", async () => {
  const { page, context, complaints } = await open(browser, { theme: "dark" });
  await mapDrawn(page);
  const link = page.locator("a[data-explain=area]").first();
  await link.focus();
  await page.keyboard.press("Enter");
  await page.locator("#panel[data-ready=true]").waitFor();
  assert.ok((await page.locator("#panel .steps li").count()) > 0);
  await picture(page, "why-area-dark-1440");
  await page.keyboard.press("Escape");
  assert.ok(await link.evaluate((element) => element === document.activeElement));
  quiet(complaints);
  await context.close();
});

test("a venue at risk explains itself", async (t) => {
  const { page, context, complaints } = await open(browser, { width: 390 });
  await mapDrawn(page);
  const link = page.locator("a[data-explain=venue]").first();
  if ((await link.count()) === 0) {
    t.skip("no venue is at risk in this demo");
    return context.close();
  }
  await link.click();
  await page.locator("#panel[data-ready=true]").waitFor();
  assert.ok((await page.locator("#panel .steps li").count()) > 0);
  await mapDrawn(page);
  await picture(page, "why-venue-390");
  quiet(complaints);
  await context.close();
});

test("the slider asks for tiles of its day", async () => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  const asked = page.waitForRequest((request) => /\/tiles\/.*\?at=/.test(request.url()));
  await page.locator("#at").fill("3");
  await page.locator("#at").dispatchEvent("change");
  const url = new URL((await asked).url());
  assert.match(url.searchParams.get("at") ?? "", /^\d{4}-\d\d-\d\dT23:59:59\+07:00$/);
  await mapDrawn(page);
  await picture(page, "past-1440");
  await page.locator("#now").click();
  assert.equal(await page.locator("#now").isVisible(), false);
  quiet(complaints);
  await context.close();
});

test("layers can be switched off and on", async () => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  await page.locator("#layers input[value=cells]").uncheck();
  await hides(page, "cells");
  await picture(page, "areas-only-1440");
  await page.locator("#layers input[value=cells]").check();
  await shows(page, "cells");
  quiet(complaints);
  await context.close();
});

test("search finds a venue by its name without marks", async () => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  const { items } = await api("/v1/venues?limit=50");
  const name = items.map((/** @type {any} */ venue) => venue.name).find((/** @type {string} */ each) => /[^\p{ASCII}]/u.test(each)) ?? items[0].name;
  const plain = name.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d");
  await page.locator("#q").fill(plain);
  const option = page.locator("#found [role=option]", { hasText: name }).first();
  await option.waitFor();
  await picture(page, "search-1440");
  await page.locator("#q").press("ArrowDown");
  await page.locator("#q").press("Enter");
  await page.locator("#panel[data-ready=true]").waitFor();
  quiet(complaints);
  await context.close();
});

test("the theme button changes page and map, and is remembered", async () => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  const asked = page.waitForRequest((request) => request.url().includes("/styles/dark.json"));
  await page.locator("#theme").click();
  await asked;
  await page.waitForFunction(() => /\(dark\)/.test(/** @type {any} */ (window).vungxanh.map.getStyle()?.name ?? ""));
  await mapDrawn(page);
  await shows(page, "areas");
  await page.reload();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  quiet(complaints);
  await context.close();
});

test("a key in the address is used, hidden, and never put into an address again", async (t) => {
  const key = process.env.EXACT_KEY;
  if (!key) return t.skip("no EXACT_KEY");
  const { page, context } = await open(browser, { hash: `#key=${encodeURIComponent(key)}` });
  /** @type {string[]} */
  const leaks = [];
  let carried = false;
  page.on("request", (request) => {
    if (request.url().includes(key)) leaks.push(request.url());
    if (request.headers().authorization === `Bearer ${key}`) carried = true;
  });
  await mapDrawn(page);
  assert.ok(!page.url().includes(key));
  await page.locator("#key summary").click();
  await page.locator("#map canvas").press("+");
  await mapDrawn(page);
  await page.waitForTimeout(500);
  assert.ok(carried, "tiles are asked for with the key");
  assert.deepEqual(leaks, []);
  await page.locator("#key-drop").click();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("vungxanh.key")), null);
  await context.close();
});

test("a venue that opens appears, and only the tiles around it are asked for again", async (t) => {
  const key = process.env.OFFICIAL_KEY;
  if (!key) return t.skip("no OFFICIAL_KEY");
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  const { items } = await api("/v1/venues?limit=1");
  const { lng, lat } = items[0];
  await page.evaluate(([x, y]) => /** @type {any} */ (window).vungxanh.map.jumpTo({ center: [x, y], zoom: 15.2 }), [lng, lat]);
  await mapDrawn(page);
  const id = `opened-${Date.now()}`;
  const count = () =>
    page.evaluate((name) => {
      const map = /** @type {any} */ (window).vungxanh.map;
      return map.queryRenderedFeatures().filter((/** @type {any} */ f) => f.sourceLayer === "venues" && f.properties.id === name).length;
    }, id);
  assert.equal(await count(), 0);
  /** @type {string[]} */
  const asked = [];
  page.on("request", (request) => {
    const tile = /\/tiles\/([a-z,]+)\/(\d+)\/(\d+)\/(\d+)/.exec(request.url());
    if (tile) asked.push(tile.slice(1).join("/"));
  });
  const answer = await fetch(`${BASE}/v1/venues/${id}`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ id, name: "Chợ mới mở", kind: "market", lng: lng + 0.0005, lat }),
  });
  assert.ok(answer.ok, await answer.text());
  await page.waitForFunction(
    (name) => /** @type {any} */ (window).vungxanh.map.queryRenderedFeatures().some((/** @type {any} */ f) => f.properties.id === name),
    id,
    { timeout: 30_000 },
  );
  assert.ok(asked.length > 0);
  // The demo lives on, so a tile elsewhere may have changed as well; but never all that are on the screen.
  const own = asked.filter((each) => each.includes("venues"));
  assert.ok(own.length <= 6, asked.join(" "));
  quiet(complaints);
  await context.close();
});

test("the README's picture is remade", async (t) => {
  const target = process.env.README_PICTURE;
  if (!target) return t.skip("no README_PICTURE");
  const { page, context } = await open(browser, { width: 1280 });
  await page.setViewportSize({ width: 1280, height: 760 });
  await mapDrawn(page);
  mkdirSync(path.dirname(target), { recursive: true });
  await page.screenshot({ path: target });
  assert.ok(statSync(target).size < 300_000, `${statSync(target).size} bytes`);
  await context.close();
});
