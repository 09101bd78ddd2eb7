// Compact cells for a MapLibre map: tiles at `cells:///tiles/cells/{z}/{x}/{y}.cells` are asked for and built in a worker of
// our own, and handed to the map as vector tiles. Other tiles come through unchanged, so that formats can be compared.

/** @typedef {import("./worker.js").Weight} Weight */
/** @typedef {import("./worker.js").Answered} Answered */
/** @typedef {import("./worker.js").Failed} Failed */
/** @typedef {{data: ArrayBuffer, etag?: string}} Tile */

const SCHEME = "cells";
const WORKER = new URL("./worker.js", import.meta.url);

/** The address for the map. @param {string} path of our own server */
export function cellsAddress(path) {
  return `${SCHEME}://${path}`;
}

export class CellsProtocol {
  /**
   * Teaches the map library the scheme; the worker starts with the first tile.
   * @param {Pick<typeof import("maplibre-gl"), "addProtocol" | "AJAXError">} library
   * @param {(weight: Weight) => void} [weighed] is told of each tile; without it nothing is weighed
   */
  constructor(library, weighed) {
    this.library = library;
    this.weighed = weighed;
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Map<number, {url: string, done: (answered: Answered) => void, fail: (error: Error) => void}>} */
    this.waiting = new Map();
    this.last = 0;
    library.addProtocol(SCHEME, async ({ url, headers, cache }, { signal }) => {
      const { data, etag, weight } = await this.ask(own(url.slice(`${SCHEME}://`.length)), { headers, cache, signal });
      if (weight) this.weighed?.(weight);
      return /** @type {Tile} */ (etag ? { data, etag } : { data });
    });
  }

  /**
   * Asks for an address only to weigh its answer.
   * @param {string} path
   * @param {{headers?: Record<string, string>, signal?: AbortSignal}} [options]
   * @returns {Promise<Weight>}
   */
  async weigh(path, options = {}) {
    const { weight } = await this.ask(own(path), options, true);
    if (!weight) throw new Error("the worker weighed nothing");
    return weight;
  }

  /**
   * @param {string} url
   * @param {{headers?: Record<string, string>, cache?: RequestCache, signal?: AbortSignal}} options
   * @param {boolean} [weigh]
   * @returns {Promise<Answered>}
   */
  ask(url, { headers = {}, cache, signal }, weigh = this.weighed !== undefined) {
    signal?.throwIfAborted();
    const worker = (this.worker ??= this.start());
    const id = ++this.last;
    return new Promise((done, fail) => {
      this.waiting.set(id, { url, done, fail });
      signal?.addEventListener("abort", () => {
        if (!this.waiting.delete(id)) return;
        worker.postMessage({ abort: id });
        fail(new DOMException("given up", "AbortError"));
      });
      worker.postMessage({ id, url, headers, cache, weigh });
    });
  }

  start() {
    const worker = new Worker(WORKER, { type: "module", name: "vungxanh-cells" });
    worker.addEventListener("message", ({ data }) => this.take(data));
    // A worker that cannot run answers nothing: those who wait are told, and the next tile tries a new one.
    worker.addEventListener("error", (event) => {
      worker.terminate();
      if (this.worker === worker) this.worker = null;
      const all = [...this.waiting.values()];
      this.waiting.clear();
      for (const { fail } of all) fail(new Error(`the worker for compact cells failed: ${event.message || "it could not be loaded"}`));
    });
    return worker;
  }

  /** @param {Answered | Failed} message */
  take(message) {
    const waiting = this.waiting.get(message.id);
    if (!waiting) return;
    this.waiting.delete(message.id);
    if ("data" in message) waiting.done(message);
    else if (message.status) waiting.fail(new this.library.AJAXError(message.status, message.reason, waiting.url, new Blob()));
    else waiting.fail(new Error(`${waiting.url}: ${message.reason}`));
  }
}

/** An address of this very server, absolute: a worker's own place is another. @param {string} path */
function own(path) {
  const url = new URL(path, location.origin);
  if (url.origin !== location.origin) throw new Error(`${path} is not an address of this server`);
  return url.href;
}
