// @ts-check
/**
 * skeleton_painter.js: results in, moving skeleton out, at the display's own rate.
 *
 * Hands are looked at less often than the body. Drawn where they were seen they would trail behind the arms, so
 * their shape is kept relative to the body's wrist of that moment, and drawn on the wrist of this one.
 *
 * @typedef {{ seq: number, tCaptureS: number, tResultS: number, painted: boolean, visibility: Float32Array | null,
 *   anglesSmoothDeg: Float32Array }} Shown one result on its way to the screen
 */

import { nowS } from "./clock.js";
import { ShownError, linear, makePainter, valuesAt } from "./interpolation.js";
import { drawScene, fitCanvas } from "./overlay.js";

const LANDMARKS = 33;
const HAND_LANDMARKS = 21;
const WRISTS = [15, 16]; // left, right: the order of the hands
/** Numbers that change faster than this cannot be read. */
const LABEL_HOLD_S = 0.12;
/** Smaller steps cannot be seen, and count as no new picture. */
const VISIBLE_STEP_PX = 0.05;
const REMEMBERED_RESULTS = 60;

/**
 * x and y of (K, 3) landmarks. @param {Float32Array | undefined} px @param {number} landmarks all NaN when not seen
 */
function planar(px, landmarks) {
  const flat = new Float64Array(2 * landmarks).fill(NaN);
  if (px) for (let i = 0; i < flat.length; i += 1) flat[i] = px[3 * (i >> 1) + (i & 1)];
  return flat;
}

/**
 * Hands moved by the place of the body's wrists.
 * @param {Float64Array} hands (2, 21, 2) @param {Float64Array} body (33, 2) @param {1 | -1} sign
 */
function onWrists(hands, body, sign) {
  return hands.map((value, i) => value + sign * body[2 * WRISTS[i < 2 * HAND_LANDMARKS ? 0 : 1] + (i & 1)]);
}

/** @param {Float64Array | null} a @param {Float64Array | null} b */
function looksTheSame(a, b) {
  if (!a || !b || a.length !== b.length) return a === b;
  return a.every((value, i) => Math.abs(value - b[i]) < VISIBLE_STEP_PX || (value !== value && b[i] !== b[i]));
}

export class SkeletonPainter {
  /**
   * @param {HTMLCanvasElement} canvas @param {import("./view_stats.js").Readings} readings
   * @param {() => { painting: string, mirror: boolean, showAngles: boolean }} options
   * @param {(seq: number, tResultS: number, tPaintS: number | null) => void} onReceipt
   */
  constructor(canvas, readings, options, onReceipt) {
    this.canvas = canvas;
    this.ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.readings = readings;
    this.options = options;
    this.onReceipt = onReceipt;
    /** @type {number[][]} for each angle, the landmarks it is written between */
    this.anglePlaces = [];
    this.sourceSizePx = [0, 0];
    this.handle = 0;
    this.stale = true;
    this.mode = options().painting;
    this.body = makePainter(this.mode);
    this.hands = makePainter(this.mode);
    this.error = new ShownError(2);
    /** @type {import("./interpolation.js").Sample[]} */
    this.bodies = [];
    /** @type {Shown[]} */
    this.results = [];
    this.drawn = { body: /** @type {Float64Array | null} */ (null), hands: /** @type {Float64Array | null} */ (null) };
    this.labels = { untilS: -Infinity, anglesSmoothDeg: /** @type {Float32Array | null} */ (null) };
  }

  /** Forget every result: a new session, a pause, another way of painting. */
  clear() {
    this.passOver(Infinity);
    this.mode = this.options().painting;
    this.body = makePainter(this.mode);
    this.hands = makePainter(this.mode);
    this.error = new ShownError(2);
    this.bodies = [];
    this.results = [];
    this.drawn = { body: null, hands: null };
    this.labels = { untilS: -Infinity, anglesSmoothDeg: null };
    this.stale = true;
  }

  start() {
    if (!this.handle) this.handle = requestAnimationFrame(() => this.paint());
  }

  stop() {
    cancelAnimationFrame(this.handle);
    this.handle = 0;
  }

