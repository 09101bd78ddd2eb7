// A worker beside the map's own: fetches tiles and turns compact cells into vector tiles, off the page's thread. H3 and
// the writer are loaded when the first compact tile comes, and only here.

import { decodeCells } from "./decode.js";
import { buildTile, countCells } from "./mvt.js";
import { gzipped, transferred } from "./weigh.js";

/**
 * @typedef {object} Asked
 * @property {number} id of the request
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {RequestCache} [cache]
 * @property {boolean} [weigh] whether sizes and times are wanted too
 */
/**
 * @typedef {object} Weight of one answer
 * @property {string} url
 * @property {number} sent bytes of the body on the line, or as they were when the browser kept them
 * @property {number} line bytes that went over the line now, headers included; 0 from the browser's cache
 * @property {number} plain bytes of the body without its coding
 * @property {number} gzip bytes of the body compressed with gzip here, for comparing formats alike
 * @property {string} coding the server's
 * @property {number | null} cells in the tile, where that is known
 * @property {number | null} buildMs for reading, outlining and writing, where that was done
 */
/** @typedef {{id: number, data: ArrayBuffer, etag: string | null, weight: Weight | null}} Answered */
/** @typedef {{id: number, status: number, reason: string}} Failed `status` 0: not an answer of the server */

const COMPACT = "application/vnd.vungxanh.cells";
const MVT = "application/vnd.mapbox-vector-tile";
const VENDOR = new URL("../../vendor/", import.meta.url).href;

/** @typedef {{h3: import("./mvt.js").H3, pbf: typeof import("pbf")}} Libraries */
/** @type {Promise<Libraries> | null} */
let libraries = null;

function load() {
  libraries ??= Promise.all([import(`${VENDOR}h3-js/h3-js.mjs`), import(`${VENDOR}pbf/pbf.mjs`)]).then(
    ([h3, pbf]) => ({ h3, pbf }),
    (error) => {
      libraries = null;
      throw error;
    },
  );
  return libraries;
}

/** @type {Map<number, AbortController>} */
const running = new Map();

addEventListener("message", async ({ data }) => {
  /** @type {Asked | {abort: number}} */
  const message = data;
  if ("abort" in message) {
    running.get(message.abort)?.abort();
    return;
  }
  const stop = new AbortController();
  running.set(message.id, stop);
  try {
    const answered = await answer(message, stop.signal);
    postMessage(answered, { transfer: [answered.data] });
  } catch (error) {
    // Nobody waits any more for what was given up.
    if (!stop.signal.aborted) postMessage(failed(message.id, error));
  } finally {
    running.delete(message.id);
  }
});

/** @param {Asked} asked @param {AbortSignal} signal @returns {Promise<Answered>} */
async function answer({ id, url, headers, cache, weigh }, signal) {
  const response = await fetch(url, { headers, signal, ...(cache ? { cache } : {}) });
  if (!response.ok) throw new Refused(response.status, await reason(response));
  const body = new Uint8Array(await response.arrayBuffer());
  const etag = response.headers.get("etag");
  let tile = { bytes: body, count: /** @type {number | null} */ (null) };
  let buildMs = null;
  const type = response.headers.get("content-type") ?? "";
  if (body.length > 0 && type.startsWith(COMPACT)) {
    const { h3, pbf } = await load();
    signal.throwIfAborted();
    const start = performance.now();
    tile = buildTile(decodeCells(body), place(url), h3, pbf.PbfWriter);
    buildMs = performance.now() - start;
  } else if (weigh && type.startsWith(MVT)) {
    const { pbf } = await load();
    tile.count = countCells(body, pbf.PbfReader);
  }
  const weight = weigh ? { ...(await weighed(url, body, response)), cells: tile.count, buildMs } : null;
  const { buffer, byteOffset, byteLength } = tile.bytes;
  // The writer's memory may be larger than what it wrote.
  const data = byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
  return { id, data, etag, weight };
}

/** @param {string} url @param {Uint8Array<ArrayBuffer>} body @param {Response} response */
async function weighed(url, body, response) {
  const [timing, gzip] = await Promise.all([transferred(response.url || url), gzipped(body)]);
  return { url, ...timing, plain: body.length, gzip, coding: response.headers.get("content-encoding") ?? "identity" };
}

/** Zoom, column and row out of an address. @param {string} url */
function place(url) {
  const [, z, x, y] = /\/(\d+)\/(\d+)\/(\d+)(?:\.\w+)?(?:\?|$)/.exec(url)?.map(Number) ?? [];
  if (z === undefined || x === undefined || y === undefined) throw new Error(`${url} names no tile`);
  return { z, x, y };
}

class Refused extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** What the server says of a refusal: problem details, else its status. @param {Response} response */
async function reason(response) {
  try {
    const { detail, title } = await response.json();
    return String(detail ?? title);
  } catch {
    return response.statusText;
  }
}

/** @param {number} id @param {unknown} error @returns {Failed} */
function failed(id, error) {
  return { id, status: error instanceof Refused ? error.status : 0, reason: error instanceof Error ? error.message : String(error) };
}
