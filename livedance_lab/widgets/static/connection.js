// @ts-check
/**
 * connection.js: one conversation with the server, over as many sockets as it takes.
 *
 * Says hello, keeps the clock offset, paces frames, reports what became of them, and comes back by itself after
 * a break with the frames whose end it does not know. The socket, the clock and the timers are given, so that
 * tests can step through a conversation by hand.
 *
 * @typedef {import("./results.js").Result} Result
 * @typedef {Object} Listener
 * @property {() => Record<string, any>} hello what to say first, beside version and role
 * @property {(message: any) => void} onWelcome
 * @property {(result: Result, tResultS: number) => void} onResult
 * @property {(message: any) => void} onMessage any other message of the server
 * @property {(trouble: Trouble | null) => void} onTrouble null: all is well again
 *
 * @typedef {{ code: string, words: string, final: boolean }} Trouble `final`: it will not be tried again
 *
 * @typedef {Object} Surroundings
 * @property {(url: string) => any} makeSocket
 * @property {() => number} nowS
 * @property {(run: () => void, delayMs: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

import { readBinaryResult } from "./results_binary.js";
import { OffsetEstimator, nowS } from "./clock.js";
import { AutoPacing, Pacer } from "./pacing.js";
import { PROTOCOL_VERSION } from "./frames.js";
import { parseServerMessage } from "./results.js";

const TICK_MS = 250; // reports go out four times a second
const PING_TICKS = 8; // a clock exchange every two seconds, after a first quick series
const FIRST_PINGS = 6;
const DEAD_AFTER_PINGS = 5; // a socket can be dead without a word (a laptop that slept)
const CONNECT_TIMEOUT_MS = 8000;
const RETRY_MS = { first: 250, longest: 5000 };
/** The most frames one report may name; the server accepts 10 000. */
const REPORT_LIMIT = 5000;
/** Skipped frames told last: a connection that breaks swallows what was said in its last moments. */
const TOLD_KEPT = 1000;

/** Close codes of livedance_lab/wire/messages.py that say more than "gone". */
const CLOSE_CODES = /** @type {Record<number, string>} */ ({
  4400: "protocol",
  4401: "token",
  4406: "version",
  4409: "busy",
  4410: "replaced",
  4429: "rate",
  1001: "shutdown",
});
/** Refusals that pass by themselves; after any other the user must do something first. */
const PASSING = new Set(["busy", "shutdown", "gone"]);

