// The live map: our style, our tiles, patterns over the colours, time, picking, refreshing.

import { access, get } from "./api.js";
import { frameAddress, Frames } from "./frames.js";
import { touched } from "./live.js";
import { theme } from "./theme.js";

/** @typedef {import("./boot.js").Boot} Boot */
/** @typedef {typeof import("maplibre-gl")} MapLibre */
/** @typedef {import("maplibre-gl").StyleSpecification} Style */
/** @typedef {{kind: "venue" | "zone" | "cell" | "area", id: string, properties: Record<string, any>, lngLat: [number, number] | null}} Pick */

const LIBRARY = new URL("../vendor/maplibre-gl/maplibre-gl.mjs", import.meta.url).href;
const LIBRARY_CSS = new URL("../vendor/maplibre-gl/maplibre-gl.css", import.meta.url).href;

/** Source layers, the finest first: what a click means when several things lie under it. */
const KINDS = /** @type {const} */ ([
  ["venues", "venue", "id"],
  ["zones", "zone", "id"],
  ["cells", "cell", "h3"],
  ["areas", "area", "code"],
  ["area_labels", "area", "code"],
]);

/** From here venues are drawn large enough for a letter in them. */
const LETTERS_ZOOM = 15;
/** Colours are helped by patterns from this level up. */
const PATTERNED = [2, 3, 4];
const TOUCH_PX = 8;
/** How much of a wide map the explanation covers. */
const PANEL_PX = 430;
const BASEMAP = "basemap";

export class LiveMap {
  /**
   * Starts the map, or rejects where it cannot run (no WebGL 2, no library).
   * @param {{boot: Boot, words: import("./words.js").Words, container: HTMLElement, picked: (pick: Pick) => void}} options
   * @returns {Promise<LiveMap>}
   */
  static async start({ boot, words, container, picked }) {
    const library = await loadLibrary();
    const made = new LiveMap(library, boot, picked);
    made.letters = [0, 1, 2, 3, 4].map((level) => words.text(`level.${level}.letter`));
    const style = await made.style();
    // The library draws labels with the page's fonts: have them before the first label.
    await Promise.allSettled([document.fonts.load('14px "Be Vietnam Pro Regular"', "Thái Nguyên ế Đ a")]);
    made.open(container, style, words.mapStrings());
    return made;
  }

  /** @param {MapLibre} library @param {Boot} boot @param {(pick: Pick) => void} picked */
  constructor(library, boot, picked) {
    this.library = library;
    this.boot = boot;
    this.picked = picked;
    /** @type {string | null} */
    this.at = null;
    /** @type {Set<string>} */
    this.hiddenLayers = new Set();
    /** @type {Map<string, string[]>} source → tile addresses without time */
    this.tiles = new Map();
    /** @type {{source: string, sourceLayer: string, id: string} | null} */
    this.selected = null;
    /** @type {any} how strongly the style paints areas */
    this.areaFill = undefined;
    /** How many tiles were asked for again because they changed. */
    this.refreshed = 0;
    /** @type {string[]} by level, 0 to 4 */
    this.letters = [];
    this.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.frames = new Frames(library);
    /** Whether tiles come from those kept for the animation. */
    this.framed = false;
    /** Whether a tile waits to be asked for again. */
    this.mending = false;
  }

