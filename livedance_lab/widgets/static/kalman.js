// @ts-check
/**
 * kalman.js: a Kalman filter with constant acceleration for many independent numbers.
 *
 * Twin of `KalmanCa` in livedance_lab/analysis/filters/kalman.py, which names the sources; both are tested with the
 * "predict" cases of data/golden/interpolation.json. Times are seconds; NaN (not seen) leaves a number's state unchanged.
 */

const MEASUREMENT_NOISE = 0.01;
const FIRST_SPEED = 1;
const FIRST_ACCELERATION = 10;

/** Round to microseconds, so that a clock with another origin gives the same numbers. @param {number} s */
const toMicroseconds = (s) => Math.round(s * 1e6) / 1e6;

/** The state of one number: x, v, a, then the upper half of the covariance. */
class Axis {
  seenS = NaN;
  x = NaN;
  v = 0;
  a = 0;
  xx = 0;
  xv = 0;
  xa = 0;
  vv = 0;
  va = 0;
  aa = 0;

  /** @param {number} x */
  start(x) {
    [this.x, this.v, this.a] = [x, 0, 0];
    [this.xx, this.xv, this.xa] = [MEASUREMENT_NOISE ** 2, 0, 0];
    [this.vv, this.va, this.aa] = [FIRST_SPEED ** 2, 0, FIRST_ACCELERATION ** 2];
  }

  /** @param {number} measured @param {number} dt seconds since last seen @param {number} q jerk noise, squared */
  advance(measured, dt, q) {
    const half = (dt * dt) / 2;
    // F P F' with F = [[1, dt, dt²/2], [0, 1, dt], [0, 0, 1]], row by row, then + Q
    const rowXv = this.xv + dt * this.vv + half * this.va;
    const rowXa = this.xa + dt * this.va + half * this.aa;
    const rowVa = this.va + dt * this.aa;
    const xx = this.xx + dt * this.xv + half * this.xa + dt * rowXv + half * rowXa + (q * half * half * dt) / 5;
    const xv = rowXv + dt * rowXa + (q * half * half) / 2;
    const xa = rowXa + (q * half * dt) / 3;
    const vv = this.vv + dt * this.va + dt * rowVa + (q * half * dt * 2) / 3;
    const va = rowVa + q * half;
    const aa = this.aa + q * dt;
    const s = xx + MEASUREMENT_NOISE ** 2;
    const [kx, kv, ka] = [xx / s, xv / s, xa / s];
    const expected = this.x + this.v * dt + this.a * half;
    const innovation = measured - expected;
    this.x = expected + kx * innovation;
    this.v += this.a * dt + kv * innovation;
    this.a += ka * innovation;
    [this.xx, this.xv, this.xa] = [(1 - kx) * xx, (1 - kx) * xv, (1 - kx) * xa];
    [this.vv, this.va, this.aa] = [vv - kv * xv, va - kv * xa, aa - ka * xa];
  }
}

export class KalmanCa {
  axes = /** @type {Axis[]} */ ([]);
  tS = NaN;

  /** @param {number} jerkNoise @param {number} gapResetS a number that was missing for longer restarts */
  constructor(jerkNoise, gapResetS) {
    this.q = jerkNoise ** 2;
    this.gapResetS = gapResetS;
  }

  reset() {
    this.axes = [];
    this.tS = NaN;
  }

  /** Add values; ignored if they are not newer. @param {Float64Array} values @param {number} tS */
  add(values, tS) {
    if (this.axes.length !== values.length) this.axes = Array.from(values, () => new Axis());
    else if (Math.round((tS - this.tS) * 1e6) < 1) return;
    this.tS = tS;
    values.forEach((x, i) => {
      if (x !== x) return; // NaN
      const axis = this.axes[i];
      const dtS = toMicroseconds(tS - axis.seenS);
      if (dtS <= this.gapResetS) axis.advance(x, dtS, this.q);
      else axis.start(x);
      axis.seenS = tS;
    });
  }

  /**
   * Extrapolate values and velocities to a later time; a horizon of t is shortened to
   * dampingS (1 - exp(-t / dampingS)). NaN for numbers that were never seen.
   * @param {number} tS @param {number} dampingS
   */
  predict(tS, dampingS) {
    const values = new Float64Array(this.axes.length);
    const velocity = new Float64Array(this.axes.length);
    this.axes.forEach((axis, i) => {
      const decay = Math.exp(-Math.max(toMicroseconds(tS - axis.seenS), 0) / dampingS);
      const aheadS = dampingS * (1 - decay);
      values[i] = axis.x + axis.v * aheadS + (axis.a * aheadS ** 2) / 2;
      velocity[i] = (axis.v + axis.a * aheadS) * decay;
    });
    return { values, velocity };
  }
}
