// What the tiles on the screen weigh in each format: all of it measured here, nothing written down beforehand.

import { element } from "./boot.js";

/** @typedef {import("./cells/worker.js").Weight} Weight */
/** @typedef {import("./pair.js").Tile} Tile */
/** @typedef {{tiles: number, cells: number | null, sent: number, gzip: number, plain: number, buildMs: number | null, codings: Set<string>}} Sum */

const KILO = 1000;
/** Tiles whose weight is kept; beyond that the oldest are forgotten. */
const KEPT = 4096;

export class Figures {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    this.table = element("figures");
    /** @type {{format: string, ending: string}[]} */
    this.formats = [...this.table.querySelectorAll("th[data-format]")].map((head) => {
      const { format = "", ending = "" } = /** @type {HTMLElement} */ (head).dataset;
      return { format, ending };
    });
    /** @type {Map<string, Weight>} by path of the tile, ending included */
    this.weights = new Map();
    this.query = "";
    /** Whether the maps are about to show other tiles. */
    this.held = false;
    /** @type {AbortController | null} */
    this.asking = null;
  }

  /** A tile came. @param {Weight} weight */
  take(weight) {
    const { pathname, search } = new URL(weight.url);
    if (search !== this.query) return;
    this.weights.set(pathname, weight);
    if (this.weights.size > KEPT) for (const oldest of [...this.weights.keys()].slice(0, KEPT / 4)) this.weights.delete(oldest);
  }

  /** Other tiles will be shown; nothing is said of those until then. @param {string} query */
  forget(query) {
    this.asking?.abort();
    this.held = true;
    this.query = query;
    this.weights.clear();
    this.table.dataset.state = "waiting";
  }

  /** The other tiles are asked for. */
  goOn() {
    this.held = false;
  }

  /** @param {unknown} error */
  fail(error) {
    element("verdict").textContent = this.words.text("formats.failed", { reason: error instanceof Error ? error.message : String(error) });
    this.table.dataset.state = "failed";
  }

  /**
   * Both maps have drawn these tiles. What no map drew is weighed now.
   * @param {Tile[]} tiles
   * @param {(path: string, signal: AbortSignal) => Promise<Weight>} weigh
   */
  async show(tiles, weigh) {
    if (this.held) return;
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    this.table.dataset.state = "waiting";
    const path = (/** @type {Tile} */ { z, x, y }, /** @type {string} */ ending) => `/tiles/cells/${z}/${x}/${y}.${ending}`;
    // Tiles beyond the data's bounds are asked for by no map.
    const drawn = tiles.filter((tile) => this.weights.has(path(tile, "mvt")));
    const missing = this.formats.flatMap(({ ending }) => drawn.map((tile) => path(tile, ending)).filter((each) => !this.weights.has(each)));
    try {
      for (const weight of await Promise.all(missing.map((each) => weigh(each + this.query, signal)))) this.take(weight);
    } catch (error) {
      if (!signal.aborted) this.fail(error);
      return;
    }
    if (signal.aborted) return;
    const sums = new Map(this.formats.map(({ format, ending }) => [format, sum(drawn.flatMap((tile) => this.weights.get(path(tile, ending)) ?? []))]));
    this.write(sums);
    this.table.dataset.state = "ready";
  }

  /** @param {Map<string, Sum>} sums */
  write(sums) {
    const { words } = this;
    const [mvt, compact] = [sums.get("mvt"), sums.get("compact")];
    for (const [format, each] of sums) {
      const ratio = mvt && each.gzip ? mvt.gzip / each.gzip : null;
      this.cell("tiles", format, each.tiles, words.number(each.tiles));
      this.cell("cells", format, each.cells, each.cells === null ? null : words.number(each.cells));
      for (const row of /** @type {const} */ (["sent", "gzip", "plain"])) this.cell(row, format, each[row], this.bytes(each[row]));
      this.cell("ratio", format, ratio, ratio === null ? null : words.text("formats.times", { n: words.number(ratio, 1) }));
      this.cell("build", format, each.buildMs, each.buildMs === null ? null : words.text("formats.milliseconds", { n: words.number(each.buildMs, 1) }));
    }
    const codings = [...new Set([...sums.values()].flatMap((each) => [...each.codings]))];
    const sub = this.table.querySelector('[data-row="sent"] [data-sub]');
    if (sub && codings.length) sub.textContent = words.text("formats.row.sent.coding", { coding: codings.join(", ") });
    element("verdict").textContent =
      mvt?.gzip && compact?.gzip
        ? words.text("formats.verdict", { compact: this.bytes(compact.gzip), mvt: this.bytes(mvt.gzip), ratio: words.number(mvt.gzip / compact.gzip, 1) })
        : words.text("formats.nothing");
  }

  /** @param {string} row @param {string} format @param {number | null} value @param {string | null} text */
  cell(row, format, value, text) {
    const cell = /** @type {HTMLElement | null} */ (this.table.querySelector(`[data-row="${row}"] td[data-format="${format}"]`));
    if (!cell) return;
    cell.textContent = text ?? "–";
    if (value === null) delete cell.dataset.value;
    else cell.dataset.value = String(value);
  }

  /** @param {number} bytes */
  bytes(bytes) {
    const { words } = this;
    if (bytes < KILO) return words.text("formats.bytes", { n: words.number(bytes) });
    return words.text("formats.kilobytes", { n: words.number(bytes / KILO, 1) });
  }
}

/** @param {Weight[]} weights @returns {Sum} */
function sum(weights) {
  const full = weights.filter((each) => each.plain > 0);
  const add = (/** @type {(weight: Weight) => number} */ of) => full.reduce((all, each) => all + of(each), 0);
  return {
    tiles: full.length,
    cells: full.some((each) => each.cells === null) ? null : add((each) => each.cells ?? 0),
    sent: add((each) => each.sent),
    gzip: add((each) => each.gzip),
    plain: add((each) => each.plain),
    buildMs: full.some((each) => each.buildMs !== null) ? add((each) => each.buildMs ?? 0) : null,
    codings: new Set(full.map((each) => each.coding)),
  };
}