  /** @param {HTMLElement} container @param {Style} style @param {Record<string, string>} strings */
  open(container, style, strings) {
    const { Map: LibraryMap, AttributionControl, NavigationControl, ScaleControl, GeolocateControl, FullscreenControl } = this.library;
    container.hidden = false;
    try {
      this.map = new LibraryMap({
        container,
        style,
        hash: "map",
        locale: strings,
        bounds: this.boot.bounds ?? undefined,
        fitBoundsOptions: { padding: this.padding(container) },
        minZoom: 3,
        maxZoom: 18,
        maxPitch: 0,
        dragRotate: false,
        pitchWithRotate: false,
        attributionControl: false,
        reduceMotion: this.calm || undefined,
        // Tiles kept off the screen would not hear of changes: asking again costs a 304.
        maxTileCacheSize: 0,
        cooperativeGestures: matchMedia("(pointer: coarse)").matches,
        // The changes say which tiles are old; asking for all of them whenever their time is up would be asked in vain.
        refreshExpiredTiles: false,
        transformRequest: (url) => {
          const own = new URL(url, location.href).origin === location.origin;
          if (!own) return { url };
          // A live tile is asked about each time it is needed (a 304 where nothing changed): a copy that may be some
          // seconds old would hide the very change that made us ask.
          const live = /\/tiles\//.test(url) && !this.at;
          return { url, headers: access.headers(), ...(live ? { cache: "no-cache" } : {}) };
        },
      });
    } catch (error) {
      container.hidden = true;
      throw error;
    }
    const map = this.map;
    map.touchZoomRotate.disableRotation();
    map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new GeolocateControl({ positionOptions: { enableHighAccuracy: true } }), "top-right");
    map.addControl(new FullscreenControl({ container: container.parentElement ?? container }), "top-right");
    map.addControl(new ScaleControl({ maxWidth: 96 }), "bottom-left");
    if (BASEMAP in style.sources) map.addControl(new AttributionControl({ compact: true }), "bottom-right");
    map.on("style.load", () => this.dress());
    map.on("error", ({ error }) => this.mend(error));
    map.on("click", (event) => this.pick(event.point));
    map.on("mousemove", (event) => {
      map.getCanvas().style.cursor = this.under(event.point, 2) ? "pointer" : "";
    });
    // The keyboard can move the map; Enter asks about its middle.
    map.getCanvas().addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.pick(map.project(map.getCenter()));
    });
  }

  /** Room for the slider below and the buttons beside. @param {HTMLElement} container */
  padding(container) {
    return container.clientWidth < 600 ? { top: 16, bottom: 104, left: 16, right: 16 } : { top: 32, bottom: 96, left: 32, right: 64 };
  }

  /** The theme's style with tiles from this very host, at the chosen time. @returns {Promise<Style>} */
  async style() {
    /** @type {Style} */
    const style = await get(`/styles/${theme()}.json`);
    for (const [name, source] of Object.entries(style.sources)) {
      if (!("url" in source) || !source.url || (source.type !== "vector" && source.type !== "raster")) continue;
      const described = await get(ownPath(source.url));
      const own = described.tiles.map((/** @type {string} */ tile) => location.origin + ownPath(tile));
      const { url: _described, ...rest } = source;
      if (name === BASEMAP) {
        // The operator's basemap knows no time, but who made it.
        const { minzoom, maxzoom, bounds, attribution } = described;
        style.sources[name] = { ...rest, tiles: own, minzoom, maxzoom, bounds, ...(attribution ? { attribution } : {}) };
        continue;
      }
      this.tiles.set(name, own);
      style.sources[name] = {
        ...rest,
        tiles: this.addresses(name),
        minzoom: described.minzoom ?? 0,
        maxzoom: described.maxzoom ?? 16,
        ...(described.bounds ? { bounds: described.bounds } : {}),
      };
    }
    return style;
  }

  /** @param {string} source */
  addresses(source) {
    return (this.tiles.get(source) ?? []).map((address) => {
      const timed = withTime(address, this.at);
      return this.framed ? frameAddress(timed) : timed;
    });
  }

  /** Patterns over the coloured fills, each time a style has been loaded. */
  dress() {
    const map = this.map;
    if (!map) return;
    const dark = theme() === "dark";
    for (const level of PATTERNED) {
      const name = `pattern-${level}`;
      if (!map.hasImage(name)) map.addImage(name, patternImage(level, dark), { pixelRatio: 2 });
    }
    const layers = map.getStyle().layers;
    layers.forEach((layer, index) => {
      if (layer.type !== "fill" || !/^(cells|areas)-level$/.test(layer.id)) return;
      const sourceLayer = layer["source-layer"] ?? "";
      const zooms = { ...(layer.minzoom ? { minzoom: layer.minzoom } : {}), ...(layer.maxzoom ? { maxzoom: layer.maxzoom } : {}) };
      map.addLayer(
        {
          id: `${sourceLayer}-pattern`,
          type: "fill",
          source: layer.source,
          "source-layer": sourceLayer,
          ...zooms,
          filter: ["in", ["get", "level"], ["literal", PATTERNED]],
          paint: {
            "fill-pattern": ["match", ["get", "level"], 2, "pattern-2", 3, "pattern-3", "pattern-4"],
            "fill-opacity": 0.55,
          },
        },
        layers[index + 1]?.id,
      );
    });
    this.letter(dark);
    this.areaFill = map.getLayer("areas-level") ? map.getPaintProperty("areas-level", "fill-opacity") : undefined;
    for (const layer of this.hiddenLayers) this.showLayer(layer, false);
    this.balance();
  }

  /** The letter of its level in every venue that has one. @param {boolean} dark */
  letter(dark) {
    const map = this.map;
    const dots = map?.getStyle().layers.find((layer) => layer.id === "venues");
    if (!map || !dots || !("source" in dots)) return;
    const [, green = "", yellow = "", orange = "", red = ""] = this.letters;
    map.addLayer(
      {
        id: "venues-letter",
        type: "symbol",
        source: dots.source,
        "source-layer": "venues",
        minzoom: LETTERS_ZOOM,
        filter: [">", ["get", "level"], 0],
        layout: {
          "text-field": ["match", ["get", "level"], 1, green, 2, yellow, 3, orange, red],
          "text-font": ["Be Vietnam Pro Regular"],
          "text-size": ["interpolate", ["linear"], ["zoom"], 15, 8.5, 16, 10.5],
          "text-allow-overlap": true,
          "text-ignore-placement": true,
        },
        paint: { "text-color": ["match", ["get", "level"], [2, 3], "#14231b", dark ? "#06120c" : "#ffffff"] },
      },
      map.getLayer("venues-label") ? "venues-label" : undefined,
    );
  }

  /** Areas carry the colours where cells are switched off, and leave them to cells where they are on. */
  balance() {
    const map = this.map;
    if (!map?.getLayer("areas-level")) return;
    const alone = this.hiddenLayers.has("cells");
    map.setLayerZoomRange("areas-level", 0, alone ? 24 : 9);
    map.setPaintProperty("areas-level", "fill-opacity", alone ? 0.55 : this.areaFill);
    if (map.getLayer("areas-pattern")) {
      map.setLayerZoomRange("areas-pattern", 0, 24);
      map.setLayoutProperty("areas-pattern", "visibility", alone && !this.hiddenLayers.has("areas") ? "visible" : "none");
    }
  }

  /** Follows the page's theme. */
  async restyle() {
    this.selected = null;
    this.map?.setStyle(await this.style(), { diff: false });
  }

  /** @param {string | null} at instant, or null for now @param {boolean} [framed] whether it is a step of the animation */
  showTime(at, framed = false) {
    this.at = at;
    this.framed = framed;
    for (const name of this.tiles.keys()) {
      const source = /** @type {import("maplibre-gl").VectorTileSource | undefined} */ (this.map?.getSource(name));
      source?.setTiles(this.addresses(name));
    }
  }

  /**
   * A tile that is asked for anew before its first answer is there is given up by the library: it is asked for once more.
   * Every other error is the console's, as it would be without a listener.
   * @param {{message: string}} error
   */
  mend(error) {
    if (!/reload a tile that was never loaded/.test(error.message)) return console.error(error);
    if (this.mending) return;
    this.mending = true;
    // Not before the others are there: asking while they come would give them up as well.
    this.map?.once("idle", () => {
      this.mending = false;
      this.showTime(this.at, this.framed);
    });
  }

  /**
   * Asks again for the tiles that changed; for all of them where that is not known.
   * @param {import("./live.js").Change | null} change
   */
  refresh(change) {
    const map = this.map;
    if (!map || this.at) return;
    for (const [name, addresses] of this.tiles) {
      if (!map.getSource(name)) continue;
      if (!change) {
        map.refreshTiles(name);
        continue;
      }
      const layers = new Set(/\/tiles\/([a-z,]+)\//.exec(addresses[0] ?? "")?.[1]?.split(","));
      const tiles = touched(change.changes, layers, this.loaded(name));
      if (tiles.length) map.refreshTiles(name, tiles.map(([z, x, y]) => ({ z, x, y })));
      this.refreshed += tiles.length;
    }
  }

  /** The tiles a source holds for the screen: those of its zoom, and those kept from a zoom above. @param {string} source */
  loaded(source) {
    const map = this.map;
    if (!map) return [];
    const { minzoom, maxzoom } = /** @type {import("maplibre-gl").VectorTileSource} */ (map.getSource(source));
    /** @type {Map<string, import("./live.js").TileId>} */
    const found = new Map();
    for (const { canonical } of map.coveringTiles({ tileSize: 512, minzoom, maxzoom })) {
      for (let { z, x, y } = canonical; z >= minzoom; z--, x >>= 1, y >>= 1) found.set(`${z}/${x}/${y}`, [z, x, y]);
    }
    return [...found.values()];
  }

  /** @param {string} layer `areas`, `cells`, `venues` or `zones` @param {boolean} visible */
  showLayer(layer, visible) {
    if (visible) this.hiddenLayers.delete(layer);
    else this.hiddenLayers.add(layer);
    for (const each of this.map?.getStyle().layers ?? []) {
      if ("source-layer" in each && group(each["source-layer"]) === layer) {
        this.map?.setLayoutProperty(each.id, "visibility", visible ? "visible" : "none");
      }
    }
    this.balance();
  }

  /** @param {[number, number]} lngLat @param {number} [zoom] */
  fly(lngLat, zoom = 15) {
    const map = this.map;
    if (!map) return;
    // On a phone the explanation covers the lower part of the screen: the place goes above it; elsewhere beside it.
    const { clientWidth, clientHeight } = map.getContainer();
    const offset = /** @type {[number, number]} */ (clientWidth < 600 ? [0, -clientHeight * 0.3] : [Math.min(PANEL_PX, clientWidth / 2) / 2, 0]);
    map.easeTo({ center: lngLat, zoom, offset, animate: !this.calm });
  }

  /** Shows an area whole, where its explanation leaves room. @param {[number, number, number, number]} bounds */
  fit(bounds) {
    const map = this.map;
    if (!map) return;
    const { clientWidth, clientHeight } = map.getContainer();
    const room = this.padding(map.getContainer());
    const beside = clientWidth < 600 ? { bottom: clientHeight * 0.6 } : { left: Math.min(PANEL_PX, clientWidth / 2) };
    map.fitBounds(bounds, { padding: { ...room, ...beside }, animate: !this.calm, maxZoom: 14 });
  }

  /** @param {import("maplibre-gl").PointLike} point */
  pick(point) {
    const found = this.under(point, TOUCH_PX);
    if (!found) return;
    this.select(found.feature.source, found.feature.sourceLayer ?? "", found.pick.id);
    const at = this.map?.unproject(point);
    this.picked({ ...found.pick, lngLat: at ? [at.lng, at.lat] : null });
  }

  /**
   * The most telling thing near a point of the canvas.
   * @param {import("maplibre-gl").PointLike} point
   * @param {number} reach pixels
   */
  under(point, reach) {
    const map = this.map;
    if (!map) return null;
    const { x, y } = this.library.Point.convert(point);
    const box = /** @type {[[number, number], [number, number]]} */ ([[x - reach, y - reach], [x + reach, y + reach]]);
    // Small things may be hit beside; surfaces count only where the point is.
    const near = map.queryRenderedFeatures(box);
    const exact = map.queryRenderedFeatures([x, y]);
    for (const [layer, kind, key] of KINDS) {
      const feature = (layer === "venues" ? near : exact).find((each) => each.sourceLayer === layer);
      if (feature) {
        return { feature, pick: { kind, id: String(feature.properties[key]), properties: feature.properties } };
      }
    }
    return null;
  }

  /** @param {string} source @param {string} sourceLayer @param {string} id */
  select(source, sourceLayer, id) {
    if (this.selected) this.map?.setFeatureState(this.selected, { selected: false });
    this.selected = { source, sourceLayer, id };
    this.map?.setFeatureState(this.selected, { selected: true });
  }

  unselect() {
    if (this.selected) this.map?.setFeatureState(this.selected, { selected: false });
    this.selected = null;
  }
}

