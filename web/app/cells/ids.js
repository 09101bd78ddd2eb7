// H3 ids of mode 1 from a resolution and the position in it. An id has 64 bits, a number of ours 53: the digits of an id
// (52 bits with the base cell) fit, mode and resolution stand above them.

/**
 * The low 52 bits of the id: base cell, digits, and sevens where there are none.
 * @param {number} resolution
 * @param {number} position
 */
function digits(resolution, position) {
  const unused = 8 ** (15 - resolution);
  return position * unused + (unused - 1);
}

/**
 * As everywhere in this project: 15 hexadecimal digits.
 * @param {number} resolution
 * @param {number} position
 */
export function cellText(resolution, position) {
  return `8${resolution.toString(16)}${digits(resolution, position).toString(16).padStart(13, "0")}`;
}

/**
 * Lower and upper half, as h3-js takes an id without reading text.
 * @param {number} resolution
 * @param {number} position
 * @returns {[number, number]}
 */
export function cellHalves(resolution, position) {
  const low = digits(resolution, position);
  return [low % 2 ** 32, 0x0800_0000 + resolution * 2 ** 20 + Math.floor(low / 2 ** 32)];
}

/**
 * The position of a cell's ancestor.
 * @param {number} position
 * @param {number} resolution of the cell
 * @param {number} above resolution of the ancestor, not finer
 */
export function ancestor(position, resolution, above) {
  return Math.floor(position / 8 ** (resolution - above));
}
