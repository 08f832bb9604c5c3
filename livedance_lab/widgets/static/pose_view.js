// @ts-check
/**
 * pose_view.js: the widget: connects camera, server connection and skeleton animation, and shows their state.
 */

import { nowS } from "./clock.js";
import { Connection } from "./connection.js";
import { pacedWindow } from "./frame_credit.js";
import { describeBrowser, jupyterBaseUrl, socketUrl } from "./jupyter_page.js";
import { StreamSource } from "./camera_source.js";
import { PersonChoice } from "./person_choice.js";
import { Producer } from "./producer.js";
import { SkeletonAnimation } from "./skeleton_animation.js";
import { buildLayout, showStats } from "./view_layout.js";
import { ViewStats, plainStats } from "./view_stats.js";

const REPORT_MS = 500;

const STATUS_LABELS = /** @type {Record<string, string>} */ ({
  starting: "Starting",
  "opening camera": "Opening the camera",
  connecting: "Connecting to the server",
  "warming up": "Loading the model",
  live: "Live",
  reconnecting: "Reconnecting to the server",
  paused: "Paused",
  hidden: "Not visible, not capturing",
  ended: "Session ended",
  error: "Stopped",
});

/** Error events that stay on display, because data are missing from then on. */
const PERMANENT_EVENTS = new Set(["recording stopped", "video stopped", "session given up"]);
/** How long other error events are shown. */
const WARNING_SHOWN_S = 10;

