// The same map twice, in two formats: moved together, styled alike.

import { access, get } from "./api.js";
import { cellsAddress } from "./cells/protocol.js";
import { ownPath } from "./map.js";
import { theme } from "./theme.js";

/** @typedef {import("maplibre-gl").Map} LibraryMap */
/** @typedef {import("maplibre-gl").StyleSpecification} Style */
/** @typedef {import("maplibre-gl").LayerSpecification} Layer */
/** @typedef {{minzoom?: number, maxzoom?: number, bounds?: [number, number, number, number]}} Described */
/** @typedef {{z: number, x: number, y: number}} Tile */
/**
 * @typedef {object} Pair
 * @property {LibraryMap} mvt
 * @property {LibraryMap} compact
 * @property {() => Promise<void>} restyle follows the page's theme
 * @property {(query: string) => Promise<void>} ask for other tiles, `?resolution=9`
 */

/** Each map's place on the page, and the ending of its tiles. */
const SIDES = /** @type {const} */ ({ mvt: "mvt", compact: "cells" });
/** Beside the cells the maps show where they are. */
const AREAS = /^areas-(land|edge|label)/;

/**
 * @param {object} options
 * @param {import("./boot.js").Boot} options.boot
 * @param {import("./words.js").Words} options.words
 * @param {typeof import("maplibre-gl")} options.library
 * @param {(tiles: Tile[]) => void} options.settled both maps show the tiles they should: these
 * @returns {Promise<Pair>}
 */
export async function openPair({ boot, words, library, settled }) {
  let query = "";
  const areas = await get("/tiles/areas.json");
  /** @type {Described} */
  let described = await get("/tiles/cells.json");
  const zooms = () => ({ minzoom: described.minzoom ?? 0, maxzoom: described.maxzoom ?? 16 });

  /** @param {"mvt" | "cells"} ending */
  const addresses = (ending) => [cellsAddress(`/tiles/cells/{z}/{x}/{y}.${ending}${query}`)];

  /** @param {"mvt" | "cells"} ending @param {Style} style @returns {Style} */
  const dressed = (ending, style) => ({
    ...style,
    sources: {
      cells: { type: "vector", tiles: addresses(ending), promoteId: { cells: "h3" }, ...zooms(), ...bounds(described) },
      areas: { type: "vector", tiles: areas.tiles.map((/** @type {string} */ each) => location.origin + ownPath(each)), minzoom: areas.minzoom ?? 0, maxzoom: areas.maxzoom ?? 16, ...bounds(areas) },
    },
    layers: style.layers.flatMap((layer) => {
      /** @type {Layer[]} */
      const kept = [];
      if (!("source-layer" in layer)) kept.push(...(layer.type === "background" ? [layer] : []));
      else if (layer["source-layer"] === "cells") kept.push({ ...layer, source: "cells" });
      else if (AREAS.test(layer.id)) kept.push({ ...layer, source: "areas" });
      return kept;
    }),
  });

  const style = await get(`/styles/${theme()}.json`);
  await Promise.allSettled([document.fonts.load('14px "Be Vietnam Pro Regular"', "Thái Nguyên ế Đ a")]);

  /** @param {"mvt" | "compact"} side */
  const open = (side) => {
    const map = new library.Map({
      container: `map-${side}`,
      style: dressed(SIDES[side], style),
      locale: words.mapStrings(),
      bounds: boot.bounds ?? undefined,
      fitBoundsOptions: { padding: 12 },
      minZoom: 3,
      maxZoom: 16,
      maxPitch: 0,
      dragRotate: false,
      pitchWithRotate: false,
      attributionControl: false,
      maxTileCacheSize: 0,
      refreshExpiredTiles: false,
      cooperativeGestures: matchMedia("(pointer: coarse)").matches,
      transformRequest: (url) => ({ url, ...(isOwn(url) ? { headers: access.headers() } : {}) }),
    });
    map.touchZoomRotate.disableRotation();
    map.addControl(new library.NavigationControl({ showCompass: false }), "top-right");
    map.getCanvas().setAttribute("aria-label", `${words.text("maplibre.Map.Title")}: ${words.text(`formats.${side}`)}`);
    return map;
  };
  const maps = { mvt: open("mvt"), compact: open("compact") };
  follow(maps.mvt, maps.compact);
  follow(maps.compact, maps.mvt);
  for (const map of [maps.mvt, maps.compact]) {
    map.on("idle", () => {
      if (isStill(maps.mvt) && isStill(maps.compact)) settled(shown(maps.mvt, zooms()));
    });
  }
  const restyle = async () => {
    const fresh = await get(`/styles/${theme()}.json`);
    for (const side of /** @type {const} */ (["mvt", "compact"])) maps[side].setStyle(dressed(SIDES[side], fresh), { diff: false });
  };
  return {
    ...maps,
    restyle,
    async ask(next) {
      // Fine cells are there from a certain zoom on: the description says from which.
      described = await get(`/tiles/cells.json${next}`);
      query = next;
      await restyle();
      const { minzoom } = zooms();
      if (maps.mvt.getZoom() < minzoom) maps.mvt.jumpTo({ zoom: minzoom });
    },
  };
}

/** @param {Described} described */
function bounds(described) {
  return described.bounds ? { bounds: described.bounds } : {};
}

/** @param {string} url */
function isOwn(url) {
  return url.startsWith("cells://") || new URL(url, location.href).origin === location.origin;
}

/** One map goes where the other went; what it does for that reason moves nobody. @param {LibraryMap} from @param {LibraryMap} to */
function follow(from, to) {
  from.on("move", (event) => {
    if (/** @type {any} */ (event).follows) return;
    to.jumpTo({ center: from.getCenter(), zoom: from.getZoom() }, { follows: true });
  });
}

/** @param {LibraryMap} map */
function isStill(map) {
  return map.isStyleLoaded() && map.areTilesLoaded() && !map.isMoving();
}

/** @param {LibraryMap} map @param {{minzoom: number, maxzoom: number}} zooms @returns {Tile[]} */
function shown(map, zooms) {
  const tiles = map.coveringTiles({ tileSize: 512, ...zooms }).map(({ canonical: { z, x, y } }) => ({ z, x, y }));
  return [...new Map(tiles.map((tile) => [`${tile.z}/${tile.x}/${tile.y}`, tile])).values()];
}
