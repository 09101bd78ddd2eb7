// "Why is this orange?": the explanation of one place, on a card or a sheet.

import { element, make } from "./boot.js";
import { ApiError, get } from "./api.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./words.js").Text} Text */
/**
 * @typedef {object} Explain as the API writes it
 * @property {string} rule
 * @property {string} source
 * @property {boolean} confirmed
 * @property {string} as_of
 * @property {{name: Text, value: string, as_of: string | null}[]} inputs
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

/** Kinds that can also be asked about another time; venues and zones answer for now. */
const TIMED = ["area", "cell"];

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
    /** @type {AbortController | null} */
    this.asking = null;
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.root.hidden) this.close();
    });
  }

  close() {
    this.asking?.abort();
    this.root.hidden = true;
    this.closed();
    this.opener?.focus();
    this.opener = null;
  }

  /**
   * @param {{kind: string, id: string, name?: string, properties?: Record<string, any>}} place
   * @param {string | null} at instant, or null for now
   * @param {HTMLElement | null} opener where the focus returns
   */
  async open(place, at, opener = null) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.opener = opener;
    const path = PATHS[place.kind]?.(encodeURIComponent(place.id));
    if (!path) return;
    const properties = place.properties ?? {};
    this.root.hidden = false;
    this.show(place, properties, null, [this.paragraph("panel.loading")]);
    this.root.focus({ preventScroll: true });
    try {
      const time = at && TIMED.includes(place.kind) ? `?at=${encodeURIComponent(at)}` : "";
      const body = await get(path + time, asking.signal);
      let facts = body;
      if (place.kind === "venue" && !place.name && !properties.name) {
        facts = { ...(await get(`/v1/venues/${encodeURIComponent(place.id)}`, asking.signal)), ...body };
      }
      this.show(place, { ...properties, ...facts }, body, this.body(place.kind, { ...properties, ...facts }, path));
    } catch (error) {
      if (asking.signal.aborted) return;
      const status = error instanceof ApiError ? ` (${error.status})` : "";
      this.show(place, properties, null, [make("p", {}, this.words.text("panel.error") + status)]);
    }
  }

  /**
   * @param {{kind: string, id: string, name?: string}} place
   * @param {Record<string, any>} facts
   * @param {any} body
   * @param {Node[]} parts
   */
  show(place, facts, body, parts) {
    const words = this.words;
    const level = place.kind === "zone" ? null : Number(facts.level ?? facts.risk?.level ?? 0);
    const name = place.name ?? facts.name ?? (place.kind === "cell" ? `${words.text("map.cellarea")} ${place.id}` : place.id);
    const close = make("button", { class: "icon-button", type: "button", "aria-label": words.text("panel.close"), title: words.text("panel.close") }, cross());
    close.addEventListener("click", () => this.close());
    const head = make(
      "div",
      { class: "panel-head" },
      make("div", {}, make("h2", { id: "panel-title" }, name), this.kindLine(place.kind, facts)),
      close,
    );
    if (level !== null) {
      const status = facts.status ? words.text(`status.${facts.status}`) : "";
      head.append(make("div", { class: "panel-level" }, this.badge(level), place.kind === "venue" && status ? make("span", { class: "quiet" }, status) : null));
    }
    this.root.dataset.level = String(level ?? "");
    this.root.dataset.kind = place.kind;
    this.root.dataset.ready = String(body !== null);
    this.root.replaceChildren(head, make("div", { class: "panel-body" }, ...parts));
  }

  /** @param {string} kind @param {Record<string, any>} facts */
  kindLine(kind, facts) {
    const words = this.words;
    const tier = facts.level_name ?? facts.tier;
    let line = "";
    if (kind === "venue" && facts.kind) line = words.text(`kind.${facts.kind}`);
    if (kind === "zone" && facts.kind) line = words.text(`zone.${facts.kind}`);
    if (kind === "area" && tier) line = words.text(`tier.${tier}`);
    if (kind === "area" && facts.approximate) line += `${line ? " · " : ""}${words.text("panel.approximate")}`;
    return line ? make("span", { class: "sub" }, line) : null;
  }

  /** @param {number} level */
  badge(level) {
    const swatch = make("span", { class: "swatch", "data-level": String(level), "aria-hidden": "true" });
    swatch.append(make("span", { class: "swatch-letter" }, this.words.text(`level.${level}.letter`)));
    return make("span", { class: "badge", "data-level": String(level) }, swatch, make("span", {}, this.words.text(`level.${level}`)));
  }

  /**
   * @param {string} kind
   * @param {Record<string, any>} facts
   * @param {string} path
   * @returns {Node[]}
   */
  body(kind, facts, path) {
    const words = this.words;
    /** @type {Node[]} */
    const parts = [];
    /** @type {Explain | undefined} */
    const explain = facts.explain ?? facts.risk?.explain;
    const level = Number(facts.level ?? facts.risk?.level ?? 0);
    if (kind !== "zone") {
      const why = level > 0 ? words.text("panel.why", { level: words.text(`panel.colour.${level}`) }) : words.text("panel.why.0");
      const section = make("section", {}, make("h3", {}, why));
      if (facts.from_parent) section.append(make("p", { class: "note" }, words.text("panel.parent")));
      if (explain?.steps?.length) section.append(this.steps(explain.steps));
      else if (facts.suppressed) section.append(this.paragraph("panel.suppressed", "note"));
      else section.append(this.paragraph("panel.nothing", "note"));
      parts.push(section);
    }
    const rows = kind === "zone" ? this.zoneRows(facts) : this.figureRows(kind, facts);
    for (const input of explain?.inputs ?? []) rows.push([words.side(input.name), this.value(input.value)]);
    if (rows.length) parts.push(make("section", {}, kind === "zone" ? null : make("h3", {}, words.text("panel.inputs")), factList(rows)));
    if (explain?.next?.length) {
      const list = make("ul", { class: "bullets" }, ...explain.next.map((text) => make("li", {}, words.side(text))));
      parts.push(make("section", {}, make("h3", {}, words.text("panel.next")), list));
    }
    if (explain && !explain.confirmed) parts.push(this.paragraph("panel.unconfirmed", "note"));
    const foot = make("div", { class: "panel-foot" });
    if (explain) {
      foot.append(make("p", {}, `${words.text("panel.rule")}: ${explain.rule}`));
      foot.append(make("p", {}, `${words.text("panel.source")}: ${words.side(explain.source)}`));
      foot.append(make("p", {}, `${words.text("panel.asof")} ${this.value(explain.as_of)}`));
    }
    foot.append(make("p", {}, make("a", { href: path }, words.text("panel.api"))));
    parts.push(foot);
    return parts;
  }

  /** @param {Explain["steps"]} steps */
  steps(steps) {
    return make(
      "ol",
      { class: "steps" },
      ...steps.map((step) => make("li", {}, make("span", {}, this.words.side(step.text)), step.value ? make("strong", {}, this.value(step.value)) : null)),
    );
  }

  /** Figures that a cell or area carries beside its explanation. @param {string} kind @param {Record<string, any>} facts @returns {[string, string][]} */
  figureRows(kind, facts) {
    if (kind !== "cell") return [];
    const words = this.words;
    /** @type {[string, string][]} */
    const rows = [];
    for (const name of ["visits", "people", "cases"]) {
      const value = facts[name];
      if (typeof value === "number") rows.push([words.text(`panel.${name}`), words.number(value)]);
      else if (facts.suppressed) rows.push([words.text(`panel.${name}`), words.text("panel.hidden")]);
    }
    return rows;
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

  /** Instants in local time and words, numbers by the language, the rest as it is. @param {unknown} value */
  value(value) {
    const text = String(value);
    if (/^\d{4}-\d\d-\d\dT/.test(text)) return this.words.instant(text, this.boot.utc_offset);
    if (/^-?\d+(\.\d+)?$/.test(text)) return this.words.number(Number(text), 2);
    return text;
  }

  /** @param {string} key @param {string} [className] */
  paragraph(key, className = "quiet") {
    return make("p", { class: className }, this.words.text(key));
  }
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
