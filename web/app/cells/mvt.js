// Compact cells as a Mapbox vector tile (2.1): the tile that the server would have sent, so that styles, ids and
// queries of the map need not know how the cells came.

import { KIND } from "./decode.js";
import { ancestor, cellHalves, cellText } from "./ids.js";
import { EXTENT, outlines } from "./outline.js";

/** @typedef {import("./decode.js").Cells} Cells */
/** @typedef {import("./outline.js").Point} Point */
/** @typedef {import("./outline.js").Tile} Tile */
/** @typedef {Pick<typeof import("h3-js"), "cellToBoundary" | "isValidCell">} H3 */
/** @typedef {typeof import("pbf").PbfWriter} Writer */
/** @typedef {{tags: number[], rings: Point[][]}} Feature */

const LAYER = 3;
const [NAME, FEATURE, KEY, VALUE, LAYER_EXTENT, VERSION] = [1, 2, 3, 4, 5, 15];
const [TAGS, TYPE, GEOMETRY] = [2, 3, 4];
const [STRING, DOUBLE, UINT, BOOL] = [1, 3, 5, 7];
const POLYGON = 3;
const [MOVE_TO_ONE, LINE_TO, CLOSE_PATH] = [1 | (1 << 3), 2, 15];

/**
 * The bytes of the tile with its one layer `cells`, and how many cells stand in it.
 * @param {Cells} cells
 * @param {Tile} tile
 * @param {H3} h3
 * @param {Writer} Writer
 * @returns {{bytes: Uint8Array<ArrayBuffer>, count: number}}
 */
export function buildTile(cells, tile, h3, Writer) {
  const { resolution, positions, columns } = cells;
  const values = new Values();
  /** @type {Feature[]} */
  const features = [];
  positions.forEach((position, nth) => {
    const halves = cellHalves(resolution, position);
    if (!h3.isValidCell(halves)) throw new Error(`${cellText(resolution, position)} is not an H3 cell`);
    const rings = outlines(h3.cellToBoundary(halves), tile);
    if (rings.length === 0) return;
    const tags = [0, values.text(cellText(resolution, position))];
    columns.forEach(({ kind, values: written, texts }, place) => {
      const value = written[nth] ?? 0;
      if (value === 0) return;
      const text = texts[value - 1];
      tags.push(place + 1, kind === KIND.text ? values.once(text ?? "") : values.of(kind, value - 1, position, resolution));
    });
    features.push({ tags, rings });
  });
  const writer = new Writer();
  if (features.length > 0) {
    const keys = ["h3", ...columns.map(({ key }) => key)];
    writer.writeMessage(LAYER, writeLayer, { keys, values: values.all, features });
  }
  return { bytes: /** @type {Uint8Array<ArrayBuffer>} */ (writer.finish()), count: features.length };
}

/**
 * How many cells a finished vector tile holds.
 * @param {Uint8Array} bytes
 * @param {typeof import("pbf").PbfReader} Reader
 */
export function countCells(bytes, Reader) {
  const found = { cells: 0 };
  new Reader(bytes).readFields((tag, tile, reader) => {
    if (tag !== LAYER) return;
    const layer = reader.readMessage(
      (field, each) => {
        if (field === NAME) each.name = reader.readString();
        if (field === FEATURE) each.features++;
      },
      { name: "", features: 0 },
    );
    if (layer.name === "cells") tile.cells += layer.features;
  }, found);
  return found.cells;
}

/** The layer's values, each once. */
class Values {
  constructor() {
    /** @type {(string | number | boolean)[]} */
    this.all = [];
    /** @type {Map<string | number | boolean, number>} */
    this.known = new Map();
  }

  /** Ids of cells do not repeat: they need no looking up. @param {string} value */
  text(value) {
    return this.all.push(value) - 1;
  }

  /** @param {number} kind @param {number} value @param {number} position @param {number} resolution */
  of(kind, value, position, resolution) {
    if (kind === KIND.truth) return this.once(true);
    if (kind === KIND.tenths) return this.once(value / 10);
    if (kind === KIND.ancestor) return this.once(cellText(value, ancestor(position, resolution, value)));
    return this.once(value);
  }

  /** @param {string | number | boolean} value */
  once(value) {
    const known = this.known.get(value);
    if (known !== undefined) return known;
    const number = this.all.push(value) - 1;
    this.known.set(value, number);
    return number;
  }
}

/**
 * @param {{keys: string[], values: (string | number | boolean)[], features: Feature[]}} layer
 * @param {import("pbf").PbfWriter} writer
 */
function writeLayer(layer, writer) {
  writer.writeVarintField(VERSION, 2);
  writer.writeStringField(NAME, "cells");
  for (const feature of layer.features) writer.writeMessage(FEATURE, writeFeature, feature);
  for (const key of layer.keys) writer.writeStringField(KEY, key);
  for (const value of layer.values) writer.writeMessage(VALUE, writeValue, value);
  writer.writeVarintField(LAYER_EXTENT, EXTENT);
}

/** @param {Feature} feature @param {import("pbf").PbfWriter} writer */
function writeFeature({ tags, rings }, writer) {
  writer.writePackedVarint(TAGS, tags);
  writer.writeVarintField(TYPE, POLYGON);
  writer.writePackedVarint(GEOMETRY, commands(rings));
}

/** @param {string | number | boolean} value @param {import("pbf").PbfWriter} writer */
function writeValue(value, writer) {
  if (typeof value === "string") writer.writeStringField(STRING, value);
  else if (typeof value === "boolean") writer.writeBooleanField(BOOL, value);
  else if (Number.isInteger(value)) writer.writeVarintField(UINT, value);
  else writer.writeDoubleField(DOUBLE, value);
}

/** MVT 2.1 §4.3. @param {Point[][]} rings */
function commands(rings) {
  const out = [];
  let [x, y] = [0, 0];
  for (const ring of rings) {
    ring.forEach((at, nth) => {
      if (nth === 0) out.push(MOVE_TO_ONE);
      if (nth === 1) out.push(LINE_TO | ((ring.length - 1) << 3));
      out.push(zigzag(at[0] - x), zigzag(at[1] - y));
      [x, y] = at;
    });
    out.push(CLOSE_PATH);
  }
  return out;
}

/** @param {number} value */
function zigzag(value) {
  return (value << 1) ^ (value >> 31);
}
