// @ts-check
/**
 * results_binary.js: the binary form of a result: the values of its JSON text in half the bytes.
 *
 * Twin of livedance_lab/wire/results_binary.py, which describes the layout; both are tested with data/golden/wire.json.
 *
 * @typedef {import("./results.js").Result} Result
 * @typedef {import("./results.js").Person} Person
 */

import { readBlock, readTable } from "./blocks.js";
import { PROTOCOL_VERSION } from "./frames.js";
import { followed, versionRefusal } from "./results.js";

const MAGIC = 0x4c44; // "LD"
const KIND_RESULT = 2;
const N_BODY = 33;
const N_HANDS = 2;
const N_HAND = 21;
const SENT_TIMES = ["capture", "send", "receive", "infer_start", "infer_end", "emit", "result", "paint"];
const SENT_STAGES = ["wait", "decode", "downscale", "pose", "hands", "angles", "smoothing", "emit"];
const SENT_STATES = ["processed", "superseded", "client_skipped", "late", "rejected", "failed", "lost"];

/** @param {ArrayBuffer} message @returns {Result} */
export function decodeBinaryResult(message) {
  const view = new DataView(message);
  const [magic, version, kind] = [view.getUint16(0), view.getUint8(2), view.getUint8(3)];
  if (magic !== MAGIC || kind !== KIND_RESULT) throw new RangeError(`a result was expected, got kind ${kind}.`);
  if (version !== PROTOCOL_VERSION) throw new RangeError(versionRefusal(version));
  const layout = readTable(message, view.getUint16(4, true), view.getUint16(6, true));
  if (view.getUint32(32, true) !== message.byteLength || layout.nBytes !== message.byteLength) {
    throw new RangeError(`a result of ${layout.nBytes} bytes has ${message.byteLength}.`);
  }
  const timesS = readBlock(message, layout, "times_s", "f8", SENT_TIMES.length);
  const stagesMs = readBlock(message, layout, "stage_ms", "f8", SENT_STAGES.length);
  const counts = readBlock(message, layout, "ledger", "u4", 1 + SENT_STATES.length);
  const nClosed = layout.blocks.get("closed_seq")?.length ?? 0;
  const closed = readBlock(message, layout, "closed_seq", "u4", nClosed);
  const states = readBlock(message, layout, "closed_state", "u1", nClosed);
  const followedId = view.getUint32(24, true);
  const people = decodePeople(message, layout, view.getUint16(28, true), view.getUint16(30, true));
  return {
    type: "result",
    seq: view.getUint32(8, true),
    widthPx: view.getUint32(12, true),
    heightPx: view.getUint32(16, true),
    times: Object.fromEntries(SENT_TIMES.map((name, i) => [`t_${name}_s`, timesS[i]])),
    stageMs: Object.fromEntries(SENT_STAGES.map((name, i) => [name, stagesMs[i]]).filter(([, ms]) => !Number.isNaN(ms))),
    followedId,
    people,
    person: followed(people, followedId),
    closed: Array.from(closed, (seq, i) => [seq, SENT_STATES[states[i]]]),
    ledger: Object.fromEntries(["captured", ...SENT_STATES].map((name, i) => [name, counts[i]])),
  };
}

/**
 * @param {ArrayBuffer} message @param {import("./blocks.js").Layout} layout @param {number} nPeople
 * @param {number} nAngles @returns {Person[]}
 */
function decodePeople(message, layout, nPeople, nAngles) {
  if (nPeople === 0) return [];
  const ids = readBlock(message, layout, "id", "u4", nPeople);
  const scores = readBlock(message, layout, "score", "f8", nPeople);
  const flags = readBlock(message, layout, "flags", "u1", nPeople * N_BODY);
  const handsSeqs = layout.blocks.has("hands_seq") ? readBlock(message, layout, "hands_seq", "f8", nPeople) : null;
  /** The block of all people, and one person's part of it. @param {string} name @param {number} length of one part */
  const floats = (name, length) => {
    const all = readBlock(message, layout, name, "f4", nPeople * length);
    return (/** @type {number} */ i) => all.subarray(i * length, (i + 1) * length);
  };
  const keypointsPxSmooth = floats("keypoints_px_smooth", 3 * N_BODY);
  const visibility = floats("visibility", N_BODY);
  const anglesSmoothDeg = floats("angles_smooth_deg", nAngles);
  const handsPxSmooth = handsSeqs && floats("hands_px_smooth", 3 * N_HANDS * N_HAND);
  const handsScore = handsSeqs && floats("hands_score", N_HANDS);
  /** @param {number} i */
  const hands = (i) =>
    handsSeqs && handsPxSmooth && handsScore && !Number.isNaN(handsSeqs[i])
      ? { seq: handsSeqs[i], pxSmooth: handsPxSmooth(i), score: handsScore(i) }
      : null;
  return Array.from(ids, (id, i) => ({
    id,
    score: scores[i],
    keypointsPxSmooth: keypointsPxSmooth(i),
    visibility: visibility(i),
    flags: Array.from(flags.subarray(i * N_BODY, (i + 1) * N_BODY)),
    anglesSmoothDeg: anglesSmoothDeg(i),
    hands: hands(i),
  }));
}
