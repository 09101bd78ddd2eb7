// A cell's outline in a tile, as the server draws it: EPSG:3857, rounded to the grid of the zoom, cut at the tile's
// buffer, clockwise on the screen, uppermost vertex first. Whole cells come out vertex by vertex the same.

/** Units along a tile's edge, and units drawn beyond it. */
export const EXTENT = 4096;
export const BUFFER = 64;

/** @typedef {[number, number]} Point x grows east, y grows south */
/** @typedef {{z: number, x: number, y: number}} Tile */

const MAX_LATITUDE = 85.0511287798066;
/** A cell wider than this on its zoom is near a pole, distorted beyond all measure: it is cut before it is rounded. */
const WIDEST = EXTENT / 4;

/**
 * What the tile shows of a cell: a ring as a rule, more where the world's two ends meet, none where it lies beside.
 * @param {number[][]} boundary corners of the cell, degrees, latitude first
 * @param {Tile} tile
 * @returns {Point[][]}
 */
export function outlines(boundary, tile) {
  const world = unwrapped(boundary);
  return onGrid(world, tile) ?? cutFirst(world, tile);
}

/**
 * The corners as fractions of the world's width. `x` never jumps: an outline across the antimeridian goes on beyond 0
 * or 1, and one around a pole is closed along the edge of the map.
 * @param {number[][]} boundary
 * @returns {Point[]}
 */
function unwrapped(boundary) {
  /** @type {Point[]} */
  const ring = [];
  let [shift, latitudes] = [0, 0];
  let before = /** @type {number | null} */ (null);
  for (const [lat = 0, lng = 0] of boundary) {
    if (before !== null) shift += turn(before, lng);
    before = lng;
    latitudes += lat;
    const sin = Math.sin((Math.min(MAX_LATITUDE, Math.max(-MAX_LATITUDE, lat)) * Math.PI) / 180);
    ring.push([lng / 360 + 0.5 + shift, 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)]);
  }
  const start = ring[0];
  if (!start || before === null) return [];
  const around = shift + turn(before, boundary[0]?.[1] ?? 0);
  if (around !== 0) {
    const pole = latitudes > 0 ? 0 : 1;
    ring.push([start[0] + around, start[1]], [start[0] + around, pole], [start[0], pole]);
  }
  return ring;
}

/** Turns around the world from one longitude to the next: an edge of more than half of it goes the other way. @param {number} from @param {number} to */
function turn(from, to) {
  const step = to - from;
  return Math.abs(step) > 180 && Math.abs(step) < 360 ? -Math.sign(step) : 0;
}

/**
 * Rounded to the grid that all tiles of the zoom share, then cut: neighbours share their corners in every tile. `null`
 * for cells at the ends of the world and for those that rounding bent.
 * @param {Point[]} world
 * @param {Tile} tile
 * @returns {Point[][] | null}
 */
function onGrid(world, { z, x, y }) {
  const side = 2 ** z * EXTENT;
  const scaled = world.map((at) => /** @type {Point} */ ([at[0] * side, at[1] * side]));
  const edge = BUFFER + 1;
  const isInside = scaled.every((at) => at[0] >= edge && at[0] <= side - edge && at[1] >= 0 && at[1] <= side);
  if (!isInside) return null;
  const whole = wound(rounded(scaled));
  if (!whole || !isConvex(whole)) return null;
  const [low, high] = envelope(whole);
  if (high[0] - low[0] > WIDEST || high[1] - low[1] > WIDEST) return null;
  const local = whole.map((at) => /** @type {Point} */ ([at[0] - x * EXTENT, at[1] - y * EXTENT]));
  const [near, far] = envelope(local);
  if (Math.max(...near) >= EXTENT + BUFFER || Math.min(...far) <= -BUFFER) return [];
  if (Math.min(...near) >= -BUFFER && Math.max(...far) <= EXTENT + BUFFER) return [local];
  const left = wound(rounded(cut(local)));
  if (!left) return [];
  return isConvex(left) ? [left] : null;
}

/**
 * Cut first, at each of its places around the world, then rounded.
 * @param {Point[]} world
 * @param {Tile} tile
 * @returns {Point[][]}
 */
