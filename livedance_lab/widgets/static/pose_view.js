// @ts-check
/**
 * pose_view.js: the widget. Brings camera, connection and painting together, and tells the kernel and the user
 * how it goes. `render` returns what undoes it all.
 */

import { nowS } from "./clock.js";
import { Connection } from "./connection.js";
import { describeBrowser, jupyterBaseUrl, socketUrl } from "./jupyter_page.js";
import { pacedWindow } from "./pacing.js";
import { SkeletonPainter } from "./skeleton_painter.js";
import { buildLayout, showReadings } from "./view_layout.js";
import { Producer } from "./producer.js";
import { Readings, plainReadings } from "./view_stats.js";
import { PictureSource } from "./media_source.js";

/** The settings that this side acts on; the server's word is the last, the traits show it. */
const CLIENT_SETTINGS = ["short_side_px", "jpeg_quality", "image_format", "pacing", "painting"];
const REPORT_MS = 500;

const STATUS_WORDS = /** @type {Record<string, string>} */ ({
  starting: "Starting",
  "opening camera": "Waiting for the camera",
  connecting: "Connecting",
  "warming up": "Getting the model ready",
  live: "Live",
  reconnecting: "Reconnecting",
  paused: "Paused",
  hidden: "Not in sight, not capturing",
  ended: "Session ended",
  error: "Stopped",
});

const LASTING = new Set(["recording stopped", "video stopped", "session given up"]); // something is missing from now on
const STUMBLE_SHOWN_S = 10;

