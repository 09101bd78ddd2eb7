// What the server wrote into the page for us, and the few places we all share.

/**
 * @typedef {object} Boot
 * @property {"vi" | "en"} lang
 * @property {string} as_of RFC 3339
 * @property {number} utc_offset hours east
 * @property {number} days_back
 * @property {number} generation
 * @property {[number, number, number, number] | null} bounds min_lng, min_lat, max_lng, max_lat
 * @property {boolean} live_map whether the map library is part of this build
 */

/** @returns {Boot} */
export function readBoot() {
  return JSON.parse(element("boot").textContent ?? "{}");
}

/**
 * The element with that id. The server writes them all, so a missing one is a mistake of ours.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Builds an element. Text always goes in as text, never as markup.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) if (child !== null && child !== undefined) made.append(child);
  return made;
}