/** @type {Surroundings} */
const BROWSER = {
  makeSocket: (url) => new WebSocket(url),
  nowS,
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** What happened, for people. @param {string} code @param {string} url @param {string} said the server's own words */
export function troubleInWords(code, url, said) {
  const server = url.replace(/\/ws$/, "").replace(/^ws/, "http");
  const trusted = url.startsWith("wss:") ? ` This browser must trust its certificate: see ${server}/health.` : "";
  const words = {
    token: "The server refused the token. Take url and token from the running server: LiveServer.start() finds it.",
    version: "The server speaks another protocol version. Install the same livedance_lab on both sides.",
    busy: "The server is busy: all its sessions are in use. Trying again as soon as one is free.",
    replaced: "Another view sends this session's frames now. Press Start to take over again.",
    ended: "This session has ended. Press Start to begin another.",
    protocol: "The server did not understand this view.",
    rate: "This view sent more than the server takes in from one connection.",
    shutdown: "The server was stopped. Waiting for it to come back.",
    gone: `No answer from the server at ${server}. Is it running? Trying again.${trusted}`,
  }[code];
  return [words ?? `The server ended the connection (${code}).`, said].filter(Boolean).join(" ");
}

export class Connection {
  /** @param {string} url @param {Listener} listener @param {Surroundings} [surroundings] */
  constructor(url, listener, surroundings = BROWSER) {
    this.url = url;
    this.listener = listener;
    this.around = surroundings;
    this.pacer = new Pacer();
    this.offsets = new OffsetEstimator();
    this.socket = null;
    this.ready = false; // welcomed: frames may flow
    this.stopped = true;
    this.attempts = 0;
    this.ticks = 0;
    this.openPings = 0;
    this.lastError = { code: "", message: "" };
    this.tickTimer = null;
    this.retryTimer = null;
    this.deadline = null;
    /** @type {[number, number][]} */
    this.skipped = [];
    /** @type {[number, number][]} told on the present connection; once too often does no harm */
    this.skippedTold = [];
    /** @type {[number, number | null, number | null][]} */
    this.receipts = [];
    /** @type {number[]} sent frames whose end is not known */
    this.lost = [];
  }

  start() {
    this.stopped = false;
    this.attempts = 0;
    this.open();
  }

  /** Say what is still to be said, and go. */
  stop() {
    if (this.stopped) return;
    this.stopped = true;
    this.flush();
    this.drop();
  }

  /** Bytes the socket has not passed on yet. */
  get bufferedBytes() {
    return this.socket?.bufferedAmount ?? 0;
  }

  /** Whether a frame may be sent now. */
  get maySend() {
    if (!this.ready || Number.isNaN(this.offsets.best.offsetS)) return false; // a time means nothing yet
    return this.pacer.maySend(this.around.nowS(), this.bufferedBytes);
  }

  /** @param {number} seq @param {ArrayBuffer} message @returns {boolean} false: the connection went meanwhile */
  sendFrame(seq, message) {
    if (!this.ready) return false;
    this.socket.send(message);
    this.pacer.sent(seq, this.around.nowS());
    return true;
  }

  /** Frame `seq` was captured and not sent. @param {number} seq @param {number} tCaptureS */
  skip(seq, tCaptureS) {
    this.skipped.push([seq, tCaptureS]);
  }

  /** @param {number} seq @param {number | null} tResultS @param {number | null} tPaintS */
  receipt(seq, tResultS, tPaintS) {
    this.receipts.push([seq, tResultS, tPaintS]);
  }

  /** @param {Record<string, any>} message @returns {boolean} whether it went out */
  say(message) {
    if (!this.ready) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** A new session counts from its own beginning: nothing of the old one is reported to it. */
  forget() {
    this.skipped = [];
    this.skippedTold = [];
    this.receipts = [];
    this.lost = [];
    this.pacer.reset();
    this.pacer.auto = new AutoPacing(); // the new log knows of no switch
  }

  open() {
    const { makeSocket, setTimeout } = this.around;
    this.lastError = { code: "", message: "" };
    let socket;
    try {
      socket = makeSocket(this.url);
    } catch (error) {
      this.trouble("address", `The server's address cannot be used: ${this.url}. ${error}`, true);
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.sayHello();
    socket.onmessage = (/** @type {{ data: any }} */ event) => socket === this.socket && this.hear(event.data);
    socket.onclose = (/** @type {{ code: number, reason: string }} */ event) => {
      if (socket === this.socket) this.onClose(event.code, event.reason);
    };
    this.deadline = setTimeout(() => this.onClose(0, ""), CONNECT_TIMEOUT_MS);
  }

  sayHello() {
    const unanswered = this.lost.slice(-REPORT_LIMIT);
    const own = { type: "hello", version: PROTOCOL_VERSION, role: "producer", results: "binary" };
    this.socket.send(JSON.stringify({ ...own, ...this.listener.hello(), unanswered }));
  }

  /** @param {string | ArrayBuffer} data */
  hear(data) {
    const tS = this.around.nowS();
    const message = typeof data === "string" ? parseServerMessage(data) : readBinaryResult(data);
    switch (message.type) {
      case "result":
        this.pacer.acknowledge(message.seq);
        this.pacer.result(message.times.t_emit_s - message.times.t_receive_s);
        this.listener.onResult(message, tS);
        break;
      case "refused":
        this.pacer.acknowledge(message.seq);
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
    this.around.clearTimeout(this.deadline);
    this.attempts = 0;
    this.lost = [];
    this.ready = true;
    this.ticks = 0;
    this.openPings = 0;
    this.offsets = new OffsetEstimator(); // it may be another server, with another clock
    this.listener.onWelcome(message);
    this.listener.onTrouble(null);
    this.tick();
  }

  /** @param {any} message @param {number} t3S */
  onPong(message, t3S) {
    this.openPings = 0;
    const before = this.offsets.best;
    const best = this.offsets.add(message.t_s, message.t_receive_s, message.t_send_s, t3S);
    if (best.offsetS !== before.offsetS) {
      this.say({ type: "clock", offset_s: best.offsetS, uncertainty_s: best.uncertaintyS });
    }
  }

  /** Four times a second: reports; every so often a clock exchange. */
  tick() {
    if (!this.ready) return;
    this.flush();
    const switched = this.pacer.look(this.around.nowS(), this.offsets.roundTripS);
    if (switched) this.say(switched);
    if (this.ticks < FIRST_PINGS || this.ticks % PING_TICKS === 0) {
      if (this.openPings >= DEAD_AFTER_PINGS) {
        this.onClose(0, "");
        return;
      }
      this.openPings += 1;
      this.say({ type: "ping", t_s: this.around.nowS() });
    }
    this.ticks += 1;
    this.tickTimer = this.around.setTimeout(() => this.tick(), TICK_MS);
  }

  flush() {
    if (!this.ready) return;
    while (this.skipped.length) {
      const frames = this.skipped.splice(0, REPORT_LIMIT);
      this.say({ type: "skipped", frames });
      this.skippedTold = [...this.skippedTold, ...frames].slice(-TOLD_KEPT);
    }
    while (this.receipts.length) this.say({ type: "receipts", frames: this.receipts.splice(0, REPORT_LIMIT) });
  }

  /** @param {number} closeCode 0: nothing was heard at all @param {string} reason */
  onClose(closeCode, reason) {
    this.drop();
    if (this.stopped) return;
    const code = this.lastError.code || CLOSE_CODES[closeCode] || "gone";
    const said = this.lastError.message || reason;
    const final = this.lastError.code !== "" && !PASSING.has(code);
    this.trouble(code, troubleInWords(code, this.url, said), final);
    if (final) return;
    const delayMs = Math.min(RETRY_MS.first * 2 ** this.attempts, RETRY_MS.longest);
    this.attempts += 1;
    this.retryTimer = this.around.setTimeout(() => this.open(), delayMs);
  }

  /** @param {string} code @param {string} words @param {boolean} final */
  trouble(code, words, final) {
    this.stopped ||= final;
    this.listener.onTrouble({ code, words, final });
  }

  /** Let go of the socket and every timer. */
  drop() {
    const { clearTimeout } = this.around;
    for (const timer of [this.tickTimer, this.retryTimer, this.deadline]) clearTimeout(timer);
    this.ready = false;
    this.lost = [...new Set([...this.lost, ...this.pacer.reset()])];
    this.skipped.unshift(...this.skippedTold); // nobody knows whether it was heard
    this.skippedTold = [];
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