function cutFirst(world, { z, x, y }) {
  const side = 2 ** z;
  return [-1, 0, 1].flatMap((shift) => {
    const local = world.map((at) => /** @type {Point} */ ([((at[0] + shift) * side - x) * EXTENT, (at[1] * side - y) * EXTENT]));
    const ring = wound(rounded(cut(local)));
    return ring ? [ring] : [];
  });
}

/** @param {Point[]} ring @returns {[Point, Point]} its upper left and lower right corner */
function envelope(ring) {
  /** @type {Point} */
  const low = [Infinity, Infinity];
  /** @type {Point} */
  const high = [-Infinity, -Infinity];
  for (const [x, y] of ring) {
    low[0] = Math.min(low[0], x);
    low[1] = Math.min(low[1], y);
    high[0] = Math.max(high[0], x);
    high[1] = Math.max(high[1], y);
  }
  return [low, high];
}

/** To whole units, halves away from zero, without repeated neighbours. @param {Point[]} ring @returns {Point[]} */
function rounded(ring) {
  /** @type {Point[]} */
  const out = [];
  const near = (/** @type {number} */ value) => Math.sign(value) * Math.round(Math.abs(value));
  for (const [x, y] of ring) {
    /** @type {Point} */
    const at = [near(x), near(y)];
    if (!isSame(out.at(-1), at)) out.push(at);
  }
  while (out.length > 1 && isSame(out[0], out.at(-1))) out.pop();
  return out;
}

/** @param {Point | undefined} a @param {Point | undefined} b */
function isSame(a, b) {
  return a !== undefined && b !== undefined && a[0] === b[0] && a[1] === b[1];
}

/** Clockwise on the screen, the uppermost and leftmost vertex first; `null` without an area. @param {Point[]} ring */
function wound(ring) {
  const twice = twiceArea(ring);
  if (ring.length < 3 || twice === 0) return null;
  const turned = twice < 0 ? [...ring].reverse() : ring;
  let first = 0;
  turned.forEach(([x, y], nth) => {
    const best = /** @type {Point} */ (turned[first]);
    if (y < best[1] || (y === best[1] && x < best[0])) first = nth;
  });
  return [...turned.slice(first), ...turned.slice(0, first)];
}

/** @param {Point[]} ring */
function twiceArea(ring) {
  let twice = 0;
  let a = ring.at(-1);
  for (const b of ring) {
    if (a) twice += a[0] * b[1] - b[0] * a[1];
    a = b;
  }
  return twice;
}

/** Whether a clockwise ring never turns left; a straight angle passes, a reversal does not. @param {Point[]} ring */
function isConvex(ring) {
  return ring.every((a, nth) => {
    const b = /** @type {Point} */ (ring[(nth + 1) % ring.length]);
    const c = /** @type {Point} */ (ring[(nth + 2) % ring.length]);
    const [ux, uy, vx, vy] = [b[0] - a[0], b[1] - a[1], c[0] - b[0], c[1] - b[1]];
    const bend = ux * vy - vx * uy;
    return bend > 0 || (bend === 0 && Math.sign(ux) === Math.sign(vx) && Math.sign(uy) === Math.sign(vy));
  });
}

/** What lies in the tile and its buffer: Sutherland and Hodgman. @param {Point[]} ring */
function cut(ring) {
  let left = ring;
  for (const axis of /** @type {const} */ ([0, 1])) {
    left = keep(left, axis, (at) => at[axis] + BUFFER);
    left = keep(left, axis, (at) => EXTENT + BUFFER - at[axis]);
  }
  return left;
}

/** @param {Point[]} ring @param {0 | 1} axis @param {(at: Point) => number} depth @returns {Point[]} what has a depth of 0 or more */
function keep(ring, axis, depth) {
  /** @type {Point[]} */
  const kept = [];
  let from = ring.at(-1);
  for (const to of ring) {
    if (from) {
      const [before, after] = [depth(from), depth(to)];
      if (before < 0 !== after < 0) {
        // From the inner end, whichever it is: neighbours cut their common edge at the very same point.
        const [inner, outer, near, far] = before < 0 ? [to, from, after, before] : [from, to, before, after];
        const part = near / (near - far);
        kept.push([inner[0] + (outer[0] - inner[0]) * part, inner[1] + (outer[1] - inner[1]) * part]);
      }
      if (after >= 0) kept.push(to);
    }
    from = to;
  }
  return kept;
}
