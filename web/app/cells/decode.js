// Reads the compact cells format, version 1: ids and figures without outlines. The reader is strict: what it does not
// know, and bytes that are missing or too many, are errors. What it allocates is bounded by the bytes it was given.

/** What a column holds. */
export const KIND = /** @type {const} */ ({ whole: 0, tenths: 1, truth: 2, ancestor: 3, text: 4 });

/**
 * @typedef {object} Column
 * @property {string} key name of the property
 * @property {number} kind of {@link KIND}
 * @property {Float64Array} values as they were written, one a cell; 0 is absent
 * @property {string[]} texts that values count from 1, of columns of texts
 */
/**
 * @typedef {object} Cells
 * @property {number} resolution H3, 0 to 15
 * @property {Float64Array} positions base cell and digits of each id, ascending
 * @property {Column[]} columns
 */

export class CellsError extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(`not compact cells: ${reason}`);
    this.name = "CellsError";
  }
}

const MAGIC = [0x56, 0x58, 0x43, 0x31]; // VXC1
const FINEST = 15;
const BASE_CELLS = 122;
/** The name that the cells' own ids have among the properties. */
const OWN_KEY = "h3";

/**
 * @param {Uint8Array} bytes
 * @returns {Cells}
 */
export function decodeCells(bytes) {
  const reader = new Reader(bytes);
  if (MAGIC.some((byte) => reader.byte() !== byte)) throw new CellsError("it does not begin with VXC1");
  const resolution = reader.varint();
  if (resolution > FINEST) throw new CellsError(`resolution ${resolution} is beyond ${FINEST}`);
  // Each cell takes a byte at least: a count that the rest cannot hold is refused before anything is made for it.
  const count = reader.count("cells");
  const positions = readPositions(reader, resolution, count);
  const columns = [];
  const seen = new Set([OWN_KEY]);
  for (let left = reader.count("columns"); left > 0; left--) {
    const column = readColumn(reader, resolution, count);
    if (seen.has(column.key)) throw new CellsError(`the column ${column.key} comes twice`);
    seen.add(column.key);
    columns.push(column);
  }
  if (reader.left) throw new CellsError(`${reader.left} bytes follow its end`);
  return { resolution, positions, columns };
}

/** @param {Reader} reader @param {number} resolution @param {number} count */
function readPositions(reader, resolution, count) {
  const positions = new Float64Array(count);
  let position = 0;
  for (let nth = 0; nth < count; nth++) {
    const step = reader.varint();
    if (nth > 0 && step === 0) throw new CellsError("a cell comes twice");
    position += step;
    if (!isPosition(position, resolution)) throw new CellsError(`${position} is no cell of resolution ${resolution}`);
    positions[nth] = position;
  }
  return positions;
}

/** @param {number} position @param {number} resolution */
function isPosition(position, resolution) {
  let above = position;
  for (let digit = 0; digit < resolution; digit++) {
    if (above % 8 === 7) return false;
    above = Math.floor(above / 8);
  }
  return above < BASE_CELLS;
}

/** @param {Reader} reader @param {number} resolution @param {number} count @returns {Column} */
function readColumn(reader, resolution, count) {
  const key = reader.text(reader.count("letters"));
  const kind = reader.byte();
  /** @type {string[]} */
  const texts = [];
  if (kind === KIND.text) for (let left = reader.count("texts"); left > 0; left--) texts.push(reader.text(reader.count("letters")));
  const most = {
    [KIND.whole]: Number.MAX_SAFE_INTEGER,
    [KIND.tenths]: Number.MAX_SAFE_INTEGER,
    [KIND.truth]: 1,
    [KIND.ancestor]: resolution + 1,
    [KIND.text]: texts.length,
  }[kind];
  if (most === undefined) throw new CellsError(`the column ${key} is of the unknown kind ${kind}`);
  reader.need(count);
  const values = new Float64Array(count);
  for (let nth = 0; nth < count; nth++) {
    const value = reader.varint();
    if (value > most) throw new CellsError(`${value} is out of range in the column ${key}`);
    values[nth] = value;
  }
  return { key, kind, values, texts };
}

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get left() {
    return this.bytes.length - this.at;
  }

  /** @param {number} bytes that have to be there still */
  need(bytes) {
    if (bytes > this.left) throw new CellsError("it ends too early");
  }

  byte() {
    this.need(1);
    return /** @type {number} */ (this.bytes[this.at++]);
  }

  /** Unsigned LEB128; whole numbers beyond 2^53 would not be exact here and none means anything. */
  varint() {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new CellsError("a number is too large");
      if (byte < 0x80) return value;
      scale *= 128;
      // Seven more bits of zeros, for ever, would be a number as well.
      if (scale > Number.MAX_SAFE_INTEGER) throw new CellsError("a number is too long");
    }
  }

  /** How many of something follow, each of a byte at least. @param {string} what */
  count(what) {
    const count = this.varint();
    if (count > this.left) throw new CellsError(`it announces ${count} ${what} and ends before them`);
    return count;
  }

  /** @param {number} length bytes */
  text(length) {
    const letters = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(letters);
    } catch {
      throw new CellsError("a text is not UTF-8");
    }
  }
}
