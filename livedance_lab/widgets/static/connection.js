// @ts-check
/**
 * connection.js: the connection to the server: handshake, clock exchange, reports, reconnection.
 *
 * Twin of livedance_lab/client/connection.py. After a break it reconnects by itself and names the frames whose state
 * it does not know. Socket, clock and timers are arguments, so that tests can step through the message sequence.
 *
 * @typedef {import("./results.js").Result} Result
 * @typedef {Object} Listener
 * @property {() => Record<string, any>} hello further fields of the hello message
 * @property {(message: any) => void} onWelcome
 * @property {(result: Result, tResultS: number) => void} onResult
 * @property {(message: any) => void} onMessage any other message of the server
 * @property {(failure: Failure | null) => void} onFailure null: the connection works again
 *
 * @typedef {{ code: string, message: string, final: boolean }} Failure `final`: it does not try again
 *
 * @typedef {Object} Environment
 * @property {(url: string) => any} makeSocket
 * @property {() => number} nowS
 * @property {(run: () => void, delayMs: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

import { OffsetEstimator, nowS } from "./clock.js";
import { FrameCredit } from "./frame_credit.js";
import { PROTOCOL_VERSION } from "./frames.js";
import { parseServerMessage } from "./results.js";
import { decodeBinaryResult } from "./results_binary.js";

const TICK_MS = 250; // reports are sent four times a second
const PING_TICKS = 8; // a clock exchange every two seconds, after a quick first series
const FIRST_PINGS = 6;
const DEAD_AFTER_PINGS = 5; // a socket can be dead without a close event (a laptop that slept)
const CONNECT_TIMEOUT_MS = 8000;
const RETRY_MS = { first: 250, longest: 5000 };
/** Most frames in one report; the server accepts 10 000. */
const REPORT_LIMIT = 5000;

/** Close codes of livedance_lab/wire/messages.py. */
const CLOSE_CODES = /** @type {Record<number, string>} */ ({
  4400: "protocol",
  4401: "token",
  4406: "version",
  4409: "busy",
  4410: "replaced",
  4429: "rate",
  1001: "shutdown",
});
/** Failures after which it tries again; after any other the user must act first. */
const TRANSIENT_CODES = new Set(["busy", "shutdown", "gone"]);

/** @type {Environment} */
const BROWSER = {
  makeSocket: (url) => new WebSocket(url),
  nowS,
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer),
};

/**
 * Explain a failure to the user.
 * @param {string} code @param {string} url @param {string} serverMessage
 */
export function describeFailure(code, url, serverMessage) {
  const server = url.replace(/\/ws$/, "").replace(/^ws/, "http");
  const certificate = url.startsWith("wss:") ? ` This browser must trust its certificate: open ${server}/health.` : "";
  const message = {
    token: "The server refused the token. Take url and token from the running server: LiveServer.start() finds it.",
    version: "The server uses another protocol version.",
    busy: "All sessions of the server are in use. Trying again until one is free.",
    replaced: "Another view now sends the frames of this session. Press Start to use this view again.",
    ended: "This session has ended. Press Start to begin another.",
    protocol: "The server did not understand a message of this view.",
    rate: "This view sent more than the server accepts from one connection.",
    shutdown: "The server was stopped. Waiting for it to start again.",
    gone: `No answer from the server at ${server}. Is it running? Trying again.${certificate}`,
  }[code];
  return [message ?? `The server closed the connection (${code}).`, serverMessage].filter(Boolean).join(" ");
}

export class Connection {
  /** @param {string} url @param {Listener} listener @param {Environment} [environment] */
  constructor(url, listener, environment = BROWSER) {
    this.url = url;
    this.listener = listener;
    this.environment = environment;
    this.credit = new FrameCredit();
    this.offsets = new OffsetEstimator();
    this.socket = null;
    this.ready = false; // after the welcome
    this.stopped = true;
    this.attempts = 0;
    this.ticks = 0;
    this.openPings = 0;
    this.lastError = { code: "", message: "" };
    this.tickTimer = null;
    this.retryTimer = null;
    this.connectTimer = null;
    /** @type {[number, number | null, number | null][]} */
    this.receipts = [];
  }

  start() {
    this.stopped = false;
    this.attempts = 0;
    this.open();
  }

  /** Send pending reports and disconnect. */
  stop() {
    if (this.stopped) return;
    this.stopped = true;
    this.flush();
    this.drop();
  }

  /** Bytes that the socket has not sent yet. */
  get bufferedBytes() {
    return this.socket?.bufferedAmount ?? 0;
  }

  /** Whether a frame may be sent now. */
  get maySend() {
    if (!this.ready || Number.isNaN(this.offsets.best.offsetS)) return false; // without an offset, times mean nothing
    return this.credit.maySend(this.environment.nowS(), this.bufferedBytes);
  }

  /** @param {number} seq @param {ArrayBuffer} message @returns {boolean} false if the connection broke meanwhile */
  sendFrame(seq, message) {
    if (!this.ready) return false;
    this.socket.send(message);
    this.credit.send(seq, this.environment.nowS());
    return true;
  }

  /** @param {number} seq @param {number | null} tResultS @param {number | null} tPaintS */
  addReceipt(seq, tResultS, tPaintS) {
    this.receipts.push([seq, tResultS, tPaintS]);
  }

