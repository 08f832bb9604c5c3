// @ts-check
/**
 * frame_credit.js: which frames are unanswered, and whether another one may be sent.
 *
 * Twin of livedance_lab/client/frame_credit.py. The server keeps only the newest frame, but it cannot remove what
 * already queues in the socket, so the producer limits its unanswered frames. `paced` allows only as many as the
 * server works on at once; `free` sends as long as answers arrive; `auto` switches between them (pacing.js). A result
 * or refusal of frame n answers all frames up to n, so that dropped frames never use up the credit.
 *
 * @typedef {"auto" | "paced" | "free"} Pacing
 */

import { PacingGauge } from "./pacing.js";

/** After this time without an answer one more frame is sent, because an answer may have been lost. */
const ESCAPE_S = 0.25;
/** `free` stops sending when the oldest unanswered frame is this old: the network is full, and frames would queue. */
const CONGESTED_S = 1.0;
/** Number of reported skips that are reported again after a connection broke, because they may have been lost. */
const REPORTED_KEPT = 1000;

/**
 * How many frames may be unanswered when paced. A server that is near enough for pacing usually runs on the same
 * machine, and the page needs one of its cores: on two cores, a second frame in flight adds a fifth to the results and
 * two thirds to their age.
 * @param {number} poseLanes frames the server works on at once @param {number} cores of this machine
 */
export function pacedWindow(poseLanes, cores) {
  return Math.max(1, Math.min(poseLanes, cores - 1));
}

export class FrameCredit {
  /** @param {Pacing} [pacing] @param {number} [bufferLimit] bytes the socket may hold when a frame is added */
  constructor(pacing = "auto", bufferLimit = 64 * 1024) {
    /** @type {Pacing} */
    this.pacing = pacing;
    this.bufferLimit = bufferLimit;
    this.window = 1;
    this.gauge = new PacingGauge();
    this.captured = 0;
    /** @type {Map<number, number>} seq to sending time, oldest first */
    this.unanswered = new Map();
    /** @type {Set<number>} frames of broken connections whose state is unknown */
    this.lost = new Set();
    /** @type {[number, number][]} seq and capture time */
    this.skippedUnreported = [];
    /** @type {[number, number][]} reported on the present connection */
    this.skippedReported = [];
  }

  /** Number a new frame. @returns {number} seq */
  capture() {
    this.captured += 1;
    return this.captured - 1;
  }

  /** @param {number} nowS @param {number} bufferedBytes that the socket has not sent yet @returns {boolean} */
  maySend(nowS, bufferedBytes) {
    if (bufferedBytes > this.bufferLimit) return false;
    if (this.unanswered.size < this.window) return true;
    const sentS = [...this.unanswered.values()];
    if (nowS - sentS[sentS.length - 1] >= ESCAPE_S) return true;
    return !this.isPaced && nowS - sentS[0] < CONGESTED_S;
  }

  get isPaced() {
    return this.pacing === "paced" || (this.pacing === "auto" && this.gauge.auto.paced);
  }

  /** Let `auto` decide again. @param {number} nowS @param {number} roundTripS @returns {Record<string, any> | null} */
  reconsider(nowS, roundTripS) {
    if (this.pacing === "auto") return this.gauge.judge(nowS, roundTripS, this.window);
    this.gauge.restart(nowS);
    return null;
  }

  /** Frame `seq` was sent. @param {number} seq @param {number} nowS */
  send(seq, nowS) {
    this.unanswered.set(seq, nowS);
  }

  /** Frame `seq` is not sent. @param {number} seq @param {number} tCaptureS */
  skip(seq, tCaptureS) {
    this.skippedUnreported.push([seq, tCaptureS]);
  }

  /** All frames up to `seq` are answered. @param {number} seq */
  answer(seq) {
    for (const sent of this.unanswered.keys()) if (sent <= seq) this.unanswered.delete(sent);
  }

  /** Take skipped frames that the server does not know of yet. @param {number} most */
  takeSkipped(most) {
    const frames = this.skippedUnreported.splice(0, most);
    this.skippedReported = [...this.skippedReported, ...frames].slice(-REPORTED_KEPT);
    return frames;
  }

  /** The connection broke: the state of the unanswered frames is unknown. */
  disconnected() {
    for (const seq of this.unanswered.keys()) this.lost.add(seq);
    this.unanswered.clear();
  }

  /**
   * A connection begins.
   * @param {number} nextSeq number of the first frame that the server does not know
   * @param {boolean} resumed false: it is a new session, to which nothing of the old one is reported
   */
  connected(nextSeq, resumed) {
    this.lost.clear();
    if (!resumed) {
      this.captured = 0;
      this.gauge = new PacingGauge();
      this.skippedUnreported = [];
      this.skippedReported = [];
    }
    this.captured = Math.max(this.captured, nextSeq);
    this.skippedUnreported.unshift(...this.skippedReported); // reporting a frame twice has no effect
    this.skippedReported = [];
  }
}
