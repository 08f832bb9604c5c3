// @ts-check
/**
 * pacing.js: may this frame be sent? Credit by answers, so that nothing queues on the way.
 *
 * The server keeps only the newest frame, but it cannot empty what already waits in a socket. `paced` allows
 * only as many unanswered frames as the server can work on at once; `free` sends while answers keep coming; `auto`
 * is paced on short round trips, where pacing gives the youngest results, and free on longer ones, where waiting
 * for each answer would idle the server.
 * An answer (result or refusal) to frame n acknowledges every frame up to n: each overtaken frame would
 * otherwise leak a credit until nothing is sent any more.
 *
 * Pure: times are arguments.
 *
 * @typedef {"auto" | "paced" | "free"} Pacing
 */

/** Without any answer for this long, one more frame is sent: an answer may have been lost. */
const ESCAPE_S = 0.25;
/** `free` stops sending when the oldest unanswered frame is this old: the network is full, more would only queue. */
const CONGESTED_S = 1.0;
/** Round trips that switch `auto`; two, so that it does not flutter between. */
const PACED_BELOW_S = 0.006;
const FREE_ABOVE_S = 0.01;
/** `auto` leaves pacing only after this many exchanges: the first ones are slow on a page that is still loading. */
const LEAST_EXCHANGES = 4;

/**
 * How many frames may be unanswered when paced. A server near enough for pacing mostly shares this machine, and
 * the page needs one of its cores: on two cores a second frame on the way adds a fifth to the results and two
 * thirds to their age.
 * @param {number} poseLanes frames the server works on at once @param {number} cores of this machine
 */
export function pacedWindow(poseLanes, cores) {
  return Math.max(1, Math.min(poseLanes, cores - 1));
}

export class Pacer {
  /** @param {Pacing} [mode] @param {number} [bufferLimit] bytes the socket may still hold when a frame is added */
  constructor(mode = "auto", bufferLimit = 64 * 1024) {
    /** @type {Pacing} */
    this.mode = mode;
    this.bufferLimit = bufferLimit;
    /** @type {{ seq: number, tSendS: number }[]} oldest first */
    this.unanswered = [];
    this.autoPaced = true;
    this.exchanges = 0;
    this.window = 1;
    this.lastSendS = -Infinity;
  }

  /** What `auto` currently means. @returns {"paced" | "free"} */
  get effective() {
    if (this.mode === "auto") return this.autoPaced ? "paced" : "free";
    return this.mode;
  }

  /** @param {number} roundTripS NaN is ignored */
  observeRoundTrip(roundTripS) {
    this.exchanges += 1;
    if (roundTripS > FREE_ABOVE_S) this.autoPaced = this.exchanges < LEAST_EXCHANGES;
    else if (roundTripS < PACED_BELOW_S) this.autoPaced = true;
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
    this.exchanges = 0;
    return open;
  }
}
