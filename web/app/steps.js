// Steps of the animation on the live map: asked for ahead, and shown without a gap.

import { ownPath, withTime } from "./map.js";

export class Steps {
  /** @param {import("./map.js").LiveMap} live */
  constructor(live) {
    this.live = live;
    /** What the screen shows: tiles and the tags of their contents. */
    this.onScreen = "";
    /** Whether the map's addresses are of an earlier step that looked the same. */
    this.behind = false;
  }

  /** Whether little motion is wished for. */
  get calm() {
    return this.live.calm;
  }

  /**
   * Asks ahead for what the screen needs at that instant.
   * @param {string | null} at
   * @returns {Promise<{tiles: number, picture: string}>} how many tiles, and what they show: equal words for equal pictures
   */
  async prefetch(at) {
    const { live } = this;
    if (!live.map || !at) return { tiles: 0, picture: "" };
    const addresses = [...live.tiles].flatMap(([name, [address]]) => (address ? this.shown(name).map((place) => fill(address, place)) : []));
    const contents = await live.frames.ready(addresses.map((address) => ownPath(withTime(address, at))));
    // A tile without a tag is like no other.
    const picture = contents.map(({ etag }, nth) => `${addresses[nth]} ${etag ?? at}`).join("\n");
    return { tiles: contents.length, picture };
  }

  /** The tiles of a source that the screen needs. @param {string} name */
  shown(name) {
    const { map } = this.live;
    const source = /** @type {import("maplibre-gl").VectorTileSource | undefined} */ (map?.getSource(name));
    if (!map || !source) return [];
    const tiles = map.coveringTiles({ tileSize: 512, minzoom: source.minzoom, maxzoom: source.maxzoom });
    const places = tiles.filter((tile) => source.hasTile(tile)).map(({ canonical }) => canonical);
    return [...new Map(places.map((place) => [`${place.z}/${place.x}/${place.y}`, place])).values()];
  }

  /**
   * Shows a step: what was on the screen stays until each tile has its new picture. A step that shows the same costs nothing.
   * @param {string | null} at
   * @param {string} picture
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} whether anything had to be drawn
   */
  async show(at, picture, signal) {
    if (at !== null && this.live.framed && picture === this.onScreen) {
      this.live.at = at;
      this.behind = true;
      return false;
    }
    // Now is live again: its tiles are asked about, not remembered.
    this.live.showTime(at, at !== null);
    this.behind = false;
    await this.drawn(signal);
    this.onScreen = picture;
    return true;
  }

  /** The animation came to rest: tiles that come into view from now on are those of this step. */
  rest() {
    this.onScreen = "";
    if (this.behind) this.live.showTime(this.live.at, true);
    this.behind = false;
  }

  /** Resolves when every tile stands as it was asked for and was painted, or at the signal. @param {AbortSignal} signal @returns {Promise<void>} */
  drawn(signal) {
    return new Promise((done) => {
      const { map, tiles } = this.live;
      if (!map || signal.aborted) return done();
      // Tiles that turn out to be the same tell nobody and paint nothing: they are looked at frame by frame.
      const look = () => {
        if (signal.aborted) return done();
        const isThere = [...tiles.keys()].every((name) => map.getSource(name) && map.isSourceLoaded(name));
        if (!isThere) return void requestAnimationFrame(look);
        map.once("render", () => done());
        map.triggerRepaint();
      };
      look();
    });
  }
}

/** @param {string} address @param {{z: number, x: number, y: number}} place */
function fill(address, { z, x, y }) {
  return address.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y));
}
