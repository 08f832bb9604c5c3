// @ts-check
/**
 * skeleton_animation.js: draws the skeleton of the newest results, at the display's rate.
 *
 * Hands are detected less often than the body, and would lag behind the arms. Therefore their landmarks are stored
 * relative to the body's wrists at that time, and drawn relative to the wrists of now.
 *
 * @typedef {{ seq: number, tCaptureS: number, tResultS: number, painted: boolean, visibility: Float32Array | null,
 *   anglesSmoothDeg: Float32Array }} PendingResult a result that is, or will be, on screen
 */

import { nowS } from "./clock.js";
import { ShownError, linear, makePainter, valuesAt } from "./interpolation.js";
import { drawScene, fitCanvas } from "./skeleton_drawing.js";

const LANDMARKS = 33;
const HAND_LANDMARKS = 21;
const WRISTS = [15, 16]; // left, right: the order of the hands
/** Shortest time that a label is shown, so that it can be read. */
const LABEL_HOLD_S = 0.12;
/** Smaller movements are invisible, and do not count as a new position. */
const VISIBLE_STEP_PX = 0.05;
const KEPT_RESULTS = 60;

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

export class SkeletonAnimation {
  /**
   * @param {HTMLCanvasElement} canvas @param {import("./view_stats.js").ViewStats} stats
   * @param {() => { painting: string, mirror: boolean, showAngles: boolean }} options
   * @param {(seq: number, tResultS: number, tPaintS: number | null) => void} onReceipt `tPaintS` null: never painted
   */
  constructor(canvas, stats, options, onReceipt) {
    this.canvas = canvas;
    this.ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.stats = stats;
    this.options = options;
    this.onReceipt = onReceipt;
    /** @type {number[][]} for each angle, the landmarks whose midpoint is its label's position */
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
    /** @type {PendingResult[]} */
    this.results = [];
    this.drawn = { body: /** @type {Float64Array | null} */ (null), hands: /** @type {Float64Array | null} */ (null) };
    this.labels = { untilS: -Infinity, anglesSmoothDeg: /** @type {Float32Array | null} */ (null) };
  }

  /** Remove all results, for a new session, a pause or another painter. */
  clear() {
    this.reportUnpainted(Infinity);
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

  /** Redraw even if nothing moved, because the size or the appearance has changed. */
  refresh() {
    this.stale = true;
  }

  /**
   * @param {import("./results.js").Result} result @param {Map<number, import("./producer.js").Sent>} sent
   * @param {number} tResultS
   */
  push(result, sent, tResultS) {
    const times = sent.get(result.seq);
    if (!times) return; // a frame of an earlier page, whose capture time is unknown here
    if (this.options().painting !== this.mode) this.clear();
    const { tCaptureS } = times;
    this.sourceSizePx = [result.widthPx, result.heightPx];
    const values = planar(result.pose?.pxSmooth, LANDMARKS);
    this.stats.onShownError(tResultS, this.error.compare(tCaptureS, values));
    this.body.add(values, tCaptureS, tResultS);
    this.bodies.push({ tS: tCaptureS, values });
    const visibility = result.pose?.visibility ?? null;
    const { seq, anglesSmoothDeg } = result;
    this.results.push({ seq, tCaptureS, tResultS, painted: false, visibility, anglesSmoothDeg });
    for (const list of [this.bodies, this.results]) if (list.length > KEPT_RESULTS) list.shift();
    const handTimes = result.hands && sent.get(result.hands.seq);
    if (result.hands && handTimes) this.pushHands(result.hands.pxSmooth, handTimes.tCaptureS, tResultS);
    else this.hands.reset();
  }

  /** @param {Float32Array} px @param {number} tCaptureS @param {number} tResultS */
  pushHands(px, tCaptureS, tResultS) {
    const bodyThen = valuesAt(this.bodies, tCaptureS, linear);
    this.hands.add(movedByWrists(planar(px, 2 * HAND_LANDMARKS), bodyThen, -1), tCaptureS, tResultS);
  }

  paint() {
    this.handle = requestAnimationFrame(() => this.paint());
    const tS = nowS();
    const body = this.body.paint(tS);
    const relative = this.hands.paint(tS);
    const hands = body && relative && movedByWrists(relative, body, 1);
    if (body) this.error.painted(tS, body);
    const moved = !looksEqual(body, this.drawn.body) || !looksEqual(hands, this.drawn.hands);
    if (moved || this.stale) this.draw(tS, body, hands);
    if (moved && body) this.stats.onPainted(nowS());
    this.advanceTo(tS - this.body.delayS);
    this.stats.onWork(tS, 1000 * (nowS() - tS));
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
   * The screen now shows the time `shownS`: report the newest result not later than that as painted, and older ones
   * as never painted.
   * @param {number} shownS
   */
  advanceTo(shownS) {
    const newest = this.results.findLast((result) => result.tCaptureS <= shownS);
    if (!newest || newest.painted) return;
    newest.painted = true;
    this.onReceipt(newest.seq, newest.tResultS, nowS());
    this.reportUnpainted(newest.seq);
  }

  /** Report the results before `seq` that were never painted. @param {number} seq */
  reportUnpainted(seq) {
    for (const result of this.results) {
      if (result.painted || result.seq >= seq) continue;
      result.painted = true;
      this.onReceipt(result.seq, result.tResultS, null);
    }
  }
}
