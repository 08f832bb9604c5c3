// @ts-check
/**
 * pacing.js: may this frame be sent? Credit by answers, so that nothing queues on the way.
 *
 * The server keeps only the newest frame, but it cannot empty what already waits in a socket. `paced` allows
 * only as many unanswered frames as the server can work on at once; `free` sends while answers keep coming; `auto`
 * is paced where the server is behind and near: its rule, told in livedance_lab/client/pacing.py, is the Python
 * client's, and both are held to data/golden/pacing.json.
 * An answer (result or refusal) to frame n acknowledges every frame up to n: each overtaken frame would
 * otherwise leak a credit until nothing is sent any more.
 *
 * Pure: times are arguments.
 *
 * @typedef {"auto" | "paced" | "free"} Pacing
 * @typedef {{ round_trip_s: number, offered_hz: number, results_hz: number, server_s: number, window: number }} Measured
 *   One second of a stream; NaN where unknown. `offered_hz`: frames that could be sent (the encoder free);
 *   `server_s`: median time from a frame's arrival to its result's leaving.
 */

/** Without any answer for this long, one more frame is sent: an answer may have been lost. */
const ESCAPE_S = 0.25;
/** `free` stops sending when the oldest unanswered frame is this old: the network is full, more would only queue. */
const CONGESTED_S = 1.0;
/**
 * How many frames may be unanswered when paced. A server near enough for pacing mostly shares this machine, and
 * the page needs one of its cores: on two cores a second frame on the way adds a fifth to the results and two
 * thirds to their age.
 * @param {number} poseLanes frames the server works on at once @param {number} cores of this machine
 */
export function pacedWindow(poseLanes, cores) {
  return Math.max(1, Math.min(poseLanes, cores - 1));
}

const LOOK_EVERY_S = 1;
/** Round trip, in intervals between frames. */
const PACED_BELOW = 0.3;
const FREE_ABOVE = 0.5;
/** Age of the newest result, in those of running free. */
const OLDER_ABOVE = 1.05;
const OLDER = "results are older than without";
/** Frames offered for each that the server can take. */
const BEHIND_ABOVE = 1.25;
const KEEPS_UP_BELOW = 1.1;
/** Looks in a row that must ask for a switch. */
const LOOKS = 2;
/** After a switch, none for this long; doubled with each. */
const HOLD_S = { first: 5, longest: 80 };

/** @param {Measured} seen @param {boolean} paced @returns {number} */
export function loadOf(seen, paced) {
  if (paced) return (seen.offered_hz * seen.server_s) / seen.window; // nothing waits in the slot: it is all work
  return seen.results_hz > 0 ? seen.offered_hz / seen.results_hz : NaN;
}

/** Averaged over time, without the way: a result's age and half the interval. @param {Measured} seen @returns {number} */
function newestAgeOf(seen) {
  return seen.results_hz > 0 ? seen.server_s + 0.5 / seen.results_hz : NaN;
}

/** The rule of `auto`, with two thresholds each and some patience, so that it does not flutter. */
export class AutoPacing {
  constructor() {
    this.paced = false;
    /** Age of the newest result as it was before pacing. */
    this.freeAgeS = Infinity;
    this.looks = 0;
    this.holdS = HOLD_S.first;
    this.heldUntilS = -Infinity;
  }

  /** Judge one more second. @param {number} nowS @param {Measured} seen @returns {string} why it switched, or empty */
  look(nowS, seen) {
    const reason = this.reasonToSwitch(seen);
    this.looks = reason ? this.looks + 1 : 0;
    if (this.looks < LOOKS || (nowS < this.heldUntilS && reason !== OLDER)) return "";
    if (reason === OLDER) this.holdS = HOLD_S.longest; // it does harm: leave it at once, and for long
    this.paced = !this.paced;
    this.looks = 0;
    this.heldUntilS = nowS + this.holdS;
    this.holdS = Math.min(2 * this.holdS, HOLD_S.longest);
    return reason;
  }

  /** @param {Measured} seen @returns {string} empty where nothing speaks for it, or too little is known */
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

/** @param {number[]} values @returns {number} NaN of none */
function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export class Pacer {
  /** @param {Pacing} [mode] @param {number} [bufferLimit] bytes the socket may still hold when a frame is added */
  constructor(mode = "auto", bufferLimit = 64 * 1024) {
    /** @type {Pacing} */
    this.mode = mode;
    this.bufferLimit = bufferLimit;
    /** @type {{ seq: number, tSendS: number }[]} oldest first */
    this.unanswered = [];
    this.auto = new AutoPacing();
    this.window = 1;
    this.lastSendS = -Infinity;
    this.sinceS = NaN;
    this.offeredSince = 0;
    /** @type {number[]} server times of the results since then */
    this.serverSinceS = [];
  }

  /** What `auto` currently means. @returns {"paced" | "free"} */
  get effective() {
    if (this.mode === "auto") return this.auto.paced ? "paced" : "free";
    return this.mode;
  }

  /** One more frame could be sent; pacing may hold it back. */
  offered() {
    this.offeredSince += 1;
  }

  /** One more result came. @param {number} serverS from its frame's arrival to its leaving */
  result(serverS) {
    this.serverSinceS.push(serverS);
  }

  /**
   * Judge when a second is over.
   * @param {number} nowS @param {number} roundTripS @returns {Record<string, any> | null} what the log should know
   */
  look(nowS, roundTripS) {
    if (Number.isNaN(this.sinceS)) this.sinceS = nowS;
    const elapsedS = nowS - this.sinceS;
    if (elapsedS < LOOK_EVERY_S) return null;
    const seen = {
      round_trip_s: roundTripS,
      offered_hz: this.offeredSince / elapsedS,
      results_hz: this.serverSinceS.length / elapsedS,
      server_s: medianOf(this.serverSinceS),
      window: this.window,
    };
    [this.sinceS, this.offeredSince, this.serverSinceS] = [nowS, 0, []];
    if (this.mode !== "auto") return null;
    const load = loadOf(seen, this.auto.paced);
    const reason = this.auto.look(nowS, seen);
    return reason ? { type: "pacing", to: this.effective, reason, ...seen, load } : null;
  }

  /** @param {number} nowS @param {number} bufferedBytes what the socket has not passed on yet */
  maySend(nowS, bufferedBytes) {
    if (bufferedBytes > this.bufferLimit) return false;
    if (this.unanswered.length < this.window) return true;
    if (nowS - this.lastSendS >= ESCAPE_S) return true;
    return this.effective === "free" && nowS - this.unanswered[0].tSendS < CONGESTED_S;
  }

  /** @param {number} seq @param {number} nowS */
  sent(seq, nowS) {
    this.unanswered.push({ seq, tSendS: nowS });
    this.lastSendS = nowS;
  }

  /** Frame `seq` was answered, and with it every older one. @param {number} seq */
  acknowledge(seq) {
    this.unanswered = this.unanswered.filter((frame) => frame.seq > seq);
  }

  /** A new connection owes nothing. @returns {number[]} the frames whose end is not known */
  reset() {
    const open = this.unanswered.map((frame) => frame.seq);
    this.unanswered = [];
    this.lastSendS = -Infinity;
    return open;
  }
}