/** The map library and its style sheet, which ours may overrule. @returns {Promise<MapLibre>} */
export async function loadLibrary() {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = LIBRARY_CSS;
  document.head.prepend(sheet);
  return import(LIBRARY);
}

/** @param {string | undefined} sourceLayer */
function group(sourceLayer) {
  return sourceLayer === "area_labels" ? "areas" : (sourceLayer ?? "");
}

/** @param {string} address @param {string | null} at */
export function withTime(address, at) {
  return at ? `${address}${address.includes("?") ? "&" : "?"}at=${encodeURIComponent(at)}` : address;
}

/** The path of one of our own addresses, whatever public name they were written with. @param {string} url */
export function ownPath(url) {
  return url.replace(/^https?:\/\/[^/]+/, "");
}

/**
 * Dots, stripes or a grid: the same patterns as the legend's.
 * @param {number} level
 * @param {boolean} dark
 */
function patternImage(level, dark) {
  const side = 20;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.strokeStyle = pen.fillStyle = dark ? "rgba(255,255,255,0.55)" : "rgba(25,32,38,0.6)";
  pen.lineWidth = 2;
  if (level === 2) {
    pen.beginPath();
    pen.arc(side / 2, side / 2, 2.2, 0, 7);
    pen.fill();
  } else {
    pen.beginPath();
    for (const shift of [-side, 0, side]) {
      pen.moveTo(shift, side);
      pen.lineTo(shift + side, 0);
      if (level === 4) {
        pen.moveTo(shift, 0);
        pen.lineTo(shift + side, side);
      }
    }
    pen.stroke();
  }
  return pen.getImageData(0, 0, side, side);
}
