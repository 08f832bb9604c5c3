// @ts-check
/**
 * view_stats.js: what the view measures about itself, over the last few seconds. Pure: times are arguments.
 *
 * Ages need no clock mapping: capture and result are both read here, the server's share is the difference of two
 * times of its own, and what remains is the way there and back.
 *
 * @typedef {import("./results.js").Result} Result
 * @typedef {Record<string, number>} Ledger frames captured so far as the server knows, and by state
 */

const WINDOW_S = 3;

/** The order in which the ledger is shown: what reached the researcher first, what was lost last. */
export const FRAME_STATES = ["processed", "superseded", "client_skipped", "late", "rejected", "failed", "lost"];

/** Events per second. */
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

  /** @param {number} nowS @returns {number} 0 when nothing happens any more */
  perSecond(nowS) {
    while (this.timesS.length && this.timesS[0] <= nowS - WINDOW_S) this.timesS.shift();
    const elapsedS = Math.min(WINDOW_S, nowS - this.sinceS);
    return elapsedS > 0.2 ? this.timesS.length / elapsedS : NaN;
  }

  /** Begin anew, so that a pause is not averaged in. */
  restart() {
    this.timesS = [];
    this.sinceS = NaN;
  }
}

/** Quantiles of a measured duration. */
export class Samples {
  constructor() {
    /** @type {{ tS: number, value: number }[]} */
    this.items = [];
  }

  /** @param {number} tS @param {number} value NaN is left out */
  add(tS, value) {
    if (!Number.isNaN(value)) this.items.push({ tS, value });
  }

  /** @param {number} nowS @param {number} q 0 to 1 @returns {number} NaN when there is nothing to measure */
  quantile(nowS, q) {
    while (this.items.length && this.items[0].tS <= nowS - WINDOW_S) this.items.shift();
    const sorted = this.items.map((item) => item.value).sort((a, b) => a - b);
    return sorted.length ? sorted[Math.round(q * (sorted.length - 1))] : NaN;
  }
}

export class Readings {
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

  /** @param {number} tS @param {number} shown the video's own count of frames, with those this page missed */
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
   * @param {Result} result @param {{ tCaptureS: number, tSendS: number } | undefined} sent as this page knows it
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

  /** Painted skeleton against the result of the same instant. @param {number} tS @param {number} errorPx */
  onShownError(tS, errorPx) {
    this.samples.shownError.add(tS, errorPx);
  }

  /** One stretch of our own work on the page's thread. @param {number} tS @param {number} durationMs */
  onWork(tS, durationMs) {
    this.samples.work.add(tS, durationMs);
    this.longestWorkMs = Math.max(this.longestWorkMs, durationMs);
  }

  /** After a pause: rates begin anew, the ledger stays. */
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
 * Captured frames that have not ended yet: under way, or not reported.
 * @param {Ledger} ledger
 */
export function openFrames(ledger) {
  return FRAME_STATES.reduce((left, state) => left - (ledger[state] ?? 0), ledger.captured);
}

/**
 * Readings as JSON can carry them: NaN becomes null, decimals that mean nothing are dropped.
 * @param {Record<string, number>} snapshot @returns {Record<string, number | null>}
 */
export function plainReadings(snapshot) {
  return Object.fromEntries(
    Object.entries(snapshot).map(([name, value]) => [
      name,
      Number.isFinite(value) ? Math.round(value * 100) / 100 : null,
    ]),
  );
}
