// @ts-check
/**
 * producer.js: captures frames; each frame is either sent or reported as skipped.
 *
 * @typedef {{ tCaptureS: number, tSendS: number }} Sent
 */

import { FrameEncoder, fitShortSide, watchFrames } from "./frame_encoder.js";
import { nowS } from "./clock.js";
import { encodeFrame } from "./frames.js";

/** Number of sent frames whose times are kept, because a result may refer to the hands of an older frame. */
const SENT_KEPT = 256;

export class Producer {
  /**
   * @param {HTMLVideoElement} video @param {import("./connection.js").Connection} connection
   * @param {import("./view_stats.js").ViewStats} stats
   * @param {() => { shortSidePx: number, type: string, quality: number }} encoding the current settings
   */
  constructor(video, connection, stats, encoding) {
    this.video = video;
    this.connection = connection;
    this.stats = stats;
    this.encoding = encoding;
    this.encoder = new FrameEncoder();
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

  /** @param {number} tCaptureS @param {number} shown */
  onFrame(tCaptureS, shown) {
    const startS = nowS();
    const { connection } = this;
    this.stats.onFrame(startS, shown);
    if (!connection.ready) return;
    const seq = connection.credit.capture();
    // the server requires increasing times, and some browsers repeat a timestamp
    this.lastCaptureS = tCaptureS > this.lastCaptureS ? tCaptureS : this.lastCaptureS + 1e-6;
    if (!this.encoder.busy) connection.credit.gauge.offered();
    if (this.encoder.busy || !connection.maySend) connection.credit.skip(seq, this.lastCaptureS);
    else this.encodeAndSend(seq, this.lastCaptureS);
    this.stats.onWork(startS, 1000 * (nowS() - startS));
  }

  /** @param {number} seq @param {number} tCaptureS */
  async encodeAndSend(seq, tCaptureS) {
    const { videoWidth, videoHeight } = this.video;
    const { shortSidePx, type, quality } = this.encoding();
    const [widthPx, heightPx] = fitShortSide(videoWidth, videoHeight, shortSidePx);
    try {
      const { message, encodeMs } = await this.encoder.encode(this.video, { widthPx, heightPx, type, quality });
      const tSendS = nowS();
      encodeFrame(message, { seq, widthPx: videoWidth, heightPx: videoHeight, tCaptureS, tSendS });
      if (!this.connection.sendFrame(seq, message)) {
        this.connection.credit.skip(seq, tCaptureS);
        return;
      }
      this.keepTimes(seq, { tCaptureS, tSendS });
      this.stats.onSent(tSendS, 1000 * (tSendS - tCaptureS), encodeMs);
      this.lastError = "";
    } catch (error) {
      this.connection.credit.skip(seq, tCaptureS);
      this.lastError = `A frame could not be encoded: ${error instanceof Error ? error.message : error}.`;
    }
  }

  /** @param {number} seq @param {Sent} times */
  keepTimes(seq, times) {
    this.sent.set(seq, times);
    for (const oldest of this.sent.keys()) {
      if (this.sent.size <= SENT_KEPT) break;
      this.sent.delete(oldest);
    }
  }
}
