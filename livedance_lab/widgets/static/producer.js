// @ts-check
/**
 * producer.js: numbers every captured frame and lets each go one way: sent, or reported as skipped.
 *
 * @typedef {{ tCaptureS: number, tSendS: number }} Sent
 */

import { FrameEncoder, fitShortSide, watchFrames } from "./capture.js";
import { nowS } from "./clock.js";
import { writeHeader } from "./frames.js";

/** Sent frames whose times are kept: a result may name hands of an older frame. */
const SENT_KEPT = 256;

export class Producer {
  /**
   * @param {HTMLVideoElement} video @param {import("./connection.js").Connection} connection
   * @param {import("./view_stats.js").Readings} readings
   * @param {() => { shortSidePx: number, type: string, quality: number }} encoding the settings in force
   */
  constructor(video, connection, readings, encoding) {
    this.video = video;
    this.connection = connection;
    this.readings = readings;
    this.encoding = encoding;
    this.encoder = new FrameEncoder();
    this.nextSeq = 0;
    this.lastCaptureS = -Infinity;
    /** @type {Map<number, Sent>} */
    this.sent = new Map();
    /** @type {(() => void) | null} */
    this.unwatch = null;
    this.lastError = "";
  }

  get capturing() {
    return this.unwatch !== null;
  }

  start() {
    this.unwatch ??= watchFrames(this.video, (frame) => this.onFrame(frame.tCaptureS, frame.shown));
  }

  stop() {
    this.unwatch?.();
    this.unwatch = null;
  }

  close() {
    this.stop();
    this.encoder.close();
  }

  /** A new session: numbers begin at 0. */
  restart() {
    this.nextSeq = 0;
    this.sent.clear();
  }

  /** The session goes on, perhaps after an earlier page. @param {number} captured frames the server knows of */
  resume(captured) {
    this.nextSeq = Math.max(this.nextSeq, captured);
  }

  /** @param {number} tCaptureS @param {number} shown */
  onFrame(tCaptureS, shown) {
    const startS = nowS();
    this.readings.onFrame(startS, shown);
    if (!this.connection.ready) return; // nobody to capture for
    const seq = this.nextSeq;
    this.nextSeq += 1;
    // the server asks for increasing times, and some browsers repeat a stamp
    this.lastCaptureS = tCaptureS > this.lastCaptureS ? tCaptureS : this.lastCaptureS + 1e-6;
    if (!this.encoder.busy) this.connection.pacer.offered();
    if (this.encoder.busy || !this.connection.maySend) this.connection.skip(seq, this.lastCaptureS);
    else this.encodeAndSend(seq, this.lastCaptureS);
    this.readings.onWork(startS, 1000 * (nowS() - startS));
  }

  /** @param {number} seq @param {number} tCaptureS */
  async encodeAndSend(seq, tCaptureS) {
    const { videoWidth, videoHeight } = this.video;
    const { shortSidePx, type, quality } = this.encoding();
    const [widthPx, heightPx] = fitShortSide(videoWidth, videoHeight, shortSidePx);
    try {
      const { message, encodeMs } = await this.encoder.encode(this.video, { widthPx, heightPx, type, quality });
      const tSendS = nowS();
      writeHeader(message, { seq, widthPx: videoWidth, heightPx: videoHeight, tCaptureS, tSendS });
      if (!this.connection.sendFrame(seq, message)) {
        this.connection.skip(seq, tCaptureS);
        return;
      }
      this.remember(seq, { tCaptureS, tSendS });
      this.readings.onSent(tSendS, 1000 * (tSendS - tCaptureS), encodeMs);
      this.lastError = "";
    } catch (error) {
      this.connection.skip(seq, tCaptureS);
      this.lastError = `A frame could not be encoded: ${error instanceof Error ? error.message : error}.`;
    }
  }

  /** @param {number} seq @param {Sent} times */
  remember(seq, times) {
    this.sent.set(seq, times);
    for (const oldest of this.sent.keys()) {
      if (this.sent.size <= SENT_KEPT) break;
      this.sent.delete(oldest);
    }
  }
}
