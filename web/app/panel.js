// "Why is this orange?": the explanation of one place, on a card or a sheet.

import { element, make } from "./boot.js";
import { access, ApiError, get } from "./api.js";
import { borrowed, cellId, cellName, lender, periods } from "./cell.js";
import { besideLevel } from "./venue.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./words.js").Text} Text */
/**
 * @typedef {object} Explain as the API writes it
 * @property {string} rule
 * @property {Text} source
 * @property {boolean} confirmed
 * @property {string} as_of
 * @property {{name: Text, value: string, as_of: string | null, source?: string}[]} inputs
 * @property {{text: Text, value: string}[]} steps
 * @property {Text[]} next
 */

/** Where each kind of thing explains itself. @type {Record<string, (id: string) => string>} */
const PATHS = {
  venue: (id) => `/v1/venues/${id}/risk`,
  area: (id) => `/v1/areas/${id}/level`,
  cell: (id) => `/v1/cells/${id}`,
  zone: (id) => `/v1/zones/${id}`,
};

/** Kinds that can also be asked about another time; zones answer for now. */
const TIMED = ["venue", "area", "cell"];

/** What a tile or a table says of a place for its own instant only. */
const OF_AN_INSTANT = ["level", "status", "exposure", "visits", "people", "cases", "rate", "suppressed", "from_parent", "from_area", "level_area", "parent", "area_level", "standing", "possible"];

/** @typedef {{kind: string, id: string, name?: string, properties?: Record<string, any>}} Place */

