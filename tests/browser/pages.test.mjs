// The page as a document: complete in both languages, without scripts and without WebGL.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, api, BASE, launch, mapDrawn, open, picture, quiet } from "./browser.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

for (const lang of /** @type {const} */ (["vi", "en"])) {
  for (const theme of /** @type {const} */ (["light", "dark"])) {
    for (const width of [390, 1440]) {
      test(`the page stands in ${lang}, ${theme}, at ${width} px`, async () => {
        const { page, context, complaints } = await open(browser, { width, theme, lang });
        await mapDrawn(page);
        assert.equal(await page.locator("html").getAttribute("lang"), lang);
        assert.equal(await page.locator("h1").count(), 1);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `the page is ${wide} px wider than the screen`);
        const text = await page.locator("body").innerText();
        assert.doesNotMatch(text, /\b(level|table|panel|hero|col|tier|kind|zone|status)\.[a-z_.]+\b/, "a text is missing from the language table");
        await picture(page, `page-${lang}-${theme}-${width}`);
        await accessible(page);
        quiet(complaints);
        await context.close();
      });
    }
  }
}

test("the table of areas says what the API says", async () => {
  const { page, context } = await open(browser, { scripts: false });
  const rows = await page.locator("#areas-table tbody tr").evaluateAll((all) =>
    all.map((row) => [row.getAttribute("data-code"), Number(row.getAttribute("data-level"))]),
  );
  assert.ok(rows.length > 0);
  for (const [code, level] of rows) {
    const said = await api(`/v1/areas/${encodeURIComponent(String(code))}/level`);
    assert.equal(said.level, level, `level of area ${code}`);
  }
  await context.close();
});

test("the table of venues says what the API says", async () => {
  const { page, context } = await open(browser, { scripts: false });
  const rows = await page.locator("#venues-table tbody tr").evaluateAll((all) =>
    all.map((row) => [row.getAttribute("data-venue"), Number(row.getAttribute("data-level"))]),
  );
  for (const [id, level] of rows.slice(0, 10)) {
    const said = await api(`/v1/venues/${encodeURIComponent(String(id))}/risk`);
    assert.equal(said.level, level, `level of venue ${id}`);
  }
  await context.close();
});

test("without scripts the picture, the tables and the date are there", async () => {
  const { page, context } = await open(browser, { scripts: false, width: 390 });
  await standsWithoutMap(page);
  assert.equal(await page.locator("#search").isVisible(), false, "nothing is offered that cannot work");
  await picture(page, "no-scripts-390");
  await context.close();
});

test("without WebGL the picture and the tables stay, and the page says so", async () => {
  const plain = await launch({ webgl: false });
  const { page, context } = await open(plain, { width: 1440 });
  await page.locator("#static-note").waitFor({ state: "visible", timeout: 30_000 });
  await standsWithoutMap(page);
  await page.locator("a[data-explain=area]").first().click();
  await page.locator("#panel[data-ready=true]").waitFor();
  await picture(page, "no-webgl-1440");
  await context.close();
  await plain.close();
});

test("the picture is bounded, cached by its tag, and refused for unknown areas", async () => {
  const big = await fetch(`${BASE}/static/all.png?w=99999&h=99999&theme=dark`);
  assert.equal(big.headers.get("content-type"), "image/png");
  const png = Buffer.from(await big.arrayBuffer());
  assert.ok(png.readUInt32BE(16) <= 2048 && png.readUInt32BE(20) <= 2048);
  const small = await fetch(`${BASE}/static/all.png?w=320&h=240`);
  const again = await fetch(`${BASE}/static/all.png?w=320&h=240`, { headers: { "if-none-match": small.headers.get("etag") ?? "" } });
  assert.ok([200, 304].includes(again.status), "304, or 200 after a change in between");
  assert.equal((await fetch(`${BASE}/static/nowhere.png`)).status, 404);
});

test("assets are kept for ever, typed right, and compressed", async () => {
  const html = await (await fetch(`${BASE}/`)).text();
  const main = html.match(/\/assets\/[0-9a-f]+\/app\/main\.js/)?.[0];
  assert.ok(main);
  const answer = await fetch(BASE + main, { headers: { "accept-encoding": "br" } });
  assert.match(answer.headers.get("content-type") ?? "", /^text\/javascript/);
  assert.match(answer.headers.get("cache-control") ?? "", /immutable/);
  assert.equal(answer.headers.get("content-encoding"), "br");
  const library = await fetch(BASE + main.replace("app/main.js", "vendor/maplibre-gl/maplibre-gl.mjs"), { headers: { "accept-encoding": "gzip" } });
  assert.match(library.headers.get("content-type") ?? "", /^text\/javascript/);
  assert.equal(library.headers.get("content-encoding"), "gzip");
});

/** @param {import("playwright-core").Page} page */
async function standsWithoutMap(page) {
  const drawn = await page.locator("#picture img").evaluate(async (img) => {
    await /** @type {HTMLImageElement} */ (img).decode();
    return /** @type {HTMLImageElement} */ (img).naturalWidth;
  });
  assert.ok(drawn > 0, "the picture is drawn");
  assert.ok(await page.locator("#picture").isVisible());
  assert.ok((await page.locator("#areas-table tbody tr").count()) > 0);
  assert.ok(await page.locator("#as-of").getAttribute("datetime"));
}
