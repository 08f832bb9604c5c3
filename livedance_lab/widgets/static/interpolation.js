// @ts-check
/**
 * interpolation.js: what to paint at time t from results that arrive late, at an uneven pace.
 *
 * Twin of livedance_lab/analysis/interpolation.py, which says why; both are held to
 * data/golden/interpolation.json, so change both or neither. Pure: no DOM, no clock, no network. Times are
 * seconds of one monotonic clock; values are flat arrays, usually pixels, NaN where not seen.
 *
 * @typedef {Object} ResultPainter
 * @property {(values: Float64Array, tS: number, arrivalS: number) => void} add a result: values, when captured, when
 *   arrived; one that is not newer is ignored
 * @property {(tS: number) => Float64Array | null} paint what to show at a time; null before the first result
 * @property {() => void} reset
 * @property {number} delayS how far in the past it shows; 0 for the present
 *
 * @typedef {{ tS: number, values: Float64Array }} Sample
 * @typedef {(samples: Sample[], right: number, w: number, i: number) => number} Curve value `i` at the fraction `w`
 *   of the segment from sample right - 1 to right
 */

import { KalmanCa } from "./kalman.js";

/** Between results further apart nothing is interpolated; after a pause this long a painter restarts. */
export const MAX_GAP_S = 0.25;
const REMEMBERED = 30;

/** @type {Curve} */
export function linear(samples, right, w, i) {
  const older = samples[right - 1].values[i];
  return older + w * (samples[right].values[i] - older);
}

/** Cubic Hermite; tangents of the parabola through three results. @type {Curve} */
export function hermite(samples, right, w, i) {
  const [a, b] = [samples[right - 1], samples[right]];
  const slope = b.values[i] - a.values[i];
  const spanS = b.tS - a.tS;
  /** @param {number} other @param {boolean} atLeft */
  const tangent = (other, atLeft) => {
    const beyond = samples[other];
    if (!beyond) return slope;
    const besideS = Math.abs(beyond.tS - (atLeft ? a : b).tS);
    if (besideS > MAX_GAP_S) return slope;
    const step = atLeft ? a.values[i] - beyond.values[i] : beyond.values[i] - b.values[i];
    const bent = (slope * besideS + ((step * spanS) / besideS) * spanS) / (besideS + spanS);
    return Number.isNaN(bent) ? slope : bent;
  };
  const [ma, mb] = [tangent(right - 2, true), tangent(right + 1, false)];
  const [w2, w3] = [w * w, w * w * w];
  return (
    (2 * w3 - 3 * w2 + 1) * a.values[i] + (w3 - 2 * w2 + w) * ma + (3 * w2 - 2 * w3) * b.values[i] + (w3 - w2) * mb
  );
}

/**
 * All values at a time. Before the first and after the last sample those are held; beside NaN and over a gap the
 * nearer neighbour counts.
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

/** Shows the newest result as it is. @implements {ResultPainter} */
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

/** Shows the past exactly, as little late as the results' pace allows. @implements {ResultPainter} */
class BufferedPainter {
  samples = /** @type {Sample[]} */ ([]);
  neededS = /** @type {number[]} */ ([]); // the delay that each recent result would have needed
  knownDelayS = NaN;
  paintedS = NaN;

  /** @param {Curve} curve */
  constructor(curve) {
    this.curve = curve;
  }

  reset() {
    this.samples = [];
    this.neededS = [];
    this.knownDelayS = NaN;
    this.paintedS = NaN;
  }

  get delayS() {
    return this.knownDelayS || 0;
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

  /** The 90th percentile of what was needed, changed by at most a tenth of the time that passes. @param {number} tS */
  followDelay(tS) {
    if (this.neededS.length === 0) return;
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

/** Shows the present: predicts to paint time and glides there. @implements {ResultPainter} */
class PredictivePainter {
  delayS = 0;
  addedS = -Infinity;
  paintedS = -Infinity;
  gone = /** @type {boolean[]} */ ([]);
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
    this.gone = [];
    this.shown = new Float64Array();
    this.velocity = new Float64Array();
  }

  /** @param {Float64Array} values @param {number} tS */
  add(values, tS) {
    if (!(tS > this.addedS)) return;
    this.filter.add(values, tS);
    this.gone = Array.from(values, Number.isNaN);
    this.addedS = tS;
  }

  /** @param {number} tS */
  paint(tS) {
    if (this.addedS === -Infinity) return null;
    if (tS <= this.paintedS) return this.shown;
    const { values, velocity } = this.filter.predict(tS, this.dampingS);
    const target = values.map((value, i) => (this.gone[i] ? NaN : value));
    const dtS = tS - this.paintedS;
    if (this.followS === 0 || dtS > MAX_GAP_S) [this.shown, this.velocity] = [target, velocity];
    else this.glide(target, velocity, dtS);
    this.paintedS = tS;
    return this.shown;
  }

  /**
   * One exact step of a critically damped spring towards a target that moves with `velocity`.
   * @param {Float64Array} target @param {Float64Array} velocity @param {number} dtS
   */
  glide(target, velocity, dtS) {
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

/** How far off what was on screen turned out to be, once the result of that very instant arrives. */
export class ShownError {
  /** @param {number} dimensions of one landmark @param {number} [keepS] how long paintings are remembered */
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
   * RMS distance over landmarks; NaN if nothing comparable was painted.
   * @param {number} tS when captured @param {Float64Array} values
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
 * @param {string} mode "interpolate" is short for "linear" @param {Record<string, number>} [params] of "predict"
 * @returns {ResultPainter}
 */
export function makePainter(mode, params) {
  switch (mode) {
    case "latest":
      return new LatestPainter();
    case "interpolate":
    case "linear":
      return new BufferedPainter(linear);
    case "hermite":
      return new BufferedPainter(hermite);
    case "predict":
      return new PredictivePainter(params);
    default:
      throw new RangeError(`there is no painter "${mode}"; the painters are latest, linear, hermite, predict.`);
  }
}
