// @ts-check
/**
 * interpolation.js: where is every keypoint at the moment of painting, between two results?
 *
 * Twin of livedance_lab/analysis/interpolation.py; both are held to data/golden/interpolation.json, so change
 * both or neither. Pure: no DOM, no clock, no network. Times are seconds of one monotonic clock; values are
 * flat arrays of pixels, NaN where not seen.
 *
 * @typedef {"interpolate" | "predict" | "latest"} Painting
 * @typedef {{ seq: number, tCaptureS: number, tResultS: number, values: Float32Array }} TimedValues
 */

/** Prediction never reaches further ahead than this: a joint's speed is stale after about a fifth of a second. */
export const MAX_AHEAD_S = 0.2;
/** Results further apart than this are a gap: nothing is drawn between them that was not there. */
export const MAX_SPAN_S = 0.5;

/**
 * Between two results; holds the newer one after its time.
 * @param {TimedValues} a older @param {TimedValues} b newer @param {number} tS in capture time
 */
export function interpolateAt(a, b, tS) {
  const spanS = b.tCaptureS - a.tCaptureS;
  if (!(spanS > 0 && spanS <= MAX_SPAN_S) || tS >= b.tCaptureS) return b.values;
  const w = Math.max(0, (tS - a.tCaptureS) / spanS);
  return b.values.map((newer, i) => {
    const older = a.values[i];
    if (older !== older) return newer; // NaN: it has just appeared
    return newer !== newer ? NaN : older + w * (newer - older);
  });
}

/**
 * Ahead of the newest result, by the speed between the last two.
 * @param {TimedValues} a older @param {TimedValues} b newer @param {number} tS in capture time
 */
export function predictAt(a, b, tS) {
  const spanS = b.tCaptureS - a.tCaptureS;
  if (!(spanS > 0 && spanS <= MAX_SPAN_S)) return b.values;
  const w = Math.min(Math.max(tS - b.tCaptureS, 0), MAX_AHEAD_S) / spanS;
  return b.values.map((newer, i) => {
    const older = a.values[i];
    return older !== older ? newer : newer + w * (newer - older);
  });
}

/**
 * The recent results, and what to paint now.
 *
 * `interpolate` looks back by the time a result takes plus the measured interval to the next one, so that there
 * is nearly always a newer result to move towards. That delay follows the measurements slowly: a sudden change
 * would show as a jerk.
 */
export class Timeline {
  constructor() {
    /** @type {TimedValues[]} oldest first */
    this.results = [];
    /** @type {number[]} what the look-back would have to be for each recent result */
    this.delaysS = [];
    this.delayS = NaN;
    this.lastNowS = NaN;
  }

  /** @param {TimedValues} result */
  push(result) {
    const last = this.results.at(-1);
    if (last && !(result.tCaptureS > last.tCaptureS)) return;
    if (last && result.tCaptureS - last.tCaptureS <= MAX_SPAN_S) {
      this.delaysS.push(result.tResultS - last.tCaptureS);
      if (this.delaysS.length > 12) this.delaysS.shift();
    }
    this.results.push(result);
    if (this.results.length > 8) this.results.shift();
  }

  /** Forget the past: a new session or a gap. */
  clear() {
    this.results = [];
    this.delaysS = [];
    this.delayS = NaN;
  }

  /**
   * @param {number} nowS @param {Painting} mode
   * @returns {{ values: Float32Array, seq: number, moving: boolean } | null} `seq`: the newest result that the
   *   picture has reached; `moving`: whether it will change again without a new result. Null before the first.
   */
  at(nowS, mode) {
    const newest = this.results.at(-1);
    if (!newest) return null;
    const before = this.results.at(-2);
    if (mode === "latest" || !before) return { values: newest.values, seq: newest.seq, moving: false };
    if (mode === "predict") {
      const moving = nowS - newest.tCaptureS < MAX_AHEAD_S;
      return { values: predictAt(before, newest, nowS), seq: newest.seq, moving };
    }
    const tS = nowS - this.lookBack(nowS);
    const [a, b] = this.around(tS);
    const reached = tS >= b.tCaptureS ? b : a;
    return { values: interpolateAt(a, b, tS), seq: reached.seq, moving: tS < newest.tCaptureS };
  }

  /** Where everything was at a moment of capture, as far as the recent results tell. @param {number} tS */
  valuesAt(tS) {
    if (this.results.length < 2) return this.results.at(-1)?.values ?? null;
    const [a, b] = this.around(tS);
    return interpolateAt(a, b, tS);
  }

  /** The two results with `tS` between them, or the nearest two. @param {number} tS */
  around(tS) {
    let i = this.results.length - 1;
    while (i > 1 && this.results[i - 1].tCaptureS >= tS) i -= 1;
    return [this.results[i - 1], this.results[i]];
  }

  /** @param {number} nowS @returns {number} seconds between a capture and its painting */
  lookBack(nowS) {
    if (this.delaysS.length === 0) return 0;
    const sorted = [...this.delaysS].sort((a, b) => a - b);
    const target = sorted[Math.floor(0.8 * (sorted.length - 1))]; // a few late results may hold the picture
    const dtS = Math.min(Math.max(nowS - this.lastNowS, 0), 0.1);
    this.lastNowS = nowS;
    this.delayS = Number.isNaN(this.delayS) ? target : this.delayS + (target - this.delayS) * Math.min(1, dtS / 0.5);
    return this.delayS;
  }
}
