// @ts-check
/**
 * interpolation.js: painters: which values to draw at time t, from results that arrive late and at uneven intervals.
 *
 * Twin of livedance_lab/analysis/interpolation.py, which explains the modes; both are tested with
 * data/golden/interpolation.json, so change both or neither. Times are arguments, in seconds of one monotonic clock;
 * values are flat arrays, usually pixels, NaN where not seen.
 *
 * @typedef {Object} Painter
 * @property {(values: Float64Array, tS: number, arrivalS: number) => void} add a result: values, capture time, arrival
 *   time; ignored if it is not newer
 * @property {(tS: number) => Float64Array | null} paint the values to draw at a time; null before the first result
 * @property {() => void} reset
 * @property {number} delayS age of what is drawn; 0 if it is extrapolated to the present
 *
 * @typedef {{ tS: number, values: Float64Array }} Sample
 * @typedef {(samples: Sample[], right: number, w: number, i: number) => number} Curve value `i` at the fraction `w`
 *   of the segment from sample right - 1 to right
 */

import { KalmanCa } from "./kalman.js";

/** Longest gap between results that is interpolated; after a longer pause a painter restarts. */
export const MAX_GAP_S = 0.25;
const REMEMBERED = 30;

/** @type {Curve} */
export function linear(samples, right, w, i) {
  const older = samples[right - 1].values[i];
  return older + w * (samples[right].values[i] - older);
}

/** Cubic Hermite curve; the tangents are those of the parabola through three results. @type {Curve} */
export function hermite(samples, right, w, i) {
  const [a, b] = [samples[right - 1], samples[right]];
  const slope = b.values[i] - a.values[i];
  const spanS = b.tS - a.tS;
  /** @param {number} other @param {boolean} atLeft */
  const tangentAt = (other, atLeft) => {
    const next = samples[other];
    if (!next) return slope;
    const nextSpanS = Math.abs(next.tS - (atLeft ? a : b).tS);
    if (nextSpanS > MAX_GAP_S) return slope;
    const step = atLeft ? a.values[i] - next.values[i] : next.values[i] - b.values[i];
    const tangent = (slope * nextSpanS + ((step * spanS) / nextSpanS) * spanS) / (nextSpanS + spanS);
    return Number.isNaN(tangent) ? slope : tangent;
  };
  const [ma, mb] = [tangentAt(right - 2, true), tangentAt(right + 1, false)];
  const [w2, w3] = [w * w, w * w * w];
  return (
    (2 * w3 - 3 * w2 + 1) * a.values[i] + (w3 - 2 * w2 + w) * ma + (3 * w2 - 2 * w3) * b.values[i] + (w3 - w2) * mb
  );
}

/**
 * Interpolate all values. Before the first and after the last sample, that sample is returned; next to NaN and in a
 * gap, the value of the nearer neighbour.
 * @param {Sample[]} samples at least one @param {number} tS @param {Curve} curve
 */
export function valuesAt(samples, tS, curve) {
  const right = samples.findIndex((sample) => sample.tS > tS);
  if (right <= 0) return samples.at(right === 0 ? 0 : -1)?.values ?? new Float64Array();
  const [older, newer] = [samples[right - 1], samples[right]];
  const spanS = newer.tS - older.tS;
  const w = (tS - older.tS) / spanS;
  const nearer = (w < 0.5 ? older : newer).values;
  if (spanS > MAX_GAP_S) return nearer;
  return nearer.map((held, i) =>
    Number.isNaN(older.values[i]) || Number.isNaN(newer.values[i]) ? held : curve(samples, right, w, i),
  );
}

/** Draws the newest result unchanged. @implements {Painter} */
class LatestPainter {
  delayS = 0;
  tS = -Infinity;
  values = /** @type {Float64Array | null} */ (null);

  reset() {
    this.tS = -Infinity;
    this.values = null;
  }

  /** @param {Float64Array} values @param {number} tS */
  add(values, tS) {
    if (tS > this.tS) [this.tS, this.values] = [tS, values];
  }

  paint() {
    return this.values;
  }
}

/** Interpolates between results, with the smallest delay their arrival times allow. @implements {Painter} */
class BufferedPainter {
  samples = /** @type {Sample[]} */ ([]);
  neededS = /** @type {number[]} */ ([]); // the delay that each of the recent results needed
  knownDelayS = NaN;
  paintedS = NaN;

  /** @param {Curve} curve @param {Painter} [timing] whose delay is used, so that several painters show the same time */
  constructor(curve, timing) {
    this.curve = curve;
    this.timing = timing;
  }

  reset() {
    this.samples = [];
    this.neededS = [];
    this.knownDelayS = NaN;
    this.paintedS = NaN;
  }

  get delayS() {
    return this.timing ? this.timing.delayS : this.knownDelayS || 0;
  }

  /** @param {Float64Array} values @param {number} tS @param {number} arrivalS */
  add(values, tS, arrivalS) {
    const before = this.samples.at(-1);
    if (before) {
      if (!(tS > before.tS)) return;
      if (tS - before.tS <= MAX_GAP_S) this.neededS.push(arrivalS - before.tS);
    }
    this.samples.push({ tS, values });
    for (const list of [this.samples, this.neededS]) if (list.length > REMEMBERED) list.shift();
  }

  /** @param {number} tS */
  paint(tS) {
    if (this.samples.length === 0) return null;
    this.followDelay(tS);
    return valuesAt(this.samples, tS - this.delayS, this.curve);
  }

