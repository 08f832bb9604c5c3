// @ts-check
/**
 * painter.js: results in, moving skeleton out, at the display's own rate.
 *
 * Body values travel through the interpolation as one array: pixels (33, 3), visibility (33), angles.
 * Hands are looked at less often than the body. Drawn where they were seen they would trail behind the arms, so
 * their shape is kept relative to the body's wrist of that moment, and drawn on the wrist of this one.
 */

import { nowS } from "./clock.js";
import { Timeline } from "./interpolation.js";
import { drawScene, fitCanvas } from "./overlay.js";

const PX = 99;
const VISIBILITY_END = 132;
/** Numbers that change faster than this cannot be read. */
const LABEL_HOLD_S = 0.12;
const WRISTS = [15, 16]; // left, right: the order of the hands

/**
 * Hands moved by the place of the body's wrists.
 * @param {Float32Array} handsPx (2, 21, 3) @param {Float32Array} body @param {1 | -1} sign
 */
function onWrists(handsPx, body, sign) {
  return handsPx.map((value, i) => {
    const axis = i % 3;
    return axis === 2 ? value : value + sign * body[3 * WRISTS[i < 63 ? 0 : 1] + axis];
  });
}

export class Painter {
  /**
   * @param {HTMLCanvasElement} canvas @param {import("./readings.js").Readings} readings
   * @param {() => { painting: import("./interpolation.js").Painting, mirror: boolean, showAngles: boolean }} options
   * @param {(seq: number, tResultS: number, tPaintS: number | null) => void} onReceipt
   */
  constructor(canvas, readings, options, onReceipt) {
    this.canvas = canvas;
    this.ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.readings = readings;
    this.options = options;
    this.onReceipt = onReceipt;
    this.body = new Timeline();
    this.hands = new Timeline();
    /** @type {string[]} */
    this.angleNames = [];
    this.sourceSizePx = [0, 0];
    /** @type {{ seq: number, tResultS: number }[]} results that were not painted yet */
    this.unpainted = [];
    this.handle = 0;
    this.stale = true;
    this.labels = { untilS: -Infinity, values: /** @type {Float32Array | null} */ (null) };
  }

  get painting() {
    return this.handle !== 0;
  }

  start() {
    if (!this.painting) this.handle = requestAnimationFrame(() => this.paint());
  }

  stop() {
    cancelAnimationFrame(this.handle);
    this.handle = 0;
    this.overtaken(Infinity);
  }

  /** Draw again though nothing moved: another size, another look. */
  refresh() {
    this.stale = true;
  }

  clear() {
    this.overtaken(Infinity);
    this.body.clear();
    this.hands.clear();
    this.stale = true;
  }

  /**
   * @param {import("./wire.js").Result} result @param {Map<number, import("./producer.js").Sent>} sent
   * @param {number} tResultS
   */
  push(result, sent, tResultS) {
    const times = sent.get(result.seq);
    if (!times) return; // a frame of an earlier page: its capture time is not known here
    this.sourceSizePx = [result.widthPx, result.heightPx];
    this.unpainted.push({ seq: result.seq, tResultS });
    const values = new Float32Array(VISIBILITY_END + result.anglesDeg.length).fill(NaN);
    if (result.pose) {
      values.set(result.pose.px);
      values.set(result.pose.visibility, PX);
      values.set(result.anglesDeg, VISIBILITY_END);
    }
    this.body.push({ seq: result.seq, tCaptureS: times.tCaptureS, tResultS, values });
    const handTimes = result.hands && sent.get(result.hands.seq);
    if (result.hands && handTimes) {
      const bodyThen = this.body.valuesAt(handTimes.tCaptureS) ?? values;
      const shape = onWrists(result.hands.px, bodyThen, -1);
      this.hands.push({ seq: result.hands.seq, tCaptureS: handTimes.tCaptureS, tResultS, values: shape });
    } else {
      this.hands.clear();
    }
    this.stale = true;
  }

  paint() {
    this.handle = requestAnimationFrame(() => this.paint());
    const tS = nowS();
    const options = this.options();
    const body = this.body.at(tS, options.painting);
    if (!this.stale && !body?.moving) return; // the same picture again would be no new one
    const hands = this.hands.at(tS, options.painting);
    fitCanvas(this.canvas, Math.min(devicePixelRatio, 2));
    const [widthPx, heightPx] = this.sourceSizePx;
    const scene = {
      px: body && body.values.subarray(0, PX),
      visibility: body && body.values.subarray(PX, VISIBILITY_END),
      handsPx: hands && body && onWrists(hands.values, body.values, 1),
      angleNames: this.angleNames,
      anglesDeg: body && this.heldLabels(tS, body.values.subarray(VISIBILITY_END)),
      mirror: options.mirror,
      showAngles: options.showAngles,
    };
    drawScene(this.ctx, scene, widthPx, heightPx);
    this.stale = false;
    const doneS = nowS();
    this.readings.onWork(tS, 1000 * (doneS - tS));
    if (!body) return;
    this.readings.onPainted(doneS);
    this.reached(body.seq, doneS);
  }

  /** @param {number} tS @param {Float32Array} values */
  heldLabels(tS, values) {
    if (tS >= this.labels.untilS) this.labels = { untilS: tS + LABEL_HOLD_S, values };
    return this.labels.values;
  }

  /** The picture has reached result `seq`. @param {number} seq @param {number} tPaintS */
  reached(seq, tPaintS) {
    this.overtaken(seq);
    const first = this.unpainted[0];
    if (first?.seq === seq) {
      this.unpainted.shift();
      this.onReceipt(seq, first.tResultS, tPaintS);
    }
  }

  /** Results before `seq` will never be painted: a newer one was. @param {number} seq */
  overtaken(seq) {
    while (this.unpainted.length && this.unpainted[0].seq < seq) {
      const { seq: passed, tResultS } = /** @type {{ seq: number, tResultS: number }} */ (this.unpainted.shift());
      this.onReceipt(passed, tResultS, null);
    }
  }
}