export class Panel {
  /**
   * @param {Words} words
   * @param {import("./boot.js").Boot} boot
   * @param {() => void} closed
   */
  constructor(words, boot, closed) {
    this.words = words;
    this.boot = boot;
    this.closed = closed;
    this.root = element("panel");
    /** @type {HTMLElement | null} */
    this.opener = null;
    /** @type {Place | null} what is explained */
    this.place = null;
    /** @type {AbortController | null} */
    this.asking = null;
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.root.hidden) this.close();
    });
  }

  close() {
    this.asking?.abort();
    this.root.hidden = true;
    this.place = null;
    this.closed();
    // The map that was pressed is in view already.
    this.opener?.focus({ preventScroll: this.opener instanceof HTMLCanvasElement });
    this.opener = null;
  }

  /**
   * @param {Place} place
   * @param {string | null} at instant, or null for now
   * @param {HTMLElement | null} opener where the focus returns
   */
  async open(place, at, opener = null) {
    if (!PATHS[place.kind]) return;
    this.opener = opener;
    this.root.hidden = false;
    const asked = this.ask(place, at);
    this.root.focus({ preventScroll: true });
    await asked;
  }

  /** The slider moved: the same place, asked about another time. The focus stays on the slider. @param {string | null} at */
  async moveTo(at) {
    if (!this.place) return;
    await this.ask({ ...this.place, properties: timeless(this.place.properties) }, at);
  }

  /** @param {Place} place @param {string | null} at */
  async ask(place, at) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.place = place;
    // A colour of now never stands beside a question about then.
    const properties = at ? timeless(place.properties) : (place.properties ?? {});
    const time = at && TIMED.includes(place.kind) ? `?at=${encodeURIComponent(at)}` : "";
    const path = (PATHS[place.kind]?.(encodeURIComponent(place.id)) ?? "") + time;
    this.show(place, properties, null, [this.paragraph("panel.loading")]);
    try {
      const body = await get(path, asking.signal);
      let facts = { ...properties, ...body };
      if (place.kind === "venue" && !(place.name && facts.kind)) {
        const { name, kind } = await get(`/v1/venues/${encodeURIComponent(place.id)}`, asking.signal);
        facts = { name, kind, ...facts };
      }
      if (place.kind === "cell") facts = { ...facts, ...(await lender(facts, time, asking.signal)) };
      this.show(place, facts, body, [...this.past(place.kind, facts, at), ...this.body(place, facts, path, at)]);
      if (access.key()) this.keep(place, body);
    } catch (error) {
      if (asking.signal.aborted) return;
      const status = error instanceof ApiError ? ` (${error.status})` : "";
      this.show(place, properties, null, [make("p", {}, this.words.text("panel.error") + status)]);
    }
  }

  /** An address carries no key and would answer with released figures: the answer at hand becomes a file. @param {Place} place @param {any} body */
  keep(place, body) {
    const link = this.root.querySelector("a.raw");
    if (!(link instanceof HTMLAnchorElement)) return;
    link.addEventListener("click", () => {
      const file = URL.createObjectURL(new Blob([JSON.stringify(body, null, 2)], { type: "application/json" }));
      link.href = file;
      link.download = `${place.kind}-${place.id}.json`;
      setTimeout(() => URL.revokeObjectURL(file), 10_000);
    });
  }

  /**
   * @param {Place} place
   * @param {Record<string, any>} facts
   * @param {any} body
   * @param {Node[]} parts
   */
  show(place, facts, body, parts) {
    const words = this.words;
    const known = facts.level ?? facts.risk?.level;
    const level = place.kind === "zone" || (known === undefined && !body) ? null : Number(known ?? 0);
    const name = place.name ?? facts.name ?? (place.kind === "cell" ? cellName(words, place.id) : place.id);
    const close = make("button", { class: "icon-button", type: "button", "aria-label": words.text("panel.close"), title: words.text("panel.close") }, cross());
    close.addEventListener("click", () => this.close());
    const head = make(
      "div",
      { class: "panel-head" },
      make("div", {}, make("h2", { id: "panel-title" }, name), this.kindLine(place, facts)),
      close,
    );
    if (level !== null) head.append(make("div", { class: "panel-level" }, this.badge(level), this.levelNote(place.kind, level, facts)));
    this.root.dataset.level = String(level ?? "");
    this.root.dataset.kind = place.kind;
    this.root.dataset.ready = String(body !== null);
    this.root.replaceChildren(head, make("div", { class: "panel-body" }, ...parts));
  }

  /** @param {Place} place @param {Record<string, any>} facts */
  kindLine({ kind, id }, facts) {
    const words = this.words;
    const tier = facts.level_name ?? facts.tier;
    let line = kind === "cell" ? cellId(words, id) : "";
    if (kind === "venue" && facts.kind) line = words.text(`kind.${facts.kind}`);
    if (kind === "zone" && facts.kind) line = words.text(`zone.${facts.kind}`);
    if (kind === "area" && tier) line = words.text(`tier.${tier}`);
    if (kind === "area" && facts.approximate) line += `${line ? " · " : ""}${words.text("panel.approximate")}`;
    return line ? make("span", { class: "sub" }, line) : null;
  }

  /** What is said beside the level. @param {string} kind @param {number} level @param {Record<string, any>} facts */
  levelNote(kind, level, facts) {
    if (kind === "area" && facts.class) return make("span", { class: "quiet" }, this.words.side(facts.class));
    if (kind !== "venue") return null;
    const says = [];
    if (level > 0 && facts.status) says.push(this.words.text(`status.${facts.status}`));
    if (facts.past && !facts.past.complete) says.push(this.words.text("panel.past.least"));
    return says.length ? make("span", { class: "quiet" }, says.join(" · ")) : null;
  }

  /**
   * About a past instant: which it is, and what is not known of it.
   * @param {string} kind
   * @param {Record<string, any>} facts
   * @param {string | null} at
   * @returns {Node[]}
   */
  past(kind, facts, at) {
    if (!at) return [];
    const words = this.words;
    /** @type {string[]} */
    const says = [];
    if (kind === "venue") says.push(words.text("panel.past.venue"));
    if (kind === "zone") says.push(words.text("panel.past.zone"));
    for (const text of facts.past?.not_known ?? []) says.push(this.dated(words.side(text)));
    const title = words.text("panel.past", { at: this.value(facts.past?.at ?? at) });
    const list = make("ul", { class: "bullets" }, ...says.map((each) => make("li", {}, each)));
    return [make("section", { class: "note past" }, make("h3", {}, title), says.length ? list : null)];
  }

  /** @param {number} level */
  badge(level) {
    const swatch = make("span", { class: "swatch", "data-level": String(level), "aria-hidden": "true" });
    swatch.append(make("span", { class: "swatch-letter" }, this.words.text(`level.${level}.letter`)));
    return make("span", { class: "badge", "data-level": String(level) }, swatch, make("span", {}, this.words.text(`level.${level}`)));
  }

  /**
   * @param {Place} place
   * @param {Record<string, any>} facts
   * @param {string} path
   * @param {string | null} at
   * @returns {Node[]}
   */
  body({ kind, id }, facts, path, at) {
    const words = this.words;
    /** @type {Node[]} */
    const parts = [];
    /** @type {Explain | undefined} */
    const explain = facts.explain ?? facts.parent?.explain ?? facts.risk?.explain;
    const level = Number(facts.level ?? facts.risk?.level ?? 0);
    if (kind !== "zone") {
      const why = level > 0 ? words.text("panel.why", { level: words.text(`panel.colour.${level}`) }) : words.text("panel.why.0");
      const section = make("section", {}, make("h3", {}, why));
      const lent = kind === "cell" ? borrowed(this, facts, at) : [];
      section.append(...lent);
      // The first step says again what the note has said.
      const said = lent.length && facts.from_parent && explain === facts.explain ? 1 : 0;
      if (explain?.steps?.length) section.append(this.steps(explain.steps.slice(said)));
      else if (!lent.length) section.append(this.paragraph("panel.nothing", "note"));
      parts.push(section);
    }
    const rows = kind === "zone" ? this.zoneRows(facts) : this.figureRows(kind, facts);
    if (facts.released_at) rows.push([words.text("panel.released"), this.value(facts.released_at)]);
    for (const input of explain?.inputs ?? []) {
      const as_of = input.as_of ? ` (${words.text("panel.inputs.until", { at: this.value(input.as_of) })})` : "";
      // A dash stands for a count that was not published.
      const value = input.value === "–" && facts.standing === "insufficient_data" ? words.text("panel.hidden") : this.input(input.value);
      const whose = facts.parent && explain === facts.parent.explain ? ` (${words.text("panel.parent.short")})` : "";
      rows.push([words.side(input.name) + whose, value + as_of + (input.source ? ` · ${input.source}` : "")]);
    }
    if (rows.length) parts.push(make("section", {}, kind === "zone" ? null : make("h3", {}, words.text("panel.inputs")), factList(rows)));
    if (kind === "cell" && facts.noise?.note) parts.push(make("p", { class: "note" }, words.side(facts.noise.note)));
    if (explain?.next?.length) {
      const list = make("ul", { class: "bullets" }, ...explain.next.map((text) => make("li", {}, this.dated(words.side(text)))));
      parts.push(make("section", {}, make("h3", {}, words.text("panel.next")), list));
    }
    if (explain && !explain.confirmed) parts.push(this.paragraph("panel.unconfirmed", "note"));
    if (kind === "venue") parts.push(...besideLevel(this, facts));
    const foot = make("div", { class: "panel-foot" });
    if (explain) {
      foot.append(make("p", {}, `${words.text("panel.rule")}: `, make("a", { href: `/v1/rules/${kind}/${encodeURIComponent(explain.rule)}` }, explain.rule)));
      foot.append(make("p", {}, `${words.text("panel.source")}: ${words.side(explain.source)}`));
    }
    if (facts.reports) foot.append(make("p", {}, make("a", { href: facts.reports }, words.text("panel.reports"))));
    const as_of = explain?.as_of ?? facts.as_of;
    if (as_of) foot.append(make("p", {}, `${words.text("panel.asof")} ${this.value(as_of)}`));
    foot.append(make("p", {}, make("a", { href: path, class: "raw" }, words.text("panel.api"))));
    if (!at) foot.append(make("p", {}, make("a", { href: `/?lang=${words.lang}#${kind}=${encodeURIComponent(id)}` }, words.text("panel.link"))));
    parts.push(foot);
    return parts;
  }

  /** @param {Explain["steps"]} steps */
  steps(steps) {
    return make(
      "ol",
      { class: "steps" },
      ...steps.map((step) => make("li", {}, make("span", {}, this.dated(this.words.side(step.text))), this.step(step.value))),
    );
  }

  /** A step's figure; steps that only say something have a dash. @param {string} value */
  step(value) {
    return value && value !== "–" ? make("strong", {}, this.input(value)) : null;
  }

  /** Figures that a cell or area carries beside its explanation. @param {string} kind @param {Record<string, any>} facts @returns {[string, string][]} */
  figureRows(kind, facts) {
    const words = this.words;
    /** @type {[string, string][]} */
    const rows = [];
    if (kind === "area" && facts.standing === "insufficient_data" && facts.possible?.length) {
      const levels = facts.possible.map((/** @type {number} */ level) => words.text(`level.${level}`).toLowerCase());
      rows.push([words.text("panel.possible"), levels.join(", ")]);
    }
    if (kind === "area" && facts.units_by_level) rows.push([words.text("panel.units"), this.units(facts.units_by_level)]);
    if (kind !== "cell") return rows;
    for (const name of ["visits", "people", "cases"]) {
      const value = facts[name];
      if (typeof value === "number") rows.push([words.text(`panel.${name}`), words.number(value)]);
      else if (facts.suppressed) rows.push([words.text(`panel.${name}`), words.text("panel.hidden")]);
    }
    rows.push(...periods(this, facts));
    return rows;
  }

  /** How many units below have each level: `3 green, 1 red`. @param {number[]} counts by level, 0 to 4 */
  units(counts) {
    const words = this.words;
    return [1, 2, 3, 4, 0]
      .filter((level) => counts[level])
      .map((level) => `${words.number(counts[level] ?? 0)} ${words.text(`level.${level}`).toLowerCase()}`)
      .join(", ");
  }

  /** @param {Record<string, any>} facts @returns {[string, string][]} */
  zoneRows(facts) {
    const words = this.words;
    /** @type {[string, string][]} */
    const rows = [];
    if (facts.state) rows.push([words.text("panel.state"), words.text(`zone.${facts.state}`)]);
    for (const [key, name] of [["starts_at", "starts"], ["planned_end", "ends"], ["decision", "decision"], ["issuer", "issuer"], ["reason", "reason"]]) {
      const value = facts[/** @type {string} */ (key)];
      if (value) rows.push([words.text(`panel.${name}`), this.value(value)]);
    }
    return rows;
  }

  /** A figure of an explanation: kinds of venues by name, of `đạt / met` the reader's side. @param {string} value */
  input(value) {
    if (`kind.${value}` in this.words.table) return this.words.text(`kind.${value}`);
    const [vi, en, ...more] = value.split(" / ");
    if (vi && en && !more.length) return this.words.side({ vi, en });
    return this.value(value);
  }

  /** Instants in local time and words, numbers by the language (small ones come rounded), the rest as it is. @param {unknown} value */
  value(value) {
    // A figure and its sign stay on one line.
    const text = String(value).replace(/(?<=\d) %/g, "\u00a0%");
    if (/^\d{4}-\d\d-\d\dT/.test(text)) return this.words.instant(text, this.boot.utc_offset);
    if (/^-?\d+(\.\d+)?$/.test(text)) return this.words.number(Number(text), Math.abs(Number(text)) < 0.1 ? 12 : 2);
    // Vietnamese writes 7,5 where the API's figures have 7.5: ranges, percentages. Not versions, such as `@2.0`.
    if (this.words.lang === "vi") return text.replace(/(?<![\w@.,])\d+\.\d+(?![\w.])/g, (found) => this.words.number(Number(found), 12));
    return text;
  }

  /** The instants and days within a sentence, as people write them. @param {string} text */
  dated(text) {
    return text
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, (found) => this.value(found))
      // Not the versions of rules, such as `qd4800@2021-10-12`.
      .replace(/(?<!@)\b\d{4}-\d\d-\d\d\b/g, (found) => this.words.day(found));
  }

  /** @param {string} key @param {string} [className] */
  paragraph(key, className = "quiet") {
    return make("p", { class: className }, this.words.text(key));
  }
}

/** What stays true of a place at every time. @param {Record<string, any>} [properties] @returns {Record<string, any>} */
function timeless(properties = {}) {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !OF_AN_INSTANT.includes(name)));
}

/** @param {[string, string][]} rows */
function factList(rows) {
  return make("dl", { class: "facts" }, ...rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

function cross() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "m6.4 5 5.6 5.6L17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6 10.6 12 5 6.4Z");
  svg.append(path);
  return svg;
}
