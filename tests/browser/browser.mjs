// One Chromium for a test file, pages that notice everything that goes wrong.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import axeModule from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const BASE = process.env.BASE_URL ?? "http://127.0.0.1:8080";
const OUT = process.env.OUT ?? path.join(import.meta.dirname, "../../target/screenshots");

const AxeBuilder = /** @type {any} */ (axeModule).default ?? axeModule;

/** Software drawing: the tests run where no graphics card is. */
const WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"];
const NO_WEBGL = ["--disable-gpu", "--disable-3d-apis"];

/** @param {{webgl?: boolean}} [options] */
export function launch({ webgl = true } = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", ...(webgl ? WEBGL : NO_WEBGL)],
  });
}

/**
 * A page whose complaints are collected: console errors, failed requests, requests to other hosts.
 * @param {import("playwright-core").Browser} browser
 * @param {{width?: number, theme?: "light" | "dark", lang?: "vi" | "en", scripts?: boolean, hash?: string, calm?: boolean, base?: string, path?: string}} [options]
 */
export async function open(browser, { width = 1440, theme = "light", lang = "vi", scripts = true, hash = "", calm = true, base = BASE, path: where = "/" } = {}) {
  const phone = width < 600;
  const context = await browser.newContext({
    viewport: { width, height: phone ? 844 : 900 },
    colorScheme: theme,
    reducedMotion: calm ? "reduce" : "no-preference",
    javaScriptEnabled: scripts,
    hasTouch: phone,
    isMobile: phone,
  });
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  const host = new URL(base).host;
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("response", (answer) => {
    if (answer.status() >= 400) complaints.push(`${answer.status()} ${answer.url()}`);
  });
  await context.route("**/*", (route) => {
    const url = new URL(route.request().url());
    if (url.host === host || ["data:", "blob:"].includes(url.protocol)) return route.continue();
    complaints.push(`left the house: ${url}`);
    return route.abort();
  });
  await page.goto(`${base}${where}?lang=${lang}${hash}`);
  return { page, context, complaints };
}

/** Waits until the live map has drawn its tiles. @param {import("playwright-core").Page} page */
export async function mapDrawn(page) {
  await page.waitForFunction(
    () => {
      const map = /** @type {any} */ (window).vungxanh?.map;
      return map && map.loaded() && map.areTilesLoaded();
    },
    null,
    { timeout: 60_000 },
  );
}

/** @param {import("playwright-core").Page} page @param {string} name */
export async function picture(page, name) {
  mkdirSync(OUT, { recursive: true });
  await page.screenshot({ path: path.join(OUT, `${name}.png`) });
}

/** Nothing on the page shuts anybody out (WCAG 2.2 AA, serious and critical findings). @param {import("playwright-core").Page} page */
export async function accessible(page) {
  const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  const serious = found.violations
    .filter((/** @type {any} */ each) => ["serious", "critical"].includes(each.impact))
    .map((/** @type {any} */ each) => `${each.id}: ${each.nodes.map((/** @type {any} */ n) => n.target).join(" ")}`);
  assert.deepEqual(serious, []);
}

/** Nothing went wrong on the page. @param {string[]} complaints */
export function quiet(complaints) {
  // Chromium tells of its own software drawing; that is the test's doing.
  const real = complaints.filter((each) => !/GPU stall|software WebGL|swiftshader|GL Driver Message/i.test(each));
  assert.deepEqual(real, []);
}

/** @param {string} path @param {Record<string, string>} [headers] */
export async function api(path, headers = {}) {
  const answer = await fetch(BASE + path, { headers });
  assert.equal(answer.status, 200, `${path} answered ${answer.status}`);
  return answer.json();
}
