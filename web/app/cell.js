// What a cell says beside its own figures: how large it is, of which days its figures are, and from where it has its
// colour when it can publish none of its own.

import { get } from "./api.js";
import { make } from "./boot.js";

/** @typedef {import("./panel.js").Panel} Panel */
/** @typedef {import("./panel.js").Place} Place */

/** H3's mean areas by resolution, km². */
const MEAN_KM2 = [4357449, 609788, 86801, 12393, 1770, 252.9, 36.13, 5.161, 0.7373, 0.1053, 0.01505, 0.00215];
const DAY_MS = 24 * 3600_000;

/** The resolution that stands in an H3 id. @param {string} id */
function resolution(id) {
  return Number.parseInt(id.charAt(1), 16);
}

/** @param {import("./words.js").Words} words @param {string} id */
function size(words, id) {
  const km2 = MEAN_KM2[resolution(id)] ?? 0;
  return km2.toLocaleString(words.locale, { maximumSignificantDigits: km2 < 10 ? 1 : 2 });
}

/** @param {import("./words.js").Words} words @param {string} id */
export function cellName(words, id) {
  return words.text("cell.about", { size: size(words, id) });
}

/** @param {import("./words.js").Words} words @param {string} id */
export function cellId(words, id) {
  return words.text("cell.id", { id, resolution: resolution(id) });
}

/**
 * Fetches what a borrowed colour comes from: the larger cell with its reasons, or the level that the area itself has by
 * its own rule. Where that fails the cell's own answer still stands.
 * @param {Record<string, any>} facts
 * @param {string} time `?at=…` or nothing
 * @param {AbortSignal} signal
 * @returns {Promise<{parent?: any, area_level?: any}>}
 */
export async function lender(facts, time, signal) {
  const ask = async (/** @type {string} */ path) => {
    try {
      return await get(path + time, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      return undefined;
    }
  };
  if (facts.level_area) return { area_level: await ask(`/v1/areas/${encodeURIComponent(facts.level_area.code)}/level`) };
  if (facts.from_parent) return { parent: await ask(`/v1/cells/${encodeURIComponent(facts.from_parent)}`) };
  return {};
}

/**
 * Why the colour is not the cell's own, and the way to where it comes from.
 * @param {Panel} panel
 * @param {Record<string, any>} facts
 * @param {string | null} at
 * @returns {HTMLElement[]}
 */
export function borrowed(panel, facts, at) {
  const { words } = panel;
  /** @param {string} text @param {Place} place */
  const way = (text, place) => {
    const button = make("button", { class: "link-button", type: "button" }, text);
    button.addEventListener("click", () => panel.open(place, at, panel.opener));
    return button;
  };
  if (facts.level_area) {
    const { code, name, tier } = facts.level_area;
    const says = [words.text("panel.area", { name, tier: words.text(`tier.${tier}`).toLowerCase() })];
    const own = facts.area_level?.level;
    if (own > 0) says.push(words.text("panel.area.level", { name, level: words.text(`level.${own}`).toLowerCase() }));
    else if (own === 0) says.push(words.text("panel.area.none", { name }));
    const open = way(words.text("panel.area.open", { name }), { kind: "area", id: code, name, properties: { tier } });
    return [make("div", { class: "note", "data-from": "area" }, make("p", {}, says.join(" ")), open)];
  }
  if (facts.from_parent) {
    const id = String(facts.from_parent);
    const open = way(words.text("panel.parent.open", { size: size(words, id) }), { kind: "cell", id });
    return [make("div", { class: "note", "data-from": "parent" }, make("p", {}, words.text("panel.parent")), open)];
  }
  if (!facts.suppressed || facts.explain?.steps?.length) return [];
  const says = [words.text("panel.suppressed")];
  if (!Number(facts.level ?? 0)) says.push(words.text("panel.alone"));
  return [make("p", { class: "note" }, says.join(" "))];
}

/** Of which days the figures are. @param {Panel} panel @param {Record<string, any>} facts @returns {[string, string][]} */
export function periods(panel, facts) {
  /** @type {[string, string][]} */
  const rows = [];
  for (const name of ["days", "weeks"]) {
    const span = facts[name];
    if (span) rows.push([panel.words.text(`panel.${name}`), spanText(panel, span)]);
  }
  return rows;
}

/** Whole local days by their first and last, other spans by their instants. @param {Panel} panel @param {{from: string, to: string}} span */
function spanText(panel, { from, to }) {
  const midnight = (/** @type {string} */ at) => at.slice(11, 16) === "00:00";
  if (!midnight(from) || !midnight(to)) return `${panel.value(from)} – ${panel.value(to)}`;
  const last = new Date(Date.parse(`${to.slice(0, 10)}T00:00:00Z`) - DAY_MS).toISOString().slice(0, 10);
  return `${panel.words.day(from.slice(0, 10))} – ${panel.words.day(last)}`;
}
