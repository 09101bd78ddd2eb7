// The page in the past: nothing of now stands beside an answer about then.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, mapDrawn, open, picture, quiet } from "./browser.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** @param {import("playwright-core").Page} page @param {string} step */
async function moveTo(page, step) {
  const asked = page.waitForRequest((request) => /\/tiles\/.*\?at=/.test(request.url()));
  await page.locator("#at").fill(step);
  const at = new URL((await asked).url()).searchParams.get("at");
  await mapDrawn(page);
  return at;
}

for (const [lang, about] of /** @type {const} */ ([["vi", "Về thời điểm đã chọn"], ["en", "About that time"]])) {
  test(`a venue of the past is asked about with its instant, and says what is not known, in ${lang}`, async () => {
    const { page, context, complaints } = await open(browser, { lang, width: lang === "vi" ? 390 : 1440 });
    await mapDrawn(page);
    const at = await moveTo(page, "9");
    const link = page.locator("a[data-explain=venue]").first();
    const answered = page.waitForResponse((answer) => /\/v1\/venues\/[^/]+\/risk/.test(answer.url()));
    await link.click();
    const answer = await answered;
    assert.equal(new URL(answer.url()).searchParams.get("at"), at);
    const said = await answer.json();
    const panel = page.locator("#panel[data-ready=true]");
    await panel.waitFor();
    assert.equal(await panel.getAttribute("data-level"), String(said.level));
    const note = panel.locator(".past");
    assert.ok((await note.locator("h3").innerText()).startsWith(about));
    // One sentence about the map, and each thing that the server says it does not know.
    assert.equal(await note.locator("li").count(), 1 + said.past.not_known.length);
    assert.doesNotMatch(await note.innerText(), /\d{4}-\d\d-\d\d/, "days are written as people write them");
    assert.ok((await panel.locator(".panel-foot a.raw").getAttribute("href"))?.includes("at="));
    await picture(page, `past-venue-${lang}`);
    quiet(complaints);
    await context.close();
  });
}

test("an open explanation follows the slider into the past and back", async () => {
  const { page, context, complaints } = await open(browser, {});
  await mapDrawn(page);
  const asked = () => page.waitForRequest((request) => /\/v1\/venues\/[^/]+\/risk/.test(request.url()));
  const [now] = await Promise.all([asked(), page.locator("a[data-explain=venue]").first().click()]);
  assert.ok(!now.url().includes("at="));
  await page.locator("#panel[data-ready=true]").waitFor();
  const [then] = await Promise.all([asked(), page.locator("#at").fill("9")]);
  assert.ok(then.url().includes("at="));
  await page.locator("#panel[data-ready=true] .past").waitFor();
  await page.locator("#now").click();
  await page.locator("#panel[data-ready=true]:not(:has(.past))").waitFor();
  quiet(complaints);
  await context.close();
});

test("while an answer about then is on its way, no level of now is shown", async () => {
  const { page, context } = await open(browser, {});
  await mapDrawn(page);
  await moveTo(page, "9");
  await page.route("**/v1/venues/*/risk*", () => {});
  await page.locator("a[data-explain=venue]").first().click();
  await page.locator("#panel").waitFor();
  assert.equal(await page.locator("#panel").getAttribute("data-level"), "");
  assert.equal(await page.locator("#panel .badge").count(), 0);
  await page.locator("#q").fill("cho");
  await page.locator("#found [role=option]").first().waitFor();
  assert.equal(await page.locator("#found .swatch").count(), 0, "levels of now do not stand in the list either");
  await context.close();
});
