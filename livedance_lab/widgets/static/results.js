// @ts-check
/**
 * results.js: server messages as objects.
 *
 * Twin of livedance_lab/wire/results.py; both are tested with data/golden/wire.json, so change both or neither.
 * As in the whole package, a name without suffix is raw and `Smooth` is smoothed. Only smoothed values are read here,
 * because only they are drawn.
 *
 * @typedef {{ pxSmooth: Float32Array, visibility: Float32Array, flags: number[] }} WirePose
 *   `pxSmooth` has the shape (33, 3), flattened: pixels of the camera's picture, NaN where not seen.
 *
 * @typedef {{ seq: number, pxSmooth: Float32Array, score: Float32Array }} WireHands
 *   `pxSmooth` has the shape (2, 21, 3), flattened, the person's left hand first; `seq` is the frame of the hands.
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
 * @property {Float32Array} anglesSmoothDeg in the order of the session's angle names
 * @property {[number, string][]} closed frames without a result: seq and state
 * @property {Record<string, number>} ledger number of captured frames, and of frames by state
 */

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
  return {
    type: "result",
    seq: m.seq,
    found: m.found,
    widthPx: m.size_px[0],
    heightPx: m.size_px[1],
    times: Object.fromEntries(Object.entries(m.times ?? {}).map(([name, t]) => [name, t ?? NaN])),
    stageMs: m.stage_ms ?? {},
    pose: m.pose && {
      pxSmooth: toFloats(m.pose.px),
      visibility: toFloats(m.pose.visibility),
      flags: m.pose.flags ?? [],
    },
    hands: m.hands && { seq: m.hands.seq, pxSmooth: toFloats(m.hands.px), score: toFloats(m.hands.score) },
    anglesSmoothDeg: toFloats(m.angles?.smooth_deg ?? []),
    closed: m.closed ?? [],
    ledger: m.ledger ?? {},
  };
}

/**
 * Convert nested lists to one flat array in C order; null is NaN, which JSON does not have.
 * @param {any[]} nested @returns {Float32Array}
 */
export function toFloats(nested) {
  return Float32Array.from(nested.flat(Infinity), (value) => value ?? NaN);
}
