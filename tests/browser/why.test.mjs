// Every colour can be followed to the figures that it comes from, also where it is borrowed; addresses name explanations.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { accessible, api, BASE, launch, mapDrawn, open, picture, quiet } from "./browser.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

// Which cells hide what depends on the demo's chances: these answers are as the server writes them.
const WEEK = { from: "2021-11-15T00:00:00+07:00", to: "2021-11-22T00:00:00+07:00" };
const EXPLAIN = {
  rule: "vx-cell@1", source: { vi: "nguồn", en: "source" }, confirmed: false, as_of: "2021-11-22T01:00:00Z",
  inputs: [{ name: { vi: "Dân số của ô", en: "Residents of the cell" }, value: "102925" }],
  steps: [{ text: { vi: "Cấp theo bảng", en: "Level by the table" }, value: "2" }], next: [],
};
const HIDDEN = {
  as_of: "2021-11-22T08:00:00+07:00", cell: "87415c048ffffff", resolution: 7, visits: 250, people: 180, cases: null, level: 2, suppressed: true,
  from_parent: null, from_area: null, level_area: null, exact: false, days: WEEK, weeks: WEEK, explain: null,
};

/** @param {import("playwright-core").BrowserContext} context @param {Record<string, any>[]} cells */
async function answers(context, cells) {
  for (const cell of cells) await context.route(`**/v1/cells/${cell.cell}`, (route) => route.fulfill({ json: cell }));
}

test("a cell with the colour of a larger one shows that one's figures and rule, and leads to it", async () => {
  const lender = { ...HIDDEN, cell: "85415c07fffffff", resolution: 5, cases: 24, suppressed: false, explain: EXPLAIN };
  const { page, context, complaints } = await open(browser, { width: 390, lang: "en" });
  await answers(context, [{ ...HIDDEN, from_parent: lender.cell }, lender]);
  await mapDrawn(page);
  await page.evaluate((cell) => (location.hash = `cell=${cell}`), HIDDEN.cell);
  const panel = page.locator("#panel");
  await page.locator("#panel[data-ready=true]").waitFor();
  const says = await panel.innerText();
  for (const expected of ["larger cell", "Days of the cases", "Days of the visits", "vx-cell@1", "Residents of the cell (larger cell)"]) {
    assert.ok(says.includes(expected), `${expected}: ${says}`);
  }
  assert.equal(await panel.locator(".steps li").count(), 1);
  await accessible(page);
  await picture(page, "why-lent-390");
  await panel.locator("[data-from=parent] button").click();
  await page.waitForFunction((id) => document.querySelector("#panel[data-ready=true]")?.textContent?.includes(`H3 ${id}`), lender.cell);
  assert.equal(await panel.locator("[data-from]").count(), 0, "the larger cell has its own figures");
  quiet(complaints);
  await context.close();
});

test("a cell coloured by the cases of an area says what the area's own level is, and leads to it", async () => {
  const [area] = (await api("/v1/areas?level=district")).items;
  const level_area = { code: area.code, name: area.name, tier: "district" };
  const { page, context, complaints } = await open(browser, {});
  await answers(context, [{ ...HIDDEN, from_area: area.code, level_area, explain: EXPLAIN }]);
  await mapDrawn(page);
  await page.evaluate((cell) => (location.hash = `cell=${cell}`), HIDDEN.cell);
  const panel = page.locator("#panel");
  await page.locator("#panel[data-ready=true]").waitFor();
  const note = panel.locator("[data-from=area]");
  const own = (await api(`/v1/areas/${area.code}/level`)).level;
  const word = ["chưa được đánh giá", "ở mức xanh", "ở mức vàng", "ở mức cam", "ở mức đỏ"][own] ?? "";
  const says = await note.innerText();
  assert.ok(says.includes(area.name) && says.includes(word), `${word}: ${says}`);
  assert.match(await panel.innerText(), /15\/11\/2021 – 21\/11\/2021/);
  await note.locator("button").click();
  await page.waitForFunction((level) => document.querySelector("#panel[data-kind=area][data-ready=true]")?.getAttribute("data-level") === level, String(own));
  assert.equal(await panel.locator("h2").innerText(), area.name);
  quiet(complaints);
  await context.close();
});

test("a cell that no published figure stands around says so", async () => {
  const { page, context, complaints } = await open(browser, { lang: "en" });
  await answers(context, [{ ...HIDDEN, level: 0 }]);
  await mapDrawn(page);
  await page.evaluate((cell) => (location.hash = `cell=${cell}`), HIDDEN.cell);
  await page.locator("#panel[data-ready=true]").waitFor();
  const says = await page.locator("#panel").innerText();
  assert.ok(says.includes("few (1 to 10)") && says.includes("Nor is there a larger cell") && says.includes("As of"), says);
  quiet(complaints);
  await context.close();
});

test("borrowed colours are fainter than a cell's own, whomever they come from, and the legend says so", async () => {
  for (const theme of ["light", "dark"]) {
    const style = await api(`/styles/${theme}.json`);
    const fill = JSON.stringify(style.layers.find((/** @type {any} */ layer) => layer.id === "cells-level").paint["fill-opacity"]);
    assert.equal(fill.match(/"from_area"/g)?.length, 3, fill);
    assert.equal(fill.match(/"from_parent"/g)?.length, 3, fill);
  }
  const english = await (await fetch(`${BASE}/?lang=en`)).text();
  assert.ok(english.includes("A faint hexagon borrows the level"));
});

