// Tiles of coming steps, asked for ahead and kept for a while: an animation shows a step when all of it is here.

import { access } from "./api.js";

const SCHEME = "frames";
/** Bytes kept at most; contents that several steps share count once. */
const KEPT_BYTES = 64 << 20;
/** Addresses kept at most. */
const KEPT_TILES = 8192;
/** Tiles whose newest content is known, to ask whether another instant shows the same. */
const KEPT_PLACES = 512;

/** @typedef {{etag: string | null, data: ArrayBuffer}} Content */
/** @typedef {{content: Promise<Content>, data: ArrayBuffer | null}} Kept `data` once it is here */

/** The address for the map. @param {string} url of our own server */
export function frameAddress(url) {
  return `${SCHEME}://${url.replace(/^https?:\/\/[^/]+/, "")}`;
}

export class Frames {
  /** @param {Pick<typeof import("maplibre-gl"), "addProtocol">} library */
  constructor(library) {
    /** @type {Map<string, Kept>} by path, the least used first */
    this.tiles = new Map();
    /** @type {Map<string, Content>} the newest content of a tile, whatever its instant */
    this.newest = new Map();
    /** @type {Map<ArrayBuffer, number>} how many addresses share a content */
    this.shared = new Map();
    this.bytes = 0;
    /** Counts how often everything was forgotten: what was asked for before is not kept after. */
    this.age = 0;
    /** What the animation cost: answers with a body, and answers that said "the same as the step before". */
    this.told = { fresh: 0, same: 0 };
    library.addProtocol(SCHEME, async ({ url }) => {
      const { etag, data } = await this.tile(url.slice(`${SCHEME}://`.length));
      // The map takes the bytes away into its worker: it gets a copy. The same tag as before, and it parses nothing.
      return etag ? { data: data.slice(0), etag } : { data: data.slice(0) };
    });
  }

  /** All of these tiles; whoever asks again finds them here. @param {string[]} paths */
  ready(paths) {
    return Promise.all(paths.map((path) => this.tile(path)));
  }

  /** @param {string} path with its instant @returns {Promise<Content>} */
  tile(path) {
    const known = this.tiles.get(path);
    if (known) {
      this.tiles.delete(path);
      this.tiles.set(path, known);
      return known.content;
    }
    /** @type {Kept} */
    const kept = { content: this.ask(path), data: null };
    this.tiles.set(path, kept);
    kept.content.then(
      ({ data }) => this.keep(path, kept, data),
      // What failed may be asked for again.
      () => this.tiles.get(path) === kept && this.tiles.delete(path),
    );
    return kept.content;
  }

  /** @param {string} path @returns {Promise<Content>} */
  async ask(path) {
    const { age } = this;
    const place = path.replace(/([?&])at=[^&]*/, "$1");
    const before = this.newest.get(place);
    // A tag says what is in a tile, not of which instant it is: an hour that shows what the hour before showed is not sent.
    const condition = before?.etag ? { "If-None-Match": before.etag } : {};
    const answer = await fetch(path, { headers: { ...access.headers(), .../** @type {Record<string, string>} */ (condition) } });
    if (answer.status === 304 && before) {
      this.told.same++;
      return before;
    }
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    this.told.fresh++;
    const content = { etag: answer.headers.get("etag"), data: await answer.arrayBuffer() };
    if (age !== this.age) return content;
    this.newest.delete(place);
    this.newest.set(place, content);
    for (const oldest of [...this.newest.keys()].slice(0, Math.max(0, this.newest.size - KEPT_PLACES))) this.newest.delete(oldest);
    return content;
  }

  /** @param {string} path @param {Kept} kept @param {ArrayBuffer} data */
  keep(path, kept, data) {
    if (this.tiles.get(path) !== kept) return;
    kept.data = data;
    const sharers = this.shared.get(data) ?? 0;
    this.shared.set(data, sharers + 1);
    if (sharers === 0) this.bytes += data.byteLength;
    for (const [oldest, gone] of this.tiles) {
      if (this.bytes <= KEPT_BYTES && this.tiles.size <= KEPT_TILES) break;
      if (gone.data === null || gone === kept) continue;
      this.tiles.delete(oldest);
      this.release(gone.data);
    }
  }

  /** @param {ArrayBuffer} data */
  release(data) {
    const sharers = this.shared.get(data) ?? 0;
    if (sharers > 1) {
      this.shared.set(data, sharers - 1);
    } else {
      this.shared.delete(data);
      this.bytes -= data.byteLength;
    }
  }

  /** Nothing that one key showed may stay for another. */
  forget() {
    this.age++;
    this.tiles.clear();
    this.newest.clear();
    this.shared.clear();
    this.bytes = 0;
  }
}