class PoseViewer {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.abort = new AbortController();
    this.visible = true;
    this.inSight = true;
    /** @type {import("./connection.js").Trouble | null} */
    this.trouble = null;
    this.refusal = ""; // of one frame: gone with the next result
    this.failure = ""; // of the session, such as a recording that stopped on a full disk: stays
    this.stumble = ""; // of the estimator or the server: told for a while, gone once results come again
    this.stumbleS = 0;
    this.ended = false;
    this.modelReady = false; // the server's, to look at pictures
    this.inForceOf = ""; // which session's
    /** @type {Record<string, any>} the session's settings, as the server said last */
    this.inForce = {};
    this.readings = new Readings();
    this.layout = buildLayout(el, {
      onRun: () => this.onRunButton(),
      onMirror: () => this.toggle("mirror"),
      onAngles: () => this.toggle("show_angles"),
      onReadings: () => this.toggle("show_readings"),
    });
    this.source = new PictureSource(model, this.layout.video, () => this.onSource());
    this.connection = this.makeConnection();
    this.producer = new Producer(this.layout.video, this.connection, this.readings, () => ({
      shortSidePx: model.get("short_side_px"),
      type: `image/${model.get("image_format")}`,
      quality: model.get("jpeg_quality"),
    }));
    this.painter = new SkeletonPainter(
      this.layout.canvas,
      this.readings,
      () => ({ painting: model.get("painting"), mirror: model.get("mirror"), showAngles: model.get("show_angles") }),
      (seq, tResultS, tPaintS) => this.connection.receipt(seq, tResultS, tPaintS),
    );
    this.watch();
    this.showLook();
    this.update();
    this.reportTimer = setInterval(() => this.report(), REPORT_MS);
  }

  get address() {
    const { model } = this;
    return socketUrl(model.get("url"), model.get("proxy"), location, jupyterBaseUrl(document));
  }

  makeConnection() {
    const { model } = this;
    return new Connection(this.address, {
      hello: () => ({
        token: model.get("token"),
        session: model.get("session") || null,
        settings: { ...this.anglesAgain(), ...model.get("asked") },
        client: describeBrowser(),
      }),
      onWelcome: (welcome) => this.onWelcome(welcome),
      onResult: (result, tResultS) => this.onResult(result, tResultS),
      onMessage: (message) => this.onMessage(message),
      onTrouble: (trouble) => {
        this.trouble = trouble;
        if (trouble?.final && !this.replaced) this.save({ running: false });
        this.update();
      },
    });
  }

  /** Follow the traits, the page and the video. */
  watch() {
    const { model, layout } = this;
    const { signal } = this.abort;
    /** @type {[string, () => void][]} */
    const handlers = [
      ["change:running", () => this.onRunning()],
      ["change:stream", () => this.onNewSource()],
      ["change:url change:token change:proxy", () => this.onNewServer()],
      ["change:mirror change:show_angles change:show_readings", () => this.showLook()],
      ...CLIENT_SETTINGS.map((name) => /** @type {[string, () => void]} */ ([`change:${name}`, () => this.ask(name)])),
    ];
    for (const [names, handler] of handlers) for (const name of names.split(" ")) model.on(name, handler);
    signal.addEventListener("abort", () => {
      for (const [names, handler] of handlers) for (const name of names.split(" ")) model.off(name, handler);
    });
    document.addEventListener("visibilitychange", () => this.update(), { signal });
    const sight = new IntersectionObserver((entries) => {
      this.inSight = entries.at(-1)?.isIntersecting ?? true;
      this.update();
    });
    sight.observe(layout.stage);
    const size = new ResizeObserver(() => this.painter.refresh());
    size.observe(layout.stage);
    signal.addEventListener("abort", () => [sight, size].forEach((observer) => observer.disconnect()));
    layout.video.addEventListener("resize", () => this.fitStage(), { signal });
  }

  /** Whether another view, perhaps of the same widget, has taken this one's place: then the traits are its own. */
  get replaced() {
    return this.trouble?.code === "replaced";
  }

  onRunButton() {
    if (this.replaced) this.trouble = null;
    else if (this.ended) this.beginAnew();
    else this.toggle("running");
    this.update();
  }

  /** @param {string} trait */
  toggle(trait) {
    this.save({ [trait]: !this.model.get(trait) });
  }

  /** @param {Record<string, any>} values traits to set, here and in the kernel */
  save(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  onRunning() {
    if (this.model.get("running")) {
      this.source.trouble = "";
      this.refusal = this.failure = this.stumble = "";
      if (this.ended || this.trouble?.code === "ended") this.beginAnew();
    }
    this.update();
  }

  /** The old session has ended: produce for another. */
  beginAnew() {
    this.ended = false;
    this.inForce = {};
    this.connection.stop();
    this.save({ session: "", running: true });
    this.update();
  }

  onNewSource() {
    this.source.close();
    this.update();
  }

  /** The picture is there, or will not come. */
  onSource() {
    if (this.source.trouble) this.save({ running: false });
    this.update();
  }

  onNewServer() {
    this.connection.stop();
    this.connection.url = this.address;
    this.update();
  }

  /** Do what the present state asks for. Every change of anything ends here. */
  update() {
    if (this.abort.signal.aborted) return;
    const running = this.model.get("running") && !this.ended;
    this.visible = document.visibilityState === "visible" && this.layout.stage.checkVisibility();
    if (running && this.visible) this.source.open();
    if (running && this.connection.stopped && this.source.ready && !this.replaced) {
      this.trouble = null;
      this.connection.start();
    }
    const atWork = running && this.visible && this.source.ready && this.connection.ready && this.modelReady;
    if (atWork !== this.producer.capturing) this.setAtWork(atWork);
    this.showStatus();
  }

  /** @param {boolean} atWork */
  setAtWork(atWork) {
    this.readings.restart();
    if (atWork) {
      this.layout.video.play().catch((error) => console.warn("livedance: the video does not play.", error));
      this.producer.start();
      this.painter.start();
    } else {
      this.producer.stop();
      this.painter.stop();
      this.painter.clear();
      this.report();
    }
  }

  /** @param {any} welcome */
  onWelcome(welcome) {
    const before = this.inForce;
    this.modelReady = welcome.ready ?? true;
    this.painter.anglePlaces = welcome.angle_places;
    this.connection.pacer.window = pacedWindow(welcome.pose_lanes, navigator.hardwareConcurrency || 2);
    this.painter.clear();
    if (welcome.resumed) {
      this.producer.resume(welcome.next_seq);
    } else {
      this.connection.forget();
      this.producer.restart();
    }
    this.obey(welcome.settings);
    this.inForceOf = welcome.session;
    if (!welcome.resumed) this.restoreSettings(before);
    this.save({ session: welcome.session, asked: {} });
    this.update();
  }

  /** The angles of the session that is joined again: should the server not know it, they cannot be set later. */
  anglesAgain() {
    return this.inForceOf && this.inForceOf === this.model.get("session") ? { angles: this.inForce.angles } : {};
  }

  /** A server that was restarted knows nothing of the tuning so far. @param {Record<string, any>} before */
  restoreSettings(before) {
    const differs = Object.entries(before).filter(([k, v]) => JSON.stringify(v) !== JSON.stringify(this.inForce[k]));
    if (differs.length === 0) return;
    this.connection.say({ type: "settings", changes: Object.fromEntries(differs), by: "PoseView, after a restart" });
  }

  /** @param {import("./results.js").Result} result @param {number} tResultS */
  onResult(result, tResultS) {
    this.readings.onResult(result, this.producer.sent.get(result.seq), tResultS);
    this.painter.push(result, this.producer.sent, tResultS);
    const over = this.stumble !== "" && tResultS > this.stumbleS + STUMBLE_SHOWN_S;
    if (this.refusal || over) {
      this.refusal = "";
      if (over) this.stumble = "";
      this.update();
    }
    this.readings.onWork(tResultS, 1000 * (nowS() - tResultS));
  }

  /** @param {any} message */
  onMessage(message) {
    if (message.type === "settings") this.obey(message.settings);
    else if (message.type === "refused" || message.type === "error") this.refusal = message.message;
    else if (message.type === "event") this.onEvent(message);
    else if (message.type === "ended") this.ended = true;
    else if (message.type === "bye" && message.code === "shutdown")
      this.ended = false; // until it is back
    else return;
    this.update();
  }

  /** @param {{ kind: string, name: string, data: Record<string, any> }} event */
  onEvent({ kind, name, data }) {
    if (kind === "session" && name === "ready") this.modelReady = true;
    if (kind === "error") {
      const words = `${name}: ${data.reason ?? "no reason given"}`;
      if (LASTING.has(name)) this.failure = words;
      else [this.stumble, this.stumbleS] = [words, nowS()];
    }
    if (kind === "recording") this.failure = ""; // begun or finished since
  }

  /** Take over the client's part of the settings in force. @param {Record<string, any>} settings */
  obey(settings) {
    this.inForce = settings;
    this.save(Object.fromEntries(CLIENT_SETTINGS.map((name) => [name, settings[name]])));
    this.connection.pacer.mode = this.model.get("pacing");
    this.painter.refresh();
  }

  /** A trait was changed in the kernel: the server decides, so that it stands in the log. @param {string} name */
  ask(name) {
    const value = this.model.get(name);
    if (value === this.inForce[name]) return;
    this.connection.say({ type: "settings", changes: { [name]: value }, by: "PoseView" });
  }

  fitStage() {
    const { videoWidth, videoHeight } = this.layout.video;
    if (videoWidth) this.layout.stage.style.setProperty("--ldl-aspect", String(videoWidth / videoHeight));
    this.painter.refresh();
  }

  showLook() {
    const { root, buttons, video } = this.layout;
    const [mirror, angles, readings] = ["mirror", "show_angles", "show_readings"].map((name) => this.model.get(name));
    buttons.mirror.setAttribute("aria-pressed", String(mirror));
    buttons.angles.setAttribute("aria-pressed", String(angles));
    buttons.readings.setAttribute("aria-pressed", String(readings));
    video.classList.toggle("ldl-mirrored", mirror);
    root.classList.toggle("ldl-bare", !readings);
    this.painter.refresh();
  }

  /** @returns {string} a key of STATUS_WORDS */
  get status() {
    if (this.ended) return "ended";
    if (this.source.trouble || this.trouble?.final) return "error";
    if (!this.model.get("running")) return "paused";
    if (!this.visible) return "hidden";
    if (!this.source.ready) return "opening camera";
    if (this.trouble) return "reconnecting";
    if (!this.connection.ready) return "connecting";
    return this.modelReady ? "live" : "warming up";
  }

  /** @returns {string} what is wrong now, in words */
  get error() {
    const session = this.refusal || this.failure || this.stumble;
    return this.source.trouble || this.trouble?.words || session || this.producer.lastError;
  }

  showStatus() {
    const { layout, status } = this;
    const error = this.error;
    layout.status.textContent = STATUS_WORDS[status];
    layout.root.dataset.status = status;
    layout.buttons.run.textContent = this.model.get("running") && !this.ended && !this.replaced ? "Pause" : "Start";
    layout.notice.textContent = status === "live" ? "" : STATUS_WORDS[status];
    layout.error.textContent = error;
    layout.error.hidden = !error;
    if (this.replaced) return;
    if (this.model.get("status") !== status || this.model.get("error") !== error) this.save({ status, error });
  }

  /** Readings to the panel, the kernel and the server. */
  report() {
    const snapshot = this.readings.snapshot(nowS());
    const { connection, readings } = this;
    if (this.visible && this.model.get("show_readings")) showReadings(this.layout.readings, snapshot, readings.ledger);
    if (!connection.ready) return;
    const values = {
      ...plainReadings({ ...snapshot, round_trip_ms: 1000 * connection.offsets.roundTripS }),
      pacing: connection.pacer.effective,
      encoder: this.producer.encoder.where,
      buffered_bytes: connection.bufferedBytes,
      visible: this.visible,
    };
    connection.say({ type: "stats", values });
    this.save({ stats: { ...values, ledger: readings.ledger } });
    if (this.producer.lastError) this.showStatus();
  }

  close() {
    this.abort.abort();
    clearInterval(this.reportTimer);
    this.producer.close();
    this.painter.stop();
    this.connection.stop();
    this.source.close();
  }
}

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  const viewer = new PoseViewer(model, el);
  return () => viewer.close();
}

export default { render };
