// Finding a venue or an area by name, with or without Vietnamese marks.

import { element, make } from "./boot.js";
import { get } from "./api.js";
import { plain } from "./words.js";

/** @typedef {{kind: "venue" | "area", id: string, name: string, level: number, sub: string, properties?: Record<string, any>}} Found */

const WAIT_MS = 180;
const SHOWN = 12;

export class Search {
  /**
   * @param {import("./words.js").Words} words
   * @param {(found: Found) => void} chosen
   * @param {() => string | null} time the instant that the map shows, or null for now
   */
  constructor(words, chosen, time) {
    this.words = words;
    this.chosen = chosen;
    this.time = time;
    this.form = /** @type {HTMLFormElement} */ (element("search"));
    this.input = /** @type {HTMLInputElement} */ (element("q"));
    this.list = element("found");
    this.count = element("found-count");
    /** @type {Found[]} */
    this.found = [];
    this.marked = -1;
    /** @type {Promise<Found[]> | null} */
    this.areas = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {AbortController | null} */
    this.asking = null;
    this.form.hidden = false;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.choose(Math.max(this.marked, 0));
    });
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), WAIT_MS);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("click", (event) => {
      if (!this.form.contains(/** @type {Node} */ (event.target))) this.hide();
    });
  }

  async ask() {
    const asked = this.input.value.trim();
    this.asking?.abort();
    if (asked.length < 2) return this.show([], asked);
    const asking = (this.asking = new AbortController());
    this.areas ??= this.loadAreas();
    const wanted = plain(asked);
    try {
      const [areas, venues] = await Promise.all([
        this.areas,
        get(`/v1/venues?q=${encodeURIComponent(asked)}&limit=${SHOWN}`, asking.signal),
      ]);
      if (asking.signal.aborted) return;
      const places = venues.items.map((/** @type {any} */ venue) => ({
        kind: "venue", id: venue.id, name: venue.name, level: venue.level ?? 0,
        sub: this.words.text(`kind.${venue.kind}`), properties: { kind: venue.kind },
      }));
      this.show([...areas.filter((area) => plain(area.name).includes(wanted)).slice(0, 5), ...places].slice(0, SHOWN), asked);
    } catch {
      if (!asking.signal.aborted) this.show([], asked);
    }
  }

  /** @returns {Promise<Found[]>} */
  async loadAreas() {
    try {
      const { items } = await get("/v1/areas?limit=10000");
      return items.map((/** @type {any} */ area) => ({
        kind: "area", id: area.code, name: area.name, level: area.risk?.level ?? (typeof area.level === "number" ? area.level : 0),
        sub: this.words.text("search.area"),
      }));
    } catch {
      this.areas = null;
      return [];
    }
  }

  /** @param {Found[]} found @param {string} asked */
  show(found, asked) {
    this.found = found;
    this.mark(-1);
    this.list.replaceChildren(
      ...found.map((each, index) => {
        const name = make("span", {}, each.name, make("span", { class: "sub" }, each.sub));
        const option = make("li", { role: "option", id: `found-${index}`, "aria-selected": "false" }, name);
        // The levels of the list are those of now: they do not stand beside a map of the past.
        if (!this.time()) {
          const swatch = make("span", { class: "swatch", "data-level": String(each.level), "aria-hidden": "true" });
          swatch.append(make("span", { class: "swatch-letter" }, this.words.text(`level.${each.level}.letter`)));
          option.prepend(swatch);
          name.append(make("span", { class: "visually-hidden" }, `, ${this.words.text(`level.${each.level}`)}`));
        }
        option.addEventListener("click", () => this.choose(index));
        return option;
      }),
    );
    this.list.hidden = found.length === 0;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    let says = this.words.text("search.hint");
    if (asked.length >= 2) says = found.length ? this.words.text("search.count", { n: found.length }) : this.words.text("search.none");
    this.count.textContent = says;
  }

  hide() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.mark(-1);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Escape") return this.hide();
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (!this.found.length) return;
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    this.mark((this.marked + step + this.found.length) % this.found.length);
  }

  /** @param {number} index */
  mark(index) {
    this.marked = index;
    [...this.list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    if (index < 0) this.input.removeAttribute("aria-activedescendant");
    else {
      this.input.setAttribute("aria-activedescendant", `found-${index}`);
      this.list.children[index]?.scrollIntoView({ block: "nearest" });
    }
  }

  /** @param {number} index */
  choose(index) {
    const found = this.found[index];
    if (!found) return;
    this.input.value = found.name;
    this.hide();
    this.chosen(found);
  }
}
