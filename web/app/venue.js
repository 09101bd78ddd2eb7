// What stands beside a venue's level: its air, and for a key that sees exact figures what is to be expected there.

import { make } from "./boot.js";

/** @typedef {import("./panel.js").Panel} Panel */
/** @typedef {import("./panel.js").Explain} Explain */
/** @typedef {{mean: number, low: number, high: number}} Interval */

/** How many of three bars stand for a category. @type {Record<string, number>} */
const BARS = { low: 1, medium: 2, high: 3 };

/**
 * The sections of a venue behind the reasons of its level.
 * @param {Panel} panel
 * @param {Record<string, any>} facts
 * @returns {Node[]}
 */
export function besideLevel(panel, facts) {
  /** @type {Node[]} */
  const parts = [];
  if (facts.intrinsic) parts.push(air(panel, facts.intrinsic));
  if (facts.forecast) parts.push(forecast(panel, facts.forecast));
  return parts;
}

/** @param {Panel} panel @param {{category: string, explain: Explain}} intrinsic */
function air(panel, intrinsic) {
  const { words } = panel;
  const bars = make("span", { class: "bars", "data-air": intrinsic.category, "aria-hidden": "true" });
  for (let bar = 1; bar <= 3; bar++) bars.append(make("i", bar <= (BARS[intrinsic.category] ?? 0) ? { class: "on" } : {}));
  return make(
    "section",
    { class: "air" },
    make("h3", {}, words.text("air.title")),
    make("p", { class: "air-category" }, bars, make("strong", {}, words.text(`air.${intrinsic.category}`))),
    make("p", { class: "quiet" }, words.text("air.meaning")),
    workings(panel, intrinsic.explain),
  );
}

/** @param {Panel} panel @param {{visits: number, infections: Interval | null, infections_per_1000_visits: Interval | null, someone_infectious: number | null, days: number, explain: Explain}} found */
function forecast(panel, found) {
  const { words } = panel;
  /** @param {Interval | null} interval */
  const band = (interval) => (interval ? `${short(words, interval.mean)} (${short(words, interval.low)}–${short(words, interval.high)})` : "–");
  const rows = [
    [words.text("forecast.visits"), words.number(found.visits)],
    [words.text("forecast.infections"), band(found.infections)],
    [words.text("forecast.per1000"), band(found.infections_per_1000_visits)],
  ];
  const list = make("dl", { class: "facts" }, ...rows.map(([name, value]) => make("div", {}, make("dt", {}, name ?? ""), make("dd", {}, value ?? ""))));
  return make(
    "section",
    { class: "forecast" },
    make("h3", {}, words.text("forecast.title", { days: found.days })),
    make("p", { class: "quiet" }, words.text("forecast.meaning")),
    list,
    workings(panel, found.explain),
  );
}

/** How it was worked out, folded: steps, figures, what would change it, the rule. @param {Panel} panel @param {Explain} explain */
function workings(panel, explain) {
  const { words } = panel;
  const inputs = explain.inputs.map((input) => make("div", {}, make("dt", {}, words.side(input.name)), make("dd", {}, panel.input(input.value))));
  const next = explain.next.map((text) => make("li", {}, panel.dated(words.side(text))));
  const body = make(
    "div",
    { class: "workings" },
    panel.steps(explain.steps),
    make("h4", {}, words.text("panel.inputs")),
    make("dl", { class: "facts" }, ...inputs),
  );
  if (!explain.confirmed) body.append(make("p", { class: "note" }, words.text("air.unconfirmed")));
  body.append(make("p", { class: "panel-foot" }, `${words.text("panel.rule")}: ${explain.rule}. ${words.text("panel.source")}: ${words.side(explain.source)}`));
  const parts = next.length ? [make("ul", { class: "bullets" }, ...next)] : [];
  return make("div", {}, ...parts, make("details", { class: "more" }, make("summary", {}, words.text("panel.steps")), body));
}

/** Two figures that count. @param {import("./words.js").Words} words @param {number} value */
function short(words, value) {
  return value.toLocaleString(words.locale, { maximumSignificantDigits: 2 });
}
