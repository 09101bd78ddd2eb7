// Fresh figures: the server says which tiles changed; without that, we ask now and then.

import { access } from "./api.js";

/** @typedef {[number, number, number]} TileId zoom, column, row */
/** @typedef {{layer: string, every: boolean, tiles: TileId[], below: TileId[]}} LayerChange */
/** @typedef {{generation: number, as_of: string, reload: boolean, changes: LayerChange[]}} Change */

const POLL_MS = 30_000;
const RETRY_MS = 3000;
/** Longer than this without a word (the server's heartbeat is shorter) and the line is dead. */
const SILENCE_MS = 40_000;
/** Not everyone at once: each reader waits a little, differently. */
const JITTER_MS = 1500;
/** However fast changes come, the page is redrawn this often at most. */
const REST_MS = 2000;

/**
 * Follows the changes of what this reader may see, with the official's key where there is one.
 * @param {(change: Change | null) => void} changed `null`: anything may have changed
 * @param {(online: boolean) => void} state
 * @returns {{restart(): void}}
 */
export function followChanges(changed, state) {
  /** @type {Change | null} what came while the page rested */
  let pending = null;
  let waiting = false;
  let last = 0;
  const soon = (/** @type {Change | null} */ change) => {
    pending = waiting ? both(pending, change) : change;
    if (waiting || document.hidden) {
      if (document.hidden) missed = true;
      return;
    }
    waiting = true;
    const rest = Math.max(0, last + REST_MS - Date.now());
    setTimeout(() => {
      waiting = false;
      last = Date.now();
      changed(pending);
    }, rest + Math.random() * JITTER_MS);
  };

  let missed = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let poll;
  /** @type {string | null} */
  let lastId = null;
  /** Events heard; the first only says where things stand. */
  let heard = 0;
  let stop = new AbortController();

  const listen = async () => {
    const mine = (stop = new AbortController());
    while (!mine.signal.aborted) {
      try {
        await read(mine);
      } catch {
        // The line is down; the next try goes on where it was left.
      }
      if (mine.signal.aborted) return;
      state(false);
      poll ??= setInterval(() => soon(null), POLL_MS);
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  };

  /** @param {AbortController} mine */
  const read = async (mine) => {
    const line = new AbortController();
    mine.signal.addEventListener("abort", () => line.abort());
    let silence = setTimeout(() => line.abort(), SILENCE_MS);
    const resume = lastId ? { "Last-Event-ID": lastId } : {};
    const answer = await fetch("/v1/changes", {
      headers: { Accept: "text/event-stream", ...access.headers(), .../** @type {Record<string, string>} */ (resume) },
      cache: "no-store",
      signal: line.signal,
    });
    if (!answer.ok || !answer.body) throw new Error(answer.statusText);
    state(true);
    clearInterval(poll);
    poll = undefined;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      clearTimeout(silence);
      if (done) return;
      silence = setTimeout(() => line.abort(), SILENCE_MS);
      text += value;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) take(event);
    }
  };

  /** @param {string} event lines of one server-sent event */
  const take = (event) => {
    /** @type {Record<string, string>} */
    const fields = {};
    for (const line of event.split("\n")) {
      const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (name) fields[name] = value ?? "";
    }
    if (fields.id) lastId = fields.id;
    if (fields.event !== "change" || !fields.data) return;
    /** @type {Change} */
    const change = JSON.parse(fields.data);
    const first = heard === 0;
    heard += 1;
    if (change.reload) soon(null);
    else if (change.changes.length || !first) soon(change);
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !missed) return;
    missed = false;
    soon(null);
  });
  addEventListener("pagehide", () => stop.abort());
  addEventListener("pageshow", (event) => {
    if (event.persisted) listen();
  });
  listen();
  return {
    /** Begins anew, as after a change of key: what one key sees says nothing about what another does. */
    restart() {
      stop.abort();
      lastId = null;
      listen();
    },
  };
}

/** @param {Change | null} a @param {Change | null} b @returns {Change | null} */
function both(a, b) {
  if (!a || !b) return null;
  return { ...b, changes: [...a.changes, ...b.changes] };
}

/**
 * Which of the tiles on the screen a change is about.
 * @param {LayerChange[]} changes
 * @param {Set<string>} layers those a source shows
 * @param {TileId[]} shown
 * @returns {TileId[]}
 */
export function touched(changes, layers, shown) {
  const mine = changes.filter((change) => layers.has(change.layer));
  if (mine.some((change) => change.every)) return shown;
  const named = new Set(mine.flatMap((change) => change.tiles.map(String)));
  const below = new Set(mine.flatMap((change) => change.below.map(String)));
  return shown.filter(([z, x, y]) => {
    if (named.has(String([z, x, y]))) return true;
    for (let up = 0; below.size && up <= z; up++) if (below.has(String([z - up, x >> up, y >> up]))) return true;
    return false;
  });
}
