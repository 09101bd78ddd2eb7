// What stands beside a venue's level: its air for everybody, what is to be expected for a key that sees exact figures.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, mapDrawn, open, picture, quiet } from "./browser.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** @param {import("playwright-core").Page} page */
async function openVenue(page) {
  await mapDrawn(page);
  await page.locator("a[data-explain=venue]").first().click();
  await page.locator("#panel[data-ready=true]").waitFor();
}

for (const [width, lang, theme] of /** @type {[number, "vi" | "en", "light" | "dark"][]} */ ([[390, "vi", "light"], [1440, "en", "dark"]])) {
  test(`everybody reads how easily the air of a venue spreads disease, and why, at ${width} px`, async () => {
    const { page, context, complaints } = await open(browser, { width, lang, theme });
    await openVenue(page);
    const air = page.locator("#panel .air");
    await air.scrollIntoViewIfNeeded();
    const says = await air.innerText();
    assert.match(says, lang === "vi" ? /làm lây bệnh/ : /Spreads disease/);
    assert.equal(await air.locator(".steps").isVisible(), false, "the workings are folded");
    await picture(page, `venue-air-${width}`);
    await air.locator("summary").focus();
    await page.keyboard.press("Enter");
    assert.ok((await air.locator(".steps li").count()) >= 10);
    // The small figures of the steps are figures, not rounded to nothing.
    const index = await air.locator(".steps li", { hasText: "CAiMIRA" }).locator("strong").innerText();
    assert.match(index, /[1-9]/, index);
    assert.doesNotMatch(await air.innerText(), / \/ (low|medium|high)/, "one language at a time");
    await air.locator(".steps").scrollIntoViewIfNeeded();
    await picture(page, `venue-air-steps-${width}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.equal(wide, false, "nothing stands over the edge");
    assert.equal(await page.locator("#panel .forecast").count(), 0, "no forecast without a key");
    quiet(complaints);
    await context.close();
  });
}

test("a key that sees exact figures reads what is to be expected", async (t) => {
  if (!process.env.EXACT_KEY) return t.skip("no key for exact figures");
  const { page, context, complaints } = await open(browser, { lang: "vi", hash: `#key=${process.env.EXACT_KEY}` });
  await openVenue(page);
  const forecast = page.locator("#panel .forecast");
  await forecast.scrollIntoViewIfNeeded();
  assert.equal(await forecast.locator("dl").first().locator("dd").count(), 3);
  await forecast.locator("summary").click();
  assert.ok((await forecast.locator(".steps li").count()) >= 7);
  await picture(page, "venue-forecast-1440");
  quiet(complaints);
  await context.close();
});
