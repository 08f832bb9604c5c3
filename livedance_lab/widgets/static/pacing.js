// @ts-check
/**
 * pacing.js: when `auto` pacing limits the unanswered frames.
 *
 * Twin of livedance_lab/client/pacing.py, which explains the rule; both are tested with data/golden/pacing.json, so
 * change both or neither. Times are arguments.
 *
 * @typedef {{ round_trip_s: number, offered_hz: number, results_hz: number, server_s: number, window: number }} Measured
 *   One second of a stream; NaN where unknown. `offered_hz`: frames per second that could be sent (the encoder was
 *   free); `server_s`: median time from a frame's arrival at the server to the sending of its result.
 */

const JUDGE_EVERY_S = 1;
/** Thresholds of the round trip, in intervals between frames. */
const PACED_BELOW = 0.3;
const FREE_ABOVE = 0.5;
/** Threshold of the newest result's age, relative to its age without pacing. */
const OLDER_ABOVE = 1.05;
const OLDER = "results are older than without";
/** Thresholds of the load. */
const BEHIND_ABOVE = 1.25;
const KEEPS_UP_BELOW = 1.1;
/** Number of consecutive measurements that must ask for a switch. */
const SECONDS_TO_SWITCH = 2;
/** Time without another switch after one; doubled with each switch. */
const HOLD_S = { first: 5, longest: 80 };

/** Number of frames offered per frame that the server can process. @param {Measured} seen @param {boolean} paced */
export function loadOf(seen, paced) {
  if (paced) return (seen.offered_hz * seen.server_s) / seen.window; // no frame waits, so that all time is work
  return seen.results_hz > 0 ? seen.offered_hz / seen.results_hz : NaN;
}

/**
 * Age of the newest result, averaged over time, without the network: the age of a result plus half the interval.
 * @param {Measured} seen
 */
function newestAgeOf(seen) {
  return seen.results_hz > 0 ? seen.server_s + 0.5 / seen.results_hz : NaN;
}

/** Switches between free and paced with hysteresis: two thresholds and a hold time. */
export class AutoPacing {
  constructor() {
    this.paced = false;
    this.freeAgeS = Infinity; // age of the newest result before pacing
    this.seconds = 0;
    this.holdS = HOLD_S.first;
    this.heldUntilS = -Infinity;
  }

  /** Evaluate one more second. @param {number} nowS @param {Measured} seen @returns {string} why it switched, or "" */
  judge(nowS, seen) {
    const reason = this.reasonToSwitch(seen);
    this.seconds = reason ? this.seconds + 1 : 0;
    if (this.seconds < SECONDS_TO_SWITCH || (nowS < this.heldUntilS && reason !== OLDER)) return "";
    if (reason === OLDER) this.holdS = HOLD_S.longest; // pacing does harm: leave it at once, and for long
    this.paced = !this.paced;
    this.seconds = 0;
    this.heldUntilS = nowS + this.holdS;
    this.holdS = Math.min(2 * this.holdS, HOLD_S.longest);
    return reason;
  }

  /** @param {Measured} seen @returns {string} "" if there is no reason, or too little is known */
  reasonToSwitch(seen) {
    const roundTrips = seen.round_trip_s * seen.offered_hz;
    const load = loadOf(seen, this.paced);
    if (!this.paced) {
      this.freeAgeS = newestAgeOf(seen);
      return roundTrips < PACED_BELOW && load > BEHIND_ABOVE ? "frames are overtaken, the round trip is short" : "";
    }
    if (roundTrips > FREE_ABOVE) return "the round trip is long";
    if (newestAgeOf(seen) > OLDER_ABOVE * this.freeAgeS) return OLDER;
    return load < KEEPS_UP_BELOW ? "the server keeps up" : "";
  }
}

/** Measures what `AutoPacing` decides by. */
export class PacingGauge {
  constructor() {
    this.auto = new AutoPacing();
    this.sinceS = NaN;
    this.offeredSince = 0;
    /** @type {number[]} server times of the results since then */
    this.serverS = [];
  }

  /** Count a frame that could be sent; pacing may hold it back. */
  offered() {
    this.offeredSince += 1;
  }

  /** Count a result. @param {number} serverS from its frame's arrival to its sending */
  result(serverS) {
    this.serverS.push(serverS);
  }

  /** Start a new measurement. @param {number} nowS */
  restart(nowS) {
    [this.sinceS, this.offeredSince, this.serverS] = [nowS, 0, []];
  }

  /**
   * Evaluate the measurement when a second is over.
   * @param {number} nowS @param {number} roundTripS @param {number} window
   * @returns {Record<string, any> | null} the wire's "pacing" message if it switched
   */
  judge(nowS, roundTripS, window) {
    if (Number.isNaN(this.sinceS)) this.sinceS = nowS;
    const elapsedS = nowS - this.sinceS;
    if (elapsedS < JUDGE_EVERY_S) return null;
    const seen = {
      round_trip_s: roundTripS,
      offered_hz: this.offeredSince / elapsedS,
      results_hz: this.serverS.length / elapsedS,
      server_s: medianOf(this.serverS),
      window,
    };
    this.restart(nowS);
    const load = loadOf(seen, this.auto.paced);
    const reason = this.auto.judge(nowS, seen);
    return reason ? { type: "pacing", to: this.auto.paced ? "paced" : "free", reason, ...seen, load } : null;
  }
}

/** @param {number[]} values @returns {number} NaN if there are none */
function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
