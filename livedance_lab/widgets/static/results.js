// @ts-check
/**
 * results.js: server messages as objects.
 *
 * Twin of livedance_lab/wire/results.py; both are tested with data/golden/wire.json, so change both or neither.
 * As in the whole package, a name without suffix is raw and `Smooth` is smoothed. Only smoothed values are read here,
 * because only they are drawn.
 *
 * @typedef {{ seq: number, pxSmooth: Float32Array, score: Float32Array }} WireHands
 *   `pxSmooth` has the shape (2, 21, 3), flattened, the person's left hand first; `seq` is the frame of the hands.
 *
 * @typedef {Object} Person
 * @property {number} id counts the people of a session from 1; a person keeps it
 * @property {number} score how certain the model is that it sees a person, 0 to 1; NaN if it does not say
 * @property {Float32Array} keypointsPxSmooth (33, 3), flattened: pixels of the camera's picture, NaN where not seen
 * @property {Float32Array} visibility (33,)
 * @property {number[]} flags (33,)
 * @property {Float32Array} anglesSmoothDeg in the order of the session's angle names
 * @property {WireHands | null} hands
 *
 * @typedef {Object} Result
 * @property {"result"} type
 * @property {number} seq
 * @property {number} widthPx
 * @property {number} heightPx
 * @property {Record<string, number>} times seconds on the server's clock, NaN where unknown
 * @property {Record<string, number>} stageMs
 * @property {number} followedId 0 before anybody was seen
 * @property {Person[]} people everybody whom the frame shows, in order of their ids
 * @property {Person | null} person the followed one; null if the frame does not show them
 * @property {[number, string][]} closed frames without a result: seq and state
 * @property {Record<string, number>} ledger number of captured frames, and of frames by state
 */

import { PROTOCOL_VERSION } from "./frames.js";

/**
 * Parse a server message. A result becomes a `Result` with flat arrays; other messages are returned as they are.
 * @param {string} text @returns {any}
 */
export function parseServerMessage(text) {
  const message = JSON.parse(text);
  if (message === null || typeof message !== "object" || typeof message.type !== "string") {
    throw new TypeError(`server messages are objects with a type, got ${text.slice(0, 80)}.`);
  }
  return message.type === "result" ? decodeResult(message) : message;
}

/** @param {any} m @returns {Result} */
export function decodeResult(m) {
  if (m.version !== PROTOCOL_VERSION) throw new RangeError(versionRefusal(m.version ?? 1));
  const people = m.people.map(decodePerson);
  return {
    type: "result",
    seq: m.seq,
    widthPx: m.size_px[0],
    heightPx: m.size_px[1],
    times: Object.fromEntries(Object.entries(m.times).map(([name, t]) => [name, t ?? NaN])),
    stageMs: m.stage_ms,
    followedId: m.followed_id,
    people,
    person: followed(people, m.followed_id),
    closed: m.closed,
    ledger: m.ledger,
  };
}

/** @param {any} p @returns {Person} */
function decodePerson(p) {
  return {
    id: p.id,
    score: p.score ?? NaN,
    keypointsPxSmooth: toFloats(p.keypoints_px_smooth),
    visibility: toFloats(p.visibility),
    flags: p.flags,
    anglesSmoothDeg: toFloats(p.angles_smooth_deg),
    hands: p.hands && { seq: p.hands.seq, pxSmooth: toFloats(p.hands.px_smooth), score: toFloats(p.hands.score) },
  };
}

/** @param {Person[]} people @param {number} followedId @returns {Person | null} */
export function followed(people, followedId) {
  return people.find((person) => person.id === followedId) ?? null;
}

/** What is said about a message of another version. @param {number} got */
export function versionRefusal(got) {
  return `a result of protocol version ${PROTOCOL_VERSION} was expected, got version ${got}.`;
}

/**
 * Convert nested lists to one flat array in C order; null is NaN, which JSON does not have.
 * @param {any[]} nested @returns {Float32Array}
 */
export function toFloats(nested) {
  return Float32Array.from(nested.flat(Infinity), (value) => value ?? NaN);
}
