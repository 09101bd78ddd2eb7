// The animation: fourteen days over the province, every step whole, never an empty picture between two.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, mapDrawn, open, picture, quiet } from "./browser.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The map library's own drawing takes long without a graphics card: a step may take seconds, the whole minutes. */
const LONG = 600_000;

/**
 * Plays to the end as fast as it goes, and looks at every frame on the way.
 * @param {import("playwright-core").Page} page
 */
async function play(page) {
  /** @type {Map<string, Set<string>>} */
  const asked = new Map();
  page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    const at = searchParams.get("at");
    if (at && pathname.startsWith("/tiles/")) asked.set(at, (asked.get(at) ?? new Set()).add(pathname));
  });
  await page.evaluate(() => {
    const { map, player } = /** @type {any} */ (window).vungxanh;
    player.pace = { day: 0, hour: 0 };
    const { width, height } = map.getCanvas().getBoundingClientRect();
    const box = [[width * 0.35, height * 0.35], [width * 0.65, height * 0.65]];
    const seen = { frames: 0, empty: 0 };
    Object.assign(window, { seen });
    map.on("render", () => {
      if (!player.playing) return;
      seen.frames++;
      if (!map.queryRenderedFeatures(box).some((/** @type {any} */ each) => each.sourceLayer === "cells")) seen.empty++;
    });
  });
  // By the keyboard, as anybody may.
  await page.locator("#play").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => /** @type {any} */ (window).vungxanh.player.playing);
  await page.waitForFunction(() => !(/** @type {any} */ (window).vungxanh.player.playing), null, { timeout: LONG });
  const told = await page.evaluate(() => {
    const { player, live } = /** @type {any} */ (window).vungxanh;
    return { log: player.log, seen: /** @type {any} */ (window).seen, answers: live.frames.told, bytes: live.frames.bytes };
  });
  return { ...told, asked };
}

/**
 * Every step was shown, in order, with all its tiles, over a picture that was never empty.
 * @param {Awaited<ReturnType<typeof play>>} played
 * @param {number} steps
 * @param {number} step_ms
 */
function assertWhole({ log, seen, asked }, steps, step_ms) {
  assert.equal(log.length, steps + 1, "each step and now");
  assert.equal(log.at(-1).at, null);
  const instants = log.slice(0, -1).map((/** @type {any} */ each) => each.at);
  for (const [nth, at] of instants.entries()) {
    if (nth > 0) assert.equal(Date.parse(at) - Date.parse(instants[nth - 1]), step_ms);
    assert.ok(log[nth].tiles > 0, at);
    assert.equal(asked.get(at)?.size, log[nth].tiles, `tiles of ${at}`);
  }
  assert.ok(seen.frames > 0);
  assert.equal(seen.empty, 0, `${seen.empty} of ${seen.frames} frames had no cell`);
}

/** @param {any[]} log */
function rate(log) {
  const time = log.at(-1).shown - log[0].shown;
  const waited = log.reduce((sum, each) => sum + each.waited, 0) / log.length;
  return `${log.length} steps, ${log.filter(({ drawn }) => drawn).length} of them drawn, ${((1000 * (log.length - 1)) / time).toFixed(1)} steps a second, ${waited.toFixed(0)} ms of each waiting for tiles`;
}

test("fourteen days play day by day without an empty frame", { timeout: LONG }, async (t) => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).vungxanh.player.playing), false, "nothing plays by itself");
  const played = await play(page);
  assertWhole(played, 14, 86_400_000);
  assert.equal(await page.locator("#play").getAttribute("aria-pressed"), "false");
  t.diagnostic(`${rate(played.log)}; ${played.answers.fresh} tiles sent, ${played.answers.same} the same as before`);
  quiet(complaints);
  await context.close();
});

test("with an analyst's key fourteen days play hour by hour without an empty frame", { timeout: LONG }, async (t) => {
  const key = process.env.EXACT_KEY;
  if (!key) return t.skip("no EXACT_KEY");
  // On a phone, whose small screen is drawn quickest: 336 steps.
  const { page, context, complaints } = await open(browser, { hash: `#key=${encodeURIComponent(key)}`, lang: "en", width: 390 });
  await mapDrawn(page);
  assert.equal(await page.locator("#play").getAttribute("aria-label"), "Play hour by hour");
  const played = await play(page);
  assertWhole(played, 14 * 24, 3_600_000);
  assert.ok(played.bytes <= 64 << 20);
  t.diagnostic(`${rate(played.log)}; ${played.answers.fresh} tiles sent, ${played.answers.same} the same as before`);
  quiet(complaints);
  await context.close();
});

test("hours that show the same are asked about, not sent, and nothing is drawn for them", { timeout: LONG }, async (t) => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  // Hours of figures that were released by the day: what a key limited to some areas sees.
  await page.evaluate(() => {
    const { player } = /** @type {any} */ (window).vungxanh;
    player.slider.use("hour");
    player.slider.place(player.slider.last - 30);
  });
  const { log, answers } = await play(page);
  assert.equal(log.length, 31);
  const still = log.filter((/** @type {any} */ each) => !each.drawn).length;
  assert.ok(still >= 24, `${still} hours cost nothing`);
  assert.ok(answers.same > answers.fresh, JSON.stringify(answers));
  t.diagnostic(`${rate(log)}; ${answers.fresh} tiles sent, ${answers.same} the same as before`);
  quiet(complaints);
  await context.close();
});

test("the button and the space bar stop it where it is, and moving the slider does", { timeout: LONG }, async () => {
  const { page, context, complaints } = await open(browser, { width: 390, lang: "en" });
  await mapDrawn(page);
  const button = page.locator("#play");
  const playing = (/** @type {boolean} */ is) => page.waitForFunction((want) => /** @type {any} */ (window).vungxanh.player.playing === want, is);
  await button.click();
  await page.waitForFunction(() => /** @type {any} */ (window).vungxanh.player.log.length >= 2, null, { timeout: LONG });
  assert.equal(await button.getAttribute("aria-label"), "Pause");
  await picture(page, "playing-390");
  await button.click();
  await playing(false);
  const stopped = await page.locator("#at").inputValue();
  assert.equal(await button.getAttribute("aria-label"), "Play day by day");
  const shown = await page.evaluate(() => /** @type {any} */ (window).vungxanh.live.at);
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).vungxanh.player.slider.at), shown);
  await page.locator("#at").focus();
  await page.keyboard.press(" ");
  await playing(true);
  await page.keyboard.press("ArrowLeft");
  await playing(false);
  assert.ok(Number(await page.locator("#at").inputValue()) >= Number(stopped) - 1);
  await page.locator("#now").click();
  await page.waitForFunction(() => /** @type {any} */ (window).vungxanh.live.at === null);
  quiet(complaints);
  await context.close();
});