  /** @param {Record<string, any>} message @returns {boolean} whether it was sent */
  send(message) {
    if (!this.ready) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  open() {
    const { makeSocket, setTimeout } = this.environment;
    this.lastError = { code: "", message: "" };
    let socket;
    try {
      socket = makeSocket(this.url);
    } catch (error) {
      this.fail("address", `The server's address cannot be used: ${this.url}. ${error}`, true);
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.sendHello();
    socket.onmessage = (/** @type {{ data: any }} */ event) => socket === this.socket && this.onMessage(event.data);
    socket.onclose = (/** @type {{ code: number, reason: string }} */ event) => {
      if (socket === this.socket) this.onClose(event.code, event.reason);
    };
    this.connectTimer = setTimeout(() => this.onClose(0, ""), CONNECT_TIMEOUT_MS);
  }

  sendHello() {
    const unanswered = [...this.credit.lost].slice(-REPORT_LIMIT);
    const own = { type: "hello", version: PROTOCOL_VERSION, role: "producer", results: "binary" };
    this.socket.send(JSON.stringify({ ...own, ...this.listener.hello(), unanswered }));
  }

  /** @param {string | ArrayBuffer} data */
  onMessage(data) {
    const tS = this.environment.nowS();
    const message = typeof data === "string" ? parseServerMessage(data) : decodeBinaryResult(data);
    switch (message.type) {
      case "result":
        this.credit.answer(message.seq);
        this.credit.gauge.result(message.times.t_emit_s - message.times.t_receive_s);
        this.listener.onResult(message, tS);
        break;
      case "refused":
        this.credit.answer(message.seq);
        this.listener.onMessage(message);
        break;
      case "pong":
        this.onPong(message, tS);
        break;
      case "welcome":
        this.onWelcome(message);
        break;
      case "error":
      case "bye":
        if (message.fatal || message.type === "bye") this.lastError = { code: message.code, message: message.message };
        this.listener.onMessage(message);
        break;
      default:
        this.listener.onMessage(message);
    }
  }

  /** @param {any} message */
  onWelcome(message) {
    this.environment.clearTimeout(this.connectTimer);
    this.attempts = 0;
    this.ready = true;
    this.ticks = 0;
    this.openPings = 0;
    this.offsets = new OffsetEstimator(); // it may be another server, with another clock
    this.credit.connected(message.next_seq ?? 0, message.resumed);
    this.listener.onWelcome(message);
    if (!message.resumed) this.receipts = []; // of the old session, also those that the listener has added just now
    this.listener.onFailure(null);
    this.tick();
  }

  /** @param {any} message @param {number} t3S */
  onPong(message, t3S) {
    this.openPings = 0;
    const before = this.offsets.best;
    const best = this.offsets.add(message.t_s, message.t_receive_s, message.t_send_s, t3S);
    if (best.offsetS !== before.offsetS) {
      this.send({ type: "clock", offset_s: best.offsetS, uncertainty_s: best.uncertaintyS });
    }
  }

  /** Send reports, and from time to time a ping. */
  tick() {
    if (!this.ready) return;
    this.flush();
    const switched = this.credit.reconsider(this.environment.nowS(), this.offsets.roundTripS);
    if (switched) this.send(switched);
    if (this.ticks < FIRST_PINGS || this.ticks % PING_TICKS === 0) {
      if (this.openPings >= DEAD_AFTER_PINGS) {
        this.onClose(0, "");
        return;
      }
      this.openPings += 1;
      this.send({ type: "ping", t_s: this.environment.nowS() });
    }
    this.ticks += 1;
    this.tickTimer = this.environment.setTimeout(() => this.tick(), TICK_MS);
  }

  flush() {
    if (!this.ready) return;
    while (this.credit.skippedUnreported.length) {
      this.send({ type: "skipped", frames: this.credit.takeSkipped(REPORT_LIMIT) });
    }
    while (this.receipts.length) this.send({ type: "receipts", frames: this.receipts.splice(0, REPORT_LIMIT) });
  }

  /** @param {number} closeCode 0: there was no close event @param {string} reason */
  onClose(closeCode, reason) {
    this.drop();
    if (this.stopped) return;
    const code = this.lastError.code || CLOSE_CODES[closeCode] || "gone";
    const final = this.lastError.code !== "" && !TRANSIENT_CODES.has(code);
    this.fail(code, describeFailure(code, this.url, this.lastError.message || reason), final);
    if (final) return;
    const delayMs = Math.min(RETRY_MS.first * 2 ** this.attempts, RETRY_MS.longest);
    this.attempts += 1;
    this.retryTimer = this.environment.setTimeout(() => this.open(), delayMs);
  }

  /** @param {string} code @param {string} message @param {boolean} final */
  fail(code, message, final) {
    this.stopped ||= final;
    this.listener.onFailure({ code, message, final });
  }

  /** Close the socket and clear all timers. */
  drop() {
    const { clearTimeout } = this.environment;
    for (const timer of [this.tickTimer, this.retryTimer, this.connectTimer]) clearTimeout(timer);
    this.ready = false;
    this.credit.disconnected();
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