class PoseViewer {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.abort = new AbortController();
    this.visible = true;
    /** @type {string[]} the settings on which this side acts; the server validates changes */
    this.clientSettings = model.get("client_settings");
    /** @type {import("./connection.js").Failure | null} */
    this.connectionFailure = null;
    this.frameError = ""; // of one frame; cleared by the next result
    this.sessionError = ""; // of the session, such as a recording that stopped on a full disk; stays
    this.warning = ""; // of the estimator or the server; cleared by results after a while
    this.warningS = 0;
    this.ended = false;
    this.modelReady = false; // on the server
    this.settingsOf = ""; // id of the session with the settings below
    /** @type {Record<string, any>} the session's settings, from the server */
    this.settings = {};
    this.stats = new ViewStats();
    this.layout = buildLayout(el, {
      onRun: () => this.onRunButton(),
      onMirror: () => this.toggle("mirror"),
      onAngles: () => this.toggle("show_angles"),
      onStats: () => this.toggle("show_stats"),
    });
    this.source = new StreamSource(model, this.layout.video, () => this.onSource());
    this.connection = this.makeConnection();
    this.producer = new Producer(this.layout.video, this.connection, this.stats, () => ({
      shortSidePx: model.get("short_side_px"),
      type: `image/${model.get("image_format")}`,
      quality: model.get("jpeg_quality"),
    }));
    this.animation = new SkeletonAnimation(
      this.layout.canvas,
      this.stats,
      () => ({ painting: model.get("painting"), mirror: model.get("mirror"), showAngles: model.get("show_angles") }),
      (seq, tResultS, tPaintS) => this.connection.addReceipt(seq, tResultS, tPaintS),
    );
    this.personChoice = new PersonChoice(this.layout.buttons.person, this.layout.canvas, this.animation, (person) =>
      this.connection.send({ type: "follow", person }),
    );
    this.observe();
    this.showOptions();
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
        settings: { ...this.sessionAngles(), ...model.get("requested_settings") },
        client: describeBrowser(),
      }),
      onWelcome: (welcome) => this.onWelcome(welcome),
      onResult: (result, tResultS) => this.onResult(result, tResultS),
      onMessage: (message) => this.onMessage(message),
      onFailure: (failure) => {
        this.connectionFailure = failure;
        if (failure?.final && !this.replaced) this.save({ running: false });
        this.update();
      },
    });
  }

  /** Observe the traits, the page and the video. */
  observe() {
    const { model, layout } = this;
    const { signal } = this.abort;
    /** @type {[string, () => void][]} */
    const handlers = [
      ["change:running", () => this.onRunning()],
      ["change:stream", () => this.onNewSource()],
      ["change:url change:token change:proxy", () => this.onNewServer()],
      ["change:mirror change:show_angles change:show_stats", () => this.showOptions()],
      ...this.clientSettings.map(
        (name) => /** @type {[string, () => void]} */ ([`change:${name}`, () => this.requestSetting(name)]),
      ),
    ];
    for (const [names, handler] of handlers) for (const name of names.split(" ")) model.on(name, handler);
    signal.addEventListener("abort", () => {
      for (const [names, handler] of handlers) for (const name of names.split(" ")) model.off(name, handler);
    });
    document.addEventListener("visibilitychange", () => this.update(), { signal });
    const sight = new IntersectionObserver(() => this.update());
    sight.observe(layout.stage);
    const size = new ResizeObserver(() => this.animation.refresh());
    size.observe(layout.stage);
    signal.addEventListener("abort", () => [sight, size].forEach((observer) => observer.disconnect()));
    layout.video.addEventListener("resize", () => this.fitStage(), { signal });
  }

  /** Whether another view, perhaps of the same widget, is the producer now; the traits then describe that view. */
  get replaced() {
    return this.connectionFailure?.code === "replaced";
  }

  onRunButton() {
    if (this.replaced) this.connectionFailure = null;
    else if (this.ended) this.startNewSession();
    else this.toggle("running");
    this.update();
  }

  /** @param {string} trait */
  toggle(trait) {
    this.save({ [trait]: !this.model.get(trait) });
  }

  /** Set traits here and in the kernel. @param {Record<string, any>} values */
  save(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  onRunning() {
    if (this.model.get("running")) {
      this.source.error = "";
      this.frameError = this.sessionError = this.warning = "";
      if (this.ended || this.connectionFailure?.code === "ended") this.startNewSession();
    }
    this.update();
  }

  /** Start a new session after the old one has ended. */
  startNewSession() {
    this.ended = false;
    this.settings = {};
    this.connection.stop();
    this.save({ session: "", running: true });
    this.update();
  }

  onNewSource() {
    this.source.close();
    this.update();
  }

  /** The stream was opened, or has failed. */
  onSource() {
    if (this.source.error) this.save({ running: false });
    this.update();
  }

  onNewServer() {
    this.connection.stop();
    this.connection.url = this.address;
    this.update();
  }

  /** Open, start or stop what the current state requires. Called after every change. */
  update() {
    if (this.abort.signal.aborted) return;
    const running = this.model.get("running") && !this.ended;
    this.visible = document.visibilityState === "visible" && this.layout.stage.checkVisibility();
    if (running && this.visible) this.source.open();
    if (running && this.connection.stopped && this.source.ready && !this.replaced) {
      this.connectionFailure = null;
      this.connection.start();
    }
    const capturing = running && this.visible && this.source.ready && this.connection.ready && this.modelReady;
    if (capturing !== this.producer.capturing) this.setCapturing(capturing);
    this.showStatus();
  }

  /** @param {boolean} capturing */
  setCapturing(capturing) {
    this.stats.restart();
    if (capturing) {
      this.layout.video.play().catch((error) => console.warn("livedance: the video cannot be played.", error));
      this.producer.start();
      this.animation.start();
    } else {
      this.producer.stop();
      this.animation.stop();
      this.animation.clear();
      this.personChoice.update();
      this.report();
    }
  }

  /** @param {any} welcome */
  onWelcome(welcome) {
    const before = this.settings;
    this.modelReady = welcome.ready ?? true;
    this.animation.anglePlaces = welcome.angle_places;
    this.connection.credit.window = pacedWindow(welcome.pose_lanes, navigator.hardwareConcurrency || 2);
    this.animation.clear();
    if (!welcome.resumed) this.producer.sent.clear();
    this.applySettings(welcome.settings);
    this.settingsOf = welcome.session;
    if (!welcome.resumed) this.restoreSettings(before);
    this.save({ session: welcome.session, requested_settings: {} });
    this.update();
  }

  /** The angles of the session that is rejoined: a server that does not know it cannot set them later. */
  sessionAngles() {
    return this.settingsOf && this.settingsOf === this.model.get("session") ? { angles: this.settings.angles } : {};
  }

  /** Send the settings again to a server that was restarted. @param {Record<string, any>} before */
  restoreSettings(before) {
    const changes = Object.entries(before).filter(([k, v]) => JSON.stringify(v) !== JSON.stringify(this.settings[k]));
    if (changes.length === 0) return;
    this.connection.send({ type: "settings", changes: Object.fromEntries(changes), by: "PoseView, after a restart" });
  }

  /** @param {import("./results.js").Result} result @param {number} tResultS */
  onResult(result, tResultS) {
    this.stats.onResult(result, this.producer.sent.get(result.seq), tResultS);
    this.animation.push(result, this.producer.sent, tResultS);
    this.personChoice.update();
    const warningExpired = this.warning !== "" && tResultS > this.warningS + WARNING_SHOWN_S;
    if (this.frameError || warningExpired) {
      this.frameError = "";
      if (warningExpired) this.warning = "";
      this.update();
    }
    this.stats.onWork(tResultS, 1000 * (nowS() - tResultS));
  }

  /** @param {any} message */
  onMessage(message) {
    if (message.type === "settings") this.applySettings(message.settings);
    else if (message.type === "refused" || message.type === "error") this.frameError = message.message;
    else if (message.type === "event") this.onEvent(message);
    else if (message.type === "ended") this.ended = true;
    else if (message.type === "bye" && message.code === "shutdown")
      this.ended = false; // the server may come back
    else return;
    this.update();
  }

  /** @param {{ kind: string, name: string, data: Record<string, any> }} event */
  onEvent({ kind, name, data }) {
    if (kind === "session" && name === "ready") this.modelReady = true;
    if (kind === "error") {
      const message = `${name}: ${data.reason ?? "no reason given"}`;
      if (PERMANENT_EVENTS.has(name)) this.sessionError = message;
      else [this.warning, this.warningS] = [message, nowS()];
    }
    if (kind === "recording") this.sessionError = ""; // a new recording has started, or it was finished
  }

  /** Apply the client's part of the session's settings. @param {Record<string, any>} settings */
  applySettings(settings) {
    this.settings = settings;
    this.save(Object.fromEntries(this.clientSettings.map((name) => [name, settings[name]])));
    this.connection.credit.pacing = this.model.get("pacing");
    this.animation.refresh();
  }

  /** A trait was changed in the kernel: send it to the server, which validates and logs it. @param {string} name */
  requestSetting(name) {
    const value = this.model.get(name);
    if (value === this.settings[name]) return;
    this.connection.send({ type: "settings", changes: { [name]: value }, by: "PoseView" });
  }

  fitStage() {
    const { videoWidth, videoHeight } = this.layout.video;
    if (videoWidth) this.layout.stage.style.setProperty("--ldl-aspect", String(videoWidth / videoHeight));
    this.animation.refresh();
  }

  showOptions() {
    const { root, buttons, video } = this.layout;
    const [mirror, angles, stats] = ["mirror", "show_angles", "show_stats"].map((name) => this.model.get(name));
    buttons.mirror.setAttribute("aria-pressed", String(mirror));
    buttons.angles.setAttribute("aria-pressed", String(angles));
    buttons.stats.setAttribute("aria-pressed", String(stats));
    video.classList.toggle("ldl-mirrored", mirror);
    root.classList.toggle("ldl-no-stats", !stats);
    this.animation.refresh();
  }

  /** @returns {string} a key of STATUS_LABELS */
  get status() {
    if (this.ended) return "ended";
    if (this.source.error || this.connectionFailure?.final) return "error";
    if (!this.model.get("running")) return "paused";
    if (!this.visible) return "hidden";
    if (!this.source.ready) return "opening camera";
    if (this.connectionFailure) return "reconnecting";
    if (!this.connection.ready) return "connecting";
    return this.modelReady ? "live" : "warming up";
  }

  /** @returns {string} the current error message, or "" */
  get error() {
    const session = this.frameError || this.sessionError || this.warning;
    return this.source.error || this.connectionFailure?.message || session || this.producer.lastError;
  }

  showStatus() {
    const { layout, status } = this;
    const error = this.error;
    layout.status.textContent = STATUS_LABELS[status];
    layout.root.dataset.status = status;
    layout.buttons.run.textContent = this.model.get("running") && !this.ended && !this.replaced ? "Pause" : "Start";
    layout.notice.textContent = status === "live" ? "" : STATUS_LABELS[status];
    layout.error.textContent = error;
    layout.error.hidden = !error;
    if (this.replaced) return;
    if (this.model.get("status") !== status || this.model.get("error") !== error) this.save({ status, error });
  }

  /** Show the statistics, and send them to the kernel and the server. */
  report() {
    const snapshot = this.stats.snapshot(nowS());
    const { connection, model } = this;
    const { ledger } = this.stats;
    if (this.visible && model.get("show_stats")) {
      showStats(this.layout.stats, snapshot, ledger, model.get("frame_states"));
    }
    if (!connection.ready) return;
    const values = {
      ...plainStats({ ...snapshot, round_trip_ms: 1000 * connection.offsets.roundTripS }),
      pacing: connection.credit.isPaced ? "paced" : "free",
      encoder: this.producer.encoder.where,
      buffered_bytes: connection.bufferedBytes,
      visible: this.visible,
    };
    connection.send({ type: "stats", values });
    this.save({ stats: { ...values, ledger } });
    if (this.producer.lastError) this.showStatus();
  }

  close() {
    this.abort.abort();
    clearInterval(this.reportTimer);
    this.producer.close();
    this.animation.stop();
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
