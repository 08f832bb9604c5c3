// @ts-check
/**
 * blocks.js: named arrays in one message: a table of their names, types and shapes, then their data.
 *
 * Twin of livedance_lab/wire/blocks.py, which describes the layout; both are tested with data/golden/wire.json.
 *
 * @typedef {{ type: string, shape: number[], length: number, at: number }} Block `type` as in "f4"; `length` in values,
 *   `at` in bytes from the beginning of the message
 * @typedef {{ blocks: Map<string, Block>, nBytes: number }} Layout `nBytes` of the whole message
 */

const LINE = /^([a-z][a-z0-9_]*) ([a-z])([1248])((?: [0-9]{1,9})*)$/;
/** Browsers run on little-endian machines only, so that the bytes need no conversion. */
const ARRAYS = { f4: Float32Array, f8: Float64Array, u1: Uint8Array, u4: Uint32Array };
const REMEMBERED_TABLES = 256;
/** @type {Map<string, Layout>} a session has a few layouts, and a result for every frame */
const layouts = new Map();
const ascii = new TextDecoder("latin1");

/**
 * @param {ArrayBuffer} message @param {number} offset of the table @param {number} tableBytes
 * @returns {Layout}
 */
export function readTable(message, offset, tableBytes) {
  const table = ascii.decode(new Uint8Array(message, offset, tableBytes));
  const known = layouts.get(table);
  if (known) return known;
  const layout = parseTable(table, offset);
  if (layouts.size >= REMEMBERED_TABLES) layouts.clear();
  layouts.set(table, layout);
  return layout;
}

/** @param {string} table @param {number} offset @returns {Layout} */
function parseTable(table, offset) {
  const blocks = new Map();
  let nBytes = Math.ceil((offset + table.length) / 8) * 8;
  const lines = table.split("\n");
  if (lines.pop() !== "") throw new RangeError("the table of a result's blocks was cut.");
  for (const line of lines) {
    const [, name, kind, size, axes] = line.match(LINE) ?? [];
    if (!name || blocks.has(name)) throw new RangeError(`"${line.slice(0, 60)}" is no line of a table of blocks.`);
    const shape = axes.split(" ").slice(1).map(Number);
    const length = shape.reduce((product, n) => product * n, 1);
    const at = Math.ceil(nBytes / Number(size)) * Number(size);
    blocks.set(name, { type: kind + size, shape, length, at });
    nBytes = at + Number(size) * length;
  }
  return { blocks, nBytes };
}

/**
 * A block as a flat array, which is a view of the message.
 * @template {keyof typeof ARRAYS} T
 * @param {ArrayBuffer} message @param {Layout} layout @param {string} name
 * @param {T} type @param {number} length of the flat array
 * @returns {InstanceType<(typeof ARRAYS)[T]>}
 */
export function readBlock(message, layout, name, type, length) {
  const block = layout.blocks.get(name);
  if (block?.type !== type || block.length !== length) {
    const got = block && `${block.type} with ${block.length}`;
    throw new RangeError(`a result needs the block ${name}, ${type} with ${length} values, got ${got}.`);
  }
  return /** @type {any} */ (new ARRAYS[type](message, block.at, length));
}