test("the bulletin leads to the explanation of each area, and the address does not go on naming it", async () => {
  const { page, context, complaints } = await open(browser, { path: "/bulletin", lang: "en" });
  const link = page.locator("#changes-table tbody a").first();
  const name = await link.innerText();
  await link.click();
  await page.locator("#panel[data-ready=true]").waitFor();
  assert.equal(await page.locator("#panel h2").innerText(), name);
  assert.ok((await page.locator("#panel .steps li").count()) > 0);
  await mapDrawn(page);
  assert.ok(!page.url().includes("area="), page.url());
  quiet(complaints);
  await context.close();
});

test("a hidden count is told as hidden, with the levels that remain possible", async () => {
  const { items } = await api("/v1/areas?level=commune&limit=1000");
  const hidden = items.find((/** @type {any} */ each) => each.suppressed && each.level === 0);
  assert.ok(hidden, "the demo hides small numbers");
  const { page, context, complaints } = await open(browser, { width: 390, hash: `#area=${hidden.code}` });
  await page.locator("#panel[data-ready=true]").waitFor();
  const says = await page.locator("#panel").innerText();
  assert.ok(says.includes("được ẩn để bảo vệ riêng tư") && says.includes("Mức còn có thể"), says);
  assert.ok(says.includes(hidden.name), says);
  quiet(complaints);
  await context.close();
});

test("venues carry the letter of their level where they are drawn large", async () => {
  const { page, context, complaints } = await open(browser, { lang: "en" });
  await mapDrawn(page);
  const [venue] = (await api("/v1/venues?level=1&limit=1")).items;
  await page.evaluate(([x, y]) => /** @type {any} */ (window).vungxanh.map.jumpTo({ center: [x, y], zoom: 16 }), [venue.lng, venue.lat]);
  await page.waitForFunction(
    (id) => /** @type {any} */ (window).vungxanh.map.queryRenderedFeatures({ layers: ["venues-letter"] }).some((/** @type {any} */ f) => f.properties.id === id),
    venue.id,
    { timeout: 30_000 },
  );
  await picture(page, "letters-1440");
  quiet(complaints);
  await context.close();
});

test("an explanation asked for by the keyboard gives the focus back to the map", async () => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  const canvas = page.locator("#map canvas");
  const [venue] = (await api("/v1/venues?limit=1")).items;
  await page.evaluate(([x, y]) => /** @type {any} */ (window).vungxanh.map.jumpTo({ center: [x, y], zoom: 16 }), [venue.lng, venue.lat]);
  await mapDrawn(page);
  await canvas.focus();
  await page.keyboard.press("Enter");
  await page.locator("#panel[data-ready=true]").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "panel");
  await page.keyboard.press("Escape");
  assert.ok(await canvas.evaluate((element) => element === document.activeElement));
  quiet(complaints);
  await context.close();
});

test("the answer of a key that sees exact figures is kept as a file, with those figures", async (t) => {
  const key = process.env.EXACT_KEY;
  if (!key) return t.skip("no EXACT_KEY");
  const [area] = (await api("/v1/areas?level=district")).items;
  const { page, context } = await open(browser, { hash: `#area=${area.code}&key=${encodeURIComponent(key)}` });
  await page.locator("#panel[data-ready=true]").waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.locator("#panel a.raw").click()]);
  assert.equal(file.suggestedFilename(), `area-${area.code}.json`);
  const kept = JSON.parse(readFileSync(await file.path(), "utf8"));
  assert.deepEqual([kept.code, kept.exact], [area.code, true]);
  await context.close();
});

test("a zone in the table is shown on the map", async () => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  const link = page.locator("a[data-explain=zone]").first();
  const { geometry } = await api(`/v1/zones/${encodeURIComponent((await link.getAttribute("data-id")) ?? "")}`);
  await link.click();
  await page.locator("#panel[data-ready=true]").waitFor();
  const corner = geometry.coordinates.flat(Infinity).slice(0, 2);
  await page.waitForFunction(([x, y]) => {
    const { map } = /** @type {any} */ (window).vungxanh;
    return map.getZoom() > 11 && map.getBounds().contains([x, y]);
  }, corner);
  quiet(complaints);
  await context.close();
});

test("where there is no page a reader is helped on in both languages, and a program gets a problem", async () => {
  const { page, context } = await open(browser, { path: "/khong-co", width: 390 });
  const says = await page.locator("main").innerText();
  assert.ok(says.includes("Không có trang này") && says.includes("There is no such page"), says);
  await accessible(page);
  await picture(page, "lost-390");
  await page.locator("main a[href='/bulletin?lang=en']").click();
  await page.locator("h1", { hasText: "Weekly bulletin" }).waitFor();
  await context.close();
  for (const [path, accept] of [["/khong-co", "*/*"], ["/v1/khong-co", "text/html"]]) {
    const answer = await fetch(BASE + path, { headers: { accept: accept ?? "" } });
    assert.equal(answer.status, 404);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
  }
});
