// @ts-check
/**
 * view_stats.js: the view's statistics of the last few seconds. Times are arguments.
 *
 * Ages need no clock offset: capture and arrival of a result are measured here, the server's part is the difference of
 * two of its own times, and the rest is the network.
 *
 * @typedef {import("./results.js").Result} Result
 * @typedef {Record<string, number>} Ledger number of captured frames, and of frames by state
 */

const WINDOW_S = 3;

/** Rate of events. */
export class Rate {
  constructor() {
    /** @type {number[]} */
    this.timesS = [];
    this.sinceS = NaN;
  }

  /** @param {number} tS @param {number} [count] */
  add(tS, count = 1) {
    if (Number.isNaN(this.sinceS)) this.sinceS = tS;
    for (let i = 0; i < count; i += 1) this.timesS.push(tS);
  }

  /** @param {number} nowS @returns {number} NaN in the first moments */
  perSecond(nowS) {
    while (this.timesS.length && this.timesS[0] <= nowS - WINDOW_S) this.timesS.shift();
    const elapsedS = Math.min(WINDOW_S, nowS - this.sinceS);
    return elapsedS > 0.2 ? this.timesS.length / elapsedS : NaN;
  }

  /** Start again, so that a pause does not count. */
  restart() {
    this.timesS = [];
    this.sinceS = NaN;
  }
}

/** Quantiles of measured values. */
export class Samples {
  constructor() {
    /** @type {{ tS: number, value: number }[]} */
    this.items = [];
  }

  /** @param {number} tS @param {number} value NaN is ignored */
  add(tS, value) {
    if (!Number.isNaN(value)) this.items.push({ tS, value });
  }

  /** @param {number} nowS @param {number} q 0 to 1 @returns {number} NaN without values */
  quantile(nowS, q) {
    while (this.items.length && this.items[0].tS <= nowS - WINDOW_S) this.items.shift();
    const sorted = this.items.map((item) => item.value).sort((a, b) => a - b);
    return sorted.length ? sorted[Math.round(q * (sorted.length - 1))] : NaN;
  }
}

export class ViewStats {
  constructor() {
    this.rates = {
      camera: new Rate(),
      captured: new Rate(),
      sent: new Rate(),
      results: new Rate(),
      painted: new Rate(),
    };
    this.samples = {
      age: new Samples(),
      prepare: new Samples(),
      server: new Samples(),
      network: new Samples(),
      encode: new Samples(),
      work: new Samples(),
      shownError: new Samples(),
    };
    this.lastShown = NaN;
    this.longestWorkMs = 0;
    /** @type {Ledger | null} */
    this.ledger = null;
  }

  /** @param {number} tS @param {number} shown the video's count of frames, with those that the page missed */
  onFrame(tS, shown) {
    const missed = shown - this.lastShown;
    this.rates.camera.add(tS, missed >= 1 && missed < 30 ? missed : 1);
    this.rates.captured.add(tS);
    this.lastShown = shown;
  }

  /** @param {number} tS @param {number} prepareMs capture to message @param {number} encodeMs */
  onSent(tS, prepareMs, encodeMs) {
    this.rates.sent.add(tS);
    this.samples.prepare.add(tS, prepareMs);
    this.samples.encode.add(tS, encodeMs);
  }

  /**
   * @param {Result} result @param {{ tCaptureS: number, tSendS: number } | undefined} sent times of the frame
   * @param {number} tResultS
   */
  onResult(result, sent, tResultS) {
    this.rates.results.add(tResultS);
    this.ledger = result.ledger;
    if (!sent) return;
    const serverS = result.times.t_emit_s - result.times.t_receive_s;
    this.samples.age.add(tResultS, 1000 * (tResultS - sent.tCaptureS));
    this.samples.server.add(tResultS, 1000 * serverS);
    this.samples.network.add(tResultS, 1000 * Math.max(0, tResultS - sent.tSendS - serverS));
  }

  /** @param {number} tS */
  onPainted(tS) {
    this.rates.painted.add(tS);
  }

  /** Error of the painted skeleton against the result of that time. @param {number} tS @param {number} errorPx */
  onShownError(tS, errorPx) {
    this.samples.shownError.add(tS, errorPx);
  }

  /** One task of the view on the page's main thread. @param {number} tS @param {number} durationMs */
  onWork(tS, durationMs) {
    this.samples.work.add(tS, durationMs);
    this.longestWorkMs = Math.max(this.longestWorkMs, durationMs);
  }

  /** Restart the rates after a pause; the ledger is kept. */
  restart() {
    for (const rate of Object.values(this.rates)) rate.restart();
    this.lastShown = NaN;
  }

  /** @param {number} nowS @returns {Record<string, number>} NaN where nothing was measured */
  snapshot(nowS) {
    const rate = this.rates;
    const { age, prepare, server, network, encode, shownError } = this.samples;
    return {
      camera_fps: rate.camera.perSecond(nowS),
      captured_per_s: rate.captured.perSecond(nowS),
      sent_per_s: rate.sent.perSecond(nowS),
      results_per_s: rate.results.perSecond(nowS),
      painted_fps: rate.painted.perSecond(nowS),
      age_p50_ms: age.quantile(nowS, 0.5),
      age_p95_ms: age.quantile(nowS, 0.95),
      prepare_p50_ms: prepare.quantile(nowS, 0.5),
      network_p50_ms: network.quantile(nowS, 0.5),
      server_p50_ms: server.quantile(nowS, 0.5),
      encode_p50_ms: encode.quantile(nowS, 0.5),
      shown_error_p50_px: shownError.quantile(nowS, 0.5),
      longest_work_ms: this.longestWorkMs,
    };
  }
}

/**
 * Number of captured frames that have no final state yet.
 * @param {Ledger} ledger
 */
export function openFrames({ captured, ...states }) {
  return Object.values(states).reduce((open, count) => open - count, captured);
}

/**
 * Statistics for JSON: NaN becomes null, values are rounded to two decimals.
 * @param {Record<string, number>} snapshot @returns {Record<string, number | null>}
 */
export function plainStats(snapshot) {
  return Object.fromEntries(
    Object.entries(snapshot).map(([name, value]) => [
      name,
      Number.isFinite(value) ? Math.round(value * 100) / 100 : null,
    ]),
  );
}
