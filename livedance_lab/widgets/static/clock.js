// @ts-check
/**
 * clock.js: this page's clock, and how the server's differs from it.
 *
 * Twin of livedance_lab/clock.py: the four-timestamp exchange of NTP (RFC 5905, section 8). An exchange can
 * be wrong by at most half its round trip, so the quickest of the recent ones is the estimate.
 *
 * @typedef {{ offsetS: number, uncertaintyS: number }} ClockOffset
 *   Server clock minus this page's; the truth lies within ± the uncertainty. NaN while unknown.
 */

/** Seconds of this page's monotonic clock. */
export function nowS() {
  return performance.now() / 1000;
}

export class OffsetEstimator {
  /** @param {number} [windowLength] exchanges remembered, so that drift is followed */
  constructor(windowLength = 16) {
    this.windowLength = windowLength;
    /** @type {{ roundTripS: number, offsetS: number }[]} */
    this.exchanges = [];
  }

  /**
   * @param {number} t0S page clock: ping sent @param {number} t1S server clock: ping received
   * @param {number} t2S server clock: pong sent @param {number} t3S page clock: pong received
   * @returns {ClockOffset}
   */
  add(t0S, t1S, t2S, t3S) {
    const roundTripS = t3S - t0S - (t2S - t1S);
    if (roundTripS >= 0) {
      // a negative one means a clock was stepped in between
      this.exchanges.push({ roundTripS, offsetS: (t1S - t0S + (t2S - t3S)) / 2 });
      if (this.exchanges.length > this.windowLength) this.exchanges.shift();
    }
    return this.best;
  }

  /** @returns {ClockOffset} */
  get best() {
    if (this.exchanges.length === 0) return { offsetS: NaN, uncertaintyS: NaN };
    const quickest = this.exchanges.reduce((a, b) => (b.roundTripS < a.roundTripS ? b : a));
    return { offsetS: quickest.offsetS, uncertaintyS: quickest.roundTripS / 2 };
  }

  /** Shortest round trip of the window: the network alone, without a busy page's waiting. NaN before the first. */
  get roundTripS() {
    return 2 * this.best.uncertaintyS;
  }
}
