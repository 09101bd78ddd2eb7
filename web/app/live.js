// Fresh figures: the server says which tiles changed; without that, we ask now and then.

import { access } from "./api.js";

/** @typedef {[number, number, number]} TileId zoom, column, row */
/** @typedef {{layer: string, every: boolean, tiles: TileId[], below: TileId[]}} LayerChange */
/** @typedef {{generation: number, as_of: string, reload: boolean, changes: LayerChange[]}} Change */

const POLL_MS = 30_000;
/** The first wait before a line is opened again; it doubles, up to the longest. */
const RETRY_MS = 2000;
const LONGEST_RETRY_MS = 60_000;
/** Longer than this without a word (the server's heartbeat is shorter) and the line is dead. */
const SILENCE_MS = 40_000;
/** Not everyone at once: each reader waits a little, differently; longer where all load everything. */
const JITTER_MS = 1500;
const RELOAD_JITTER_MS = 8000;
/** However fast changes come, the page is redrawn this often at most. */
const REST_MS = 2000;

/**
 * Follows the changes of what this reader may see, with the official's key where there is one.
 * @param {(change: Change | null) => void} changed `null`: anything may have changed
 * @param {(online: boolean) => void} state
 * @param {number} generation of the snapshot that the page was made from
 * @returns {{restart(): void}}
 */
export function followChanges(changed, state, generation) {
  /** @type {Change | null} what came while the page rested */
  let pending = null;
  let waiting = false;
  let last = 0;
  const soon = (/** @type {Change | null} */ change, jitter = JITTER_MS) => {
    pending = waiting ? both(pending, change) : change;
    if (waiting) return;
    waiting = true;
    const rest = Math.max(0, last + REST_MS - Date.now());
    setTimeout(() => {
      waiting = false;
      last = Date.now();
      changed(pending);
    }, rest + Math.random() * jitter);
  };

  /** @type {ReturnType<typeof setInterval> | undefined} */
  let poll;
  /** @type {string | null} */
  let lastId = null;
  let stop = new AbortController();
  let retry = RETRY_MS;

  const listen = async () => {
    stop.abort();
    const mine = (stop = new AbortController());
    while (!mine.signal.aborted) {
      let goesOn = true;
      try {
        goesOn = await read(mine);
      } catch {
        // The line is down; the next try goes on where it was left.
      }
      if (mine.signal.aborted) return;
      state(false);
      poll ??= setInterval(() => soon(null), POLL_MS);
      if (!goesOn) return;
      const wait = retry * (0.5 + Math.random());
      retry = Math.min(LONGEST_RETRY_MS, retry * 2);
      await new Promise((done) => setTimeout(done, wait));
    }
  };

  /** @param {AbortController} mine @returns {Promise<boolean>} whether another try makes sense */
  const read = async (mine) => {
    const line = new AbortController();
    const end = () => line.abort();
    mine.signal.addEventListener("abort", end, { once: true });
    let silence = setTimeout(end, SILENCE_MS);
    try {
      const resume = lastId ? { "Last-Event-ID": lastId } : {};
      const answer = await fetch("/v1/changes", {
        headers: { Accept: "text/event-stream", ...access.headers(), .../** @type {Record<string, string>} */ (resume) },
        cache: "no-store",
        signal: line.signal,
      });
      // A key that is no longer good will not become so by asking again.
      if (answer.status === 401 || answer.status === 403) return false;
      if (!answer.ok || !answer.body) return true;
      state(true);
      clearInterval(poll);
      poll = undefined;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return true;
        retry = RETRY_MS;
        clearTimeout(silence);
        silence = setTimeout(end, SILENCE_MS);
        text += value;
        const events = text.split("\n\n");
        text = events.pop() ?? "";
        for (const event of events) take(event);
      }
    } finally {
      clearTimeout(silence);
      mine.signal.removeEventListener("abort", end);
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
    if (fields.event !== "change" || !fields.data) return;
    /** @type {Change} */
    const change = JSON.parse(fields.data);
    const isFirst = lastId === null;
    lastId = fields.id ?? lastId;
    if (change.reload) soon(null, RELOAD_JITTER_MS);
    // What changed between the page's making and this line's opening was told to nobody.
    else if (isFirst && change.generation !== generation) soon(null);
    else if (!isFirst) soon(change);
  };

  // A page that nobody looks at holds no line; when it is looked at again it is told what it missed.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop.abort();
    else listen();
  });
  addEventListener("pagehide", () => stop.abort());
  addEventListener("pageshow", (event) => {
    if (event.persisted) listen();
  });
  if (!document.hidden) listen();
  return {
    /** Begins anew, as after a change of key: what one key sees says nothing about what another does. */
    restart() {
      lastId = null;
      generation = -1;
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
