// @ts-check
/**
 * results_binary.js: the binary form of a result: the values of its JSON text in half the bytes.
 *
 * Twin of livedance_lab/wire/results_binary.py, which describes the layout; both are tested with data/golden/wire.json.
 *
 * @typedef {import("./results.js").Result} Result
 */

import { PROTOCOL_VERSION } from "./frames.js";

const MAGIC = 0x4c44; // "LD"
const KIND_RESULT = 2;
const [FOUND, WITH_HANDS] = [1, 2];
const SENT_TIMES = ["capture", "send", "receive", "infer_start", "infer_end", "emit", "result", "paint"];
const SENT_STAGES = ["wait", "decode", "downscale", "pose", "hands", "angles", "smoothing", "emit"];
const SENT_STATES = ["processed", "superseded", "client_skipped", "late", "rejected", "failed", "lost"];

/** Reads one array of a message after the other. */
class ArrayReader {
  /** @param {ArrayBuffer} message @param {number} at */
  constructor(message, at) {
    this.message = message;
    this.at = at;
  }

  /** @param {number} n bytes @returns {ArrayBuffer} a copy, which is aligned */
  take(n) {
    if (this.at + n > this.message.byteLength) throw new RangeError("a result is shorter than its header says.");
    this.at += n;
    return this.message.slice(this.at - n, this.at);
  }

  /** Browsers run on little-endian machines only, so that the bytes need no conversion. @param {number} n */
  floats(n) {
    return new Float32Array(this.take(4 * n));
  }

  /** @param {number} n */
  doubles(n) {
    return new Float64Array(this.take(8 * n));
  }

  /** @param {number} n */
  ints(n) {
    return new Uint32Array(this.take(4 * n));
  }

  /** @param {number} n */
  bytes(n) {
    return new Uint8Array(this.take(n));
  }
}

/** @param {ArrayBuffer} message @returns {Result} */
export function decodeBinaryResult(message) {
  const view = new DataView(message);
  const [magic, version, kind] = [view.getUint16(0), view.getUint8(2), view.getUint8(3)];
  if (magic !== MAGIC || version !== PROTOCOL_VERSION || kind !== KIND_RESULT) {
    throw new RangeError(`a result of version ${PROTOCOL_VERSION} was expected, got version ${version}, kind ${kind}.`);
  }
  const flags = view.getUint16(6, true);
  const [nAngles, nClosed] = [view.getUint16(28, true), view.getUint16(30, true)];
  const reader = new ArrayReader(message, view.getUint16(4, true));
  const timesS = reader.doubles(SENT_TIMES.length);
  const stagesMs = reader.doubles(SENT_STAGES.length);
  const counts = reader.ints(1 + SENT_STATES.length);
  const closed = reader.ints(nClosed);
  const anglesSmoothDeg = reader.floats(nAngles);
  reader.floats(nAngles); // raw angles are not drawn
  const found = (flags & FOUND) !== 0;
  const [pxSmooth, , , , visibility] = found ? [99, 99, 99, 99, 33].map((n) => reader.floats(n)) : [];
  const [handsPxSmooth, , , score] = flags & WITH_HANDS ? [126, 126, 126, 2].map((n) => reader.floats(n)) : [];
  const states = reader.bytes(nClosed);
  return {
    type: "result",
    seq: view.getUint32(8, true),
    found,
    widthPx: view.getUint32(12, true),
    heightPx: view.getUint32(16, true),
    times: Object.fromEntries(SENT_TIMES.map((name, i) => [`t_${name}_s`, timesS[i]])),
    stageMs: Object.fromEntries(SENT_STAGES.map((name, i) => [name, stagesMs[i]]).filter(([, ms]) => !Number.isNaN(ms))),
    pose: pxSmooth ? { pxSmooth, visibility, flags: Array.from(reader.bytes(33)) } : null,
    hands: handsPxSmooth ? { seq: view.getUint32(24, true), pxSmooth: handsPxSmooth, score } : null,
    anglesSmoothDeg,
    closed: Array.from(closed, (seq, i) => [seq, SENT_STATES[states[i]]]),
    ledger: Object.fromEntries(["captured", ...SENT_STATES].map((name, i) => [name, counts[i]])),
  };
}
