// @ts-check
/**
 * clock.js: this page's clock, and an estimate of its offset to the server's clock.
 *
 * Twin of livedance_lab/clock.py; both are tested against data/golden/clock.json. The four-timestamp exchange of NTP
 * (RFC 5905, section 8): an exchange can be wrong by at most half its round trip, so the one with the shortest round
 * trip among the recent ones is the estimate; of several with the same round trip the newest, because clocks drift.
 *
 * @typedef {{ offsetS: number, uncertaintyS: number }} ClockOffset
 *   Server clock minus this page's clock; the true offset differs by at most the uncertainty. NaN while unknown.
 */

/** Seconds of this page's monotonic clock. */
export function nowS() {
  return performance.now() / 1000;
}

export class OffsetEstimator {
  /** @param {number} [windowLength] recent exchanges considered; older ones are forgotten, to follow the drift */
  constructor(windowLength = 16) {
    this.windowLength = windowLength;
    /** @type {{ roundTripS: number, offsetS: number }[]} oldest first */
    this.exchanges = [];
  }

  /**
   * Add one exchange and return the new estimate. One with a negative round trip is ignored.
   * @param {number} t0S page clock: ping sent @param {number} t1S server clock: ping received
   * @param {number} t2S server clock: pong sent @param {number} t3S page clock: pong received
   * @returns {ClockOffset}
   */
  add(t0S, t1S, t2S, t3S) {
    const roundTripS = t3S - t0S - (t2S - t1S);
    if (roundTripS >= 0) {
      // negative if a clock was set during the exchange
      this.exchanges.push({ roundTripS, offsetS: (t1S - t0S + (t2S - t3S)) / 2 });
      if (this.exchanges.length > this.windowLength) this.exchanges.shift();
    }
    return this.best;
  }

  /** The estimate by the exchange with the shortest round trip; NaN before the first exchange. @returns {ClockOffset} */
  get best() {
    if (this.exchanges.length === 0) return { offsetS: NaN, uncertaintyS: NaN };
    const shortest = this.exchanges.reduce((a, b) => (b.roundTripS <= a.roundTripS ? b : a));
    return { offsetS: shortest.offsetS, uncertaintyS: shortest.roundTripS / 2 };
  }

  /**
   * The shortest round trip of the recent exchanges, seconds; NaN before the first exchange. It measures the network
   * alone, as `auto` pacing needs it: longer round trips include waits in a busy page, which pacing cannot avoid.
   */
  get roundTripS() {
    return 2 * this.best.uncertaintyS;
  }
}
