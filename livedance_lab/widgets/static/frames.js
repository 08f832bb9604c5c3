// @ts-check
/**
 * frames.js: frames as bytes, server messages as objects.
 *
 * Twin of livedance_lab/wire/results.py; both are held to data/golden/wire.json, so change both or neither.
 * A frame is one binary message: a 32-byte little-endian header, then the encoded picture.
 *
 * @typedef {{ seq: number, widthPx: number, heightPx: number, tCaptureS: number, tSendS: number }} FrameHeader
 *   Size of the camera's own picture; times are seconds of this page's clock.
 *
 * @typedef {{ px: Float32Array, visibility: Float32Array, flags: number[] }} WirePose
 *   `px` is (33, 3) flattened: smoothed pixels of the camera's picture, NaN where not seen.
 *
 * @typedef {{ seq: number, px: Float32Array, score: Float32Array }} WireHands
 *   `px` is (2, 21, 3) flattened, the person's left hand first; `seq` is the frame they were seen in.
 *
 * @typedef {Object} Result
 * @property {"result"} type
 * @property {number} seq
 * @property {boolean} found
 * @property {number} widthPx
 * @property {number} heightPx
 * @property {Record<string, number>} times seconds on the server's clock, NaN where unknown
 * @property {Record<string, number>} stageMs
 * @property {WirePose | null} pose
 * @property {WireHands | null} hands
 * @property {Float32Array} anglesDeg smoothed, in the order of the session's angle names
 * @property {[number, string][]} closed frames that ended without a result of their own: seq, state
 * @property {Record<string, number>} ledger frames captured so far, and by state
 */

export const PROTOCOL_VERSION = 1;
export const HEADER_BYTES = 32;
const KIND_FRAME = 1;

/**
 * Fill the first 32 bytes of a message; the picture already stands behind them.
 * @param {ArrayBuffer} message @param {FrameHeader} header
 */
export function writeHeader(message, header) {
  const view = new DataView(message, 0, HEADER_BYTES);
  view.setUint8(0, 0x4c); // "L"
  view.setUint8(1, 0x44); // "D"
  view.setUint8(2, PROTOCOL_VERSION);
  view.setUint8(3, KIND_FRAME);
  view.setUint16(4, HEADER_BYTES, true);
  view.setUint16(6, 0, true);
  view.setUint32(8, header.seq, true);
  view.setUint16(12, header.widthPx, true);
  view.setUint16(14, header.heightPx, true);
  view.setFloat64(16, header.tCaptureS, true);
  view.setFloat64(24, header.tSendS, true);
}

/** @param {ArrayBuffer} message @returns {FrameHeader} */
export function readHeader(message) {
  if (message.byteLength < HEADER_BYTES) {
    throw new RangeError(`a frame message needs ${HEADER_BYTES} header bytes, got ${message.byteLength}.`);
  }
  const view = new DataView(message);
  const version = view.getUint8(2);
  if (version !== PROTOCOL_VERSION) {
    throw new RangeError(`this page speaks protocol version ${PROTOCOL_VERSION}, got ${version}.`);
  }
  return {
    seq: view.getUint32(8, true),
    widthPx: view.getUint16(12, true),
    heightPx: view.getUint16(14, true),
    tCaptureS: view.getFloat64(16, true),
    tSendS: view.getFloat64(24, true),
  };
}

/**
 * What the server said. A result becomes a `Result` with flat arrays; other messages stay as they came.
 * @param {string} text @returns {any}
 */
export function parseServerMessage(text) {
  const message = JSON.parse(text);
  if (message === null || typeof message !== "object" || typeof message.type !== "string") {
    throw new TypeError(`server messages are objects with a type, got ${text.slice(0, 80)}.`);
  }
  return message.type === "result" ? toResult(message) : message;
}

/** @param {any} m @returns {Result} */
function toResult(m) {
  return {
    type: "result",
    seq: m.seq,
    found: m.found,
    widthPx: m.size_px[0],
    heightPx: m.size_px[1],
    times: Object.fromEntries(Object.entries(m.times ?? {}).map(([name, t]) => [name, t ?? NaN])),
    stageMs: m.stage_ms ?? {},
    pose: m.pose && { px: toFloats(m.pose.px), visibility: toFloats(m.pose.visibility), flags: m.pose.flags ?? [] },
    hands: m.hands && { seq: m.hands.seq, px: toFloats(m.hands.px), score: toFloats(m.hands.score) },
    anglesDeg: toFloats(m.angles?.smooth_deg ?? []),
    closed: m.closed ?? [],
    ledger: m.ledger ?? {},
  };
}

/**
 * Nested lists as one flat array in C order; null (JSON knows no NaN) is NaN.
 * @param {any[]} nested @returns {Float32Array}
 */
export function toFloats(nested) {
  return Float32Array.from(nested.flat(Infinity), (value) => value ?? NaN);
}