  /** Draw again though nothing moved: another size, another look. */
  refresh() {
    this.stale = true;
  }

  /**
   * @param {import("./results.js").Result} result @param {Map<number, import("./producer.js").Sent>} sent
   * @param {number} tResultS
   */
  push(result, sent, tResultS) {
    const times = sent.get(result.seq);
    if (!times) return; // a frame of an earlier page: its capture time is not known here
    if (this.options().painting !== this.mode) this.clear();
    const { tCaptureS } = times;
    this.sourceSizePx = [result.widthPx, result.heightPx];
    const values = planar(result.pose?.pxSmooth, LANDMARKS);
    this.readings.onShownError(tResultS, this.error.compare(tCaptureS, values));
    this.body.add(values, tCaptureS, tResultS);
    this.bodies.push({ tS: tCaptureS, values });
    const visibility = result.pose?.visibility ?? null;
    const { seq, anglesSmoothDeg } = result;
    this.results.push({ seq, tCaptureS, tResultS, painted: false, visibility, anglesSmoothDeg });
    for (const list of [this.bodies, this.results]) if (list.length > REMEMBERED_RESULTS) list.shift();
    const handTimes = result.hands && sent.get(result.hands.seq);
    if (result.hands && handTimes) this.pushHands(result.hands.pxSmooth, handTimes.tCaptureS, tResultS);
    else this.hands.reset();
  }

  /** @param {Float32Array} px @param {number} tCaptureS @param {number} tResultS */
  pushHands(px, tCaptureS, tResultS) {
    const bodyThen = valuesAt(this.bodies, tCaptureS, linear);
    this.hands.add(onWrists(planar(px, 2 * HAND_LANDMARKS), bodyThen, -1), tCaptureS, tResultS);
  }

  paint() {
    this.handle = requestAnimationFrame(() => this.paint());
    const tS = nowS();
    const body = this.body.paint(tS);
    const shape = this.hands.paint(tS);
    const hands = body && shape && onWrists(shape, body, 1);
    if (body) this.error.painted(tS, body);
    const moved = !looksTheSame(body, this.drawn.body) || !looksTheSame(hands, this.drawn.hands);
    if (moved || this.stale) this.draw(tS, body, hands);
    if (moved && body) this.readings.onPainted(nowS());
    this.reach(tS - this.body.delayS);
    this.readings.onWork(tS, 1000 * (nowS() - tS));
  }

  /** @param {number} tS @param {Float64Array | null} body @param {Float64Array | null} hands */
  draw(tS, body, hands) {
    const { mirror, showAngles } = this.options();
    const shownS = tS - this.body.delayS;
    const now = this.results.findLast((result) => result.tCaptureS <= shownS) ?? this.results[0];
    if (tS >= this.labels.untilS) this.labels = { untilS: tS + LABEL_HOLD_S, anglesSmoothDeg: now?.anglesSmoothDeg ?? null };
    fitCanvas(this.canvas, Math.min(devicePixelRatio, 2));
    const [widthPx, heightPx] = this.sourceSizePx;
    const { anglePlaces, labels } = this;
    const visibility = now?.visibility ?? null;
    drawScene(
      this.ctx,
      { px: body, visibility, handsPx: hands, anglePlaces, anglesSmoothDeg: labels.anglesSmoothDeg, mirror, showAngles },
      widthPx,
      heightPx,
    );
    this.drawn = { body, hands };
    this.stale = false;
  }

  /**
   * The picture has come to show the moment `shownS`: the newest result of before is painted, older ones that were
   * not never will be.
   * @param {number} shownS
   */
  reach(shownS) {
    const newest = this.results.findLast((result) => result.tCaptureS <= shownS);
    if (!newest || newest.painted) return;
    newest.painted = true;
    this.onReceipt(newest.seq, newest.tResultS, nowS());
    this.passOver(newest.seq);
  }

  /** Results before `seq` that were not painted never will be. @param {number} seq */
  passOver(seq) {
    for (const result of this.results) {
      if (result.painted || result.seq >= seq) continue;
      result.painted = true;
      this.onReceipt(result.seq, result.tResultS, null);
    }
  }
}
