// Two maps of the same cells, one of vector tiles and one of compact cells, and what each of them weighs.

import { access } from "./api.js";
import { element, readBoot } from "./boot.js";
import { CellsProtocol } from "./cells/protocol.js";
import { Figures } from "./figures.js";
import { loadLibrary } from "./map.js";
import { openPair } from "./pair.js";
import { followTheme } from "./theme.js";
import { Words } from "./words.js";

/** @typedef {import("./pair.js").Pair} Pair */

const boot = readBoot();
access.takeFromAddress();
const words = await Words.load(boot.lang);
const note = element("pair-note");
/** @type {Pair | null} */
let pair = null;
followTheme(element("theme"), () => pair?.restyle());

if (boot.live_map && boot.bounds) {
  try {
    await start();
  } catch (error) {
    console.info("the comparison cannot run here:", error);
    element("pair").hidden = true;
  }
} else if (boot.live_map) {
  note.textContent = words.text("formats.empty");
}

async function start() {
  const library = await loadLibrary();
  const figures = new Figures(words);
  const protocol = new CellsProtocol(library, (weight) => figures.take(weight));
  element("pair").hidden = false;
  pair = await openPair({ boot, words, library, settled: (tiles) => figures.show(tiles, weigh) });
  note.hidden = true;

  /** Weighs a tile that no map shows. @param {string} path @param {AbortSignal} signal */
  function weigh(path, signal) {
    return protocol.weigh(path, { headers: access.headers(), signal });
  }

  /** Shows and weighs other tiles from now on. @param {string} query */
  async function ask(query) {
    figures.forget(query);
    try {
      await pair?.ask(query);
    } catch (error) {
      figures.fail(error);
    }
    figures.goOn();
  }

  const choice = /** @type {HTMLSelectElement | null} */ (document.getElementById("resolution"));
  choice?.addEventListener("change", () => ask(choice.value ? `?resolution=${choice.value}` : ""));
  // For the browser tests, and for the curious.
  Object.assign(window, { vungxanh: { ...pair, figures, protocol, ask } });
}