  /** Follow the 90th percentile of the needed delays by at most a tenth of the elapsed time. @param {number} tS */
  followDelay(tS) {
    if (this.timing || this.neededS.length === 0) return;
    const ranked = [...this.neededS].sort((a, b) => a - b);
    const neededS = ranked[Math.ceil(0.9 * ranked.length) - 1];
    if (Number.isNaN(this.knownDelayS)) {
      this.knownDelayS = neededS;
    } else {
      const mostS = 0.1 * Math.max(tS - this.paintedS, 0);
      this.knownDelayS += Math.min(Math.max(neededS - this.knownDelayS, -mostS), mostS);
    }
    this.paintedS = tS;
  }
}

/** Extrapolates to paint time and follows the extrapolation smoothly. @implements {Painter} */
class PredictivePainter {
  delayS = 0;
  addedS = -Infinity;
  paintedS = -Infinity;
  missing = /** @type {boolean[]} */ ([]);
  shown = new Float64Array();
  velocity = new Float64Array();

  /** @param {{ follow_s?: number, damping_s?: number, jerk_noise?: number }} [params] */
  constructor({ follow_s = 0.016, damping_s = 0.045, jerk_noise = 150 } = {}) {
    this.followS = follow_s;
    this.dampingS = damping_s;
    this.filter = new KalmanCa(jerk_noise, MAX_GAP_S);
  }

  reset() {
    this.filter.reset();
    this.addedS = -Infinity;
    this.paintedS = -Infinity;
    this.missing = [];
    this.shown = new Float64Array();
    this.velocity = new Float64Array();
  }

  /** @param {Float64Array} values @param {number} tS */
  add(values, tS) {
    if (!(tS > this.addedS)) return;
    this.filter.add(values, tS);
    this.missing = Array.from(values, Number.isNaN);
    this.addedS = tS;
  }

  /** @param {number} tS */
  paint(tS) {
    if (this.addedS === -Infinity) return null;
    if (tS <= this.paintedS) return this.shown;
    const { values, velocity } = this.filter.predict(tS, this.dampingS);
    const target = values.map((value, i) => (this.missing[i] ? NaN : value));
    const dtS = tS - this.paintedS;
    if (this.followS === 0 || dtS > MAX_GAP_S) [this.shown, this.velocity] = [target, velocity];
    else this.follow(target, velocity, dtS);
    this.paintedS = tS;
    return this.shown;
  }

  /**
   * Make one exact step of a critically damped spring towards a target that moves with `velocity`.
   * @param {Float64Array} target @param {Float64Array} velocity @param {number} dtS
   */
  follow(target, velocity, dtS) {
    const w = 1 / this.followS;
    const decay = Math.exp(-w * dtS);
    const before = this.shown;
    this.shown = new Float64Array(target);
    target.forEach((goal, i) => {
      const error = before[i] - (goal - velocity[i] * dtS);
      const pull = this.velocity[i] - velocity[i] + w * error;
      const shown = goal + (error + pull * dtS) * decay;
      const appears = Number.isNaN(shown);
      this.shown[i] = appears ? goal : shown;
      this.velocity[i] = appears
        ? velocity[i]
        : velocity[i] + (this.velocity[i] - velocity[i] - w * pull * dtS) * decay;
    });
  }
}

/** The error of what was on screen, measured when the result of that instant arrives. */
export class ShownError {
  /** @param {number} dimensions of one landmark @param {number} [keepS] how long painted values are kept */
  constructor(dimensions, keepS = 1) {
    this.dimensions = dimensions;
    this.keepS = keepS;
    /** @type {Sample[]} */
    this.paintings = [];
  }

  /** @param {number} tS @param {Float64Array} values */
  painted(tS, values) {
    const last = this.paintings.at(-1);
    if (last && tS <= last.tS) return;
    this.paintings.push({ tS, values });
    while (this.paintings[0].tS < tS - this.keepS) this.paintings.shift();
  }

  /**
   * Return the RMS distance over landmarks; NaN if nothing was painted around that time.
   * @param {number} tS capture time @param {Float64Array} values
   */
  compare(tS, values) {
    const right = this.paintings.findIndex((painting) => painting.tS >= tS);
    if (right <= 0) return NaN;
    const [older, newer] = [this.paintings[right - 1], this.paintings[right]];
    if (newer.tS - older.tS > MAX_GAP_S) return NaN;
    const w = (tS - older.tS) / (newer.tS - older.tS);
    let [sum, seen] = [0, 0];
    for (let k = 0; k < values.length; k += this.dimensions) {
      let square = 0;
      for (let i = k; i < k + this.dimensions; i += 1) {
        square += (values[i] - (older.values[i] + w * (newer.values[i] - older.values[i]))) ** 2;
      }
      if (!Number.isNaN(square)) [sum, seen] = [sum + square, seen + 1];
    }
    return seen ? Math.sqrt(sum / seen) : NaN;
  }
}

/**
 * @param {string} mode "interpolate" is an alias of "linear" @param {Record<string, number>} [params] of "predict"
 * @param {Painter} [timing] a painter of the same results, whose delay is used
 * @returns {Painter}
 */
export function makePainter(mode, params, timing) {
  switch (mode) {
    case "latest":
      return new LatestPainter();
    case "interpolate":
    case "linear":
      return new BufferedPainter(linear, timing);
    case "hermite":
      return new BufferedPainter(hermite, timing);
    case "predict":
      return new PredictivePainter(params);
    default:
      throw new RangeError(`there is no painter "${mode}"; the painters are latest, linear, hermite, predict.`);
  }
}
