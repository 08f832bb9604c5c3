// @ts-check
/**
 * person_animation.js: the skeleton of one person between results.
 *
 * Hands are detected less often than the body, and would lag behind the arms. Therefore their landmarks are stored
 * relative to the body's wrists at that time, and drawn relative to the wrists of now.
 *
 * @typedef {import("./results.js").Person} Person
 * @typedef {Map<number, { tCaptureS: number }>} SentFrames times of the frames that this page has sent, by `seq`
 */

import { MAX_GAP_S, ShownError, linear, makePainter, valuesAt } from "./interpolation.js";

const LANDMARKS = 33;
const HAND_LANDMARKS = 21;
const WRISTS = [15, 16]; // left, right: the order of the hands
/** Smaller movements are invisible, and do not count as a new position. */
const VISIBLE_STEP_PX = 0.05;
const KEPT_BODIES = 60;

/** x and y of (K, 3) landmarks; NaN if there are none. @param {Float32Array | undefined} px @param {number} landmarks */
function planar(px, landmarks) {
  const flat = new Float64Array(2 * landmarks).fill(NaN);
  if (px) for (let i = 0; i < flat.length; i += 1) flat[i] = px[3 * (i >> 1) + (i & 1)];
  return flat;
}

/**
 * Move hands by the position of the body's wrists, or back.
 * @param {Float64Array} hands (2, 21, 2) @param {Float64Array} body (33, 2) @param {1 | -1} sign
 */
function movedByWrists(hands, body, sign) {
  return hands.map((value, i) => value + sign * body[2 * WRISTS[i < 2 * HAND_LANDMARKS ? 0 : 1] + (i & 1)]);
}

/** @param {Float64Array | null} a @param {Float64Array | null} b */
function looksEqual(a, b) {
  if (!a || !b || a.length !== b.length) return a === b;
  return a.every((value, i) => Math.abs(value - b[i]) < VISIBLE_STEP_PX || (value !== value && b[i] !== b[i]));
}

export class PersonAnimation {
  seenS = -Infinity; // capture time of the newest result that shows the person
  newestS = -Infinity; // of the newest result
  body = /** @type {Float64Array | null} */ (null); // what is on screen, or will be with the next drawing
  hands = /** @type {Float64Array | null} */ (null);
  drawn = { body: /** @type {Float64Array | null} */ (planar(undefined, LANDMARKS)), hands: this.hands };
  anglesSmoothDeg = /** @type {Float32Array | null} */ (null); // on the labels
  /** @type {import("./interpolation.js").Sample[]} */
  bodies = [];

  /**
   * @param {number} id @param {string} mode of painting
   * @param {import("./interpolation.js").Painter} timing whose delay is that of all people, who are shown at the same time
   */
  constructor(id, mode, timing) {
    this.id = id;
    this.bodyPainter = makePainter(mode, undefined, timing);
    this.handsPainter = makePainter(mode);
    this.error = new ShownError(2);
  }

  /**
   * Add a result.
   * @param {Person | null} person null: the frame does not show the person
   * @param {number} tCaptureS @param {number} tResultS
   * @param {SentFrames} sent
   * @returns {number} error of what was on screen at the time of capture, px; NaN if unknown
   */
  add(person, tCaptureS, tResultS, sent) {
    const values = planar(person?.keypointsPxSmooth, LANDMARKS);
    const errorPx = this.error.compare(tCaptureS, values);
    this.newestS = tCaptureS;
    if (person) this.seenS = tCaptureS;
    this.bodyPainter.add(values, tCaptureS, tResultS);
    this.bodies.push({ tS: tCaptureS, values });
    if (this.bodies.length > KEPT_BODIES) this.bodies.shift();
    const handsTimes = person?.hands && sent.get(person.hands.seq);
    if (person?.hands && handsTimes) this.addHands(person.hands.pxSmooth, handsTimes.tCaptureS, tResultS);
    else this.handsPainter.reset();
    return errorPx;
  }

  /** @param {Float32Array} px @param {number} tCaptureS @param {number} tResultS */
  addHands(px, tCaptureS, tResultS) {
    const bodyThen = valuesAt(this.bodies, tCaptureS, linear);
    this.handsPainter.add(movedByWrists(planar(px, 2 * HAND_LANDMARKS), bodyThen, -1), tCaptureS, tResultS);
  }

  /** Move to the time `tS`. @param {number} tS @returns {boolean} whether that can be seen */
  moveTo(tS) {
    this.body = this.bodyPainter.paint(tS);
    const relative = this.handsPainter.paint(tS);
    this.hands = this.body && relative && movedByWrists(relative, this.body, 1);
    if (this.body) this.error.painted(tS, this.body);
    return !looksEqual(this.body, this.drawn.body) || !looksEqual(this.hands, this.drawn.hands);
  }

  /** Whether any landmark is on screen. */
  get visible() {
    return this.body !== null && !this.body.every(Number.isNaN);
  }

  /** Whether the person has left the picture; a short absence does not count. */
  get gone() {
    return this.newestS - this.seenS > MAX_GAP_S && !this.visible;
  }

  /**
   * What is to be drawn of the person.
   * @param {Person | undefined} result the person in the result of the time on screen
   * @param {boolean} withNewAngles whether the labels change
   * @returns {import("./skeleton_drawing.js").PersonScene}
   */
  scene(result, withNewAngles) {
    const { id, body, hands } = this;
    if (withNewAngles) this.anglesSmoothDeg = result?.anglesSmoothDeg ?? null;
    this.drawn = { body, hands };
    const visibility = result?.visibility ?? null;
    return { id, px: body, visibility, handsPx: hands, anglesSmoothDeg: this.anglesSmoothDeg };
  }
}
