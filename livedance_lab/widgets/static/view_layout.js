// @ts-check
/**
 * view_layout.js: the view's elements, and the readings in words, numbers and two bars. No logic of its own.
 */

import { FRAME_STATES, openFrames } from "./view_stats.js";

const STATE_WORDS = /** @type {Record<string, [string, string]>} */ ({
  processed: ["processed", "Its result left the server."],
  superseded: ["superseded", "A newer frame took its place before inference began."],
  client_skipped: ["not sent", "Pacing: no frame is sent while it could only wait."],
  late: ["late", "Its result was ready only after a newer one had left."],
  rejected: ["rejected", "The picture was empty, broken, oversized or of an unknown kind."],
  failed: ["failed", "The estimator could not work on it."],
  lost: ["lost", "Sent, never answered: the connection ended."],
  open: ["under way", "Captured, and not ended yet."],
});

const FLOW = [
  ["camera_fps", "camera", "New frames the camera gives per second."],
  ["sent_per_s", "sent", "Frames sent to the server per second."],
  ["results_per_s", "results", "Results received per second."],
  ["painted_fps", "painted", "New positions of the skeleton painted per second."],
];

const AGE_PARTS = [
  ["prepare_p50_ms", "prepare", "Capture to sending: shrinking, encoding, waiting for the browser."],
  ["network_p50_ms", "network", "On the way, there and back."],
  ["server_p50_ms", "server", "Arrival to departure: waiting, inference, smoothing."],
];

/**
 * @param {string} tag @param {string} className @param {string} [text] @param {string} [title]
 * @returns {HTMLElement}
 */
export function element(tag, className, text = "", title = "") {
  const made = document.createElement(tag);
  made.className = className;
  if (text) made.textContent = text;
  if (title) made.title = title;
  return made;
}

/**
 * @param {HTMLElement} parent @param {string} label @param {string} title @param {() => void} onClick
 * @returns {HTMLButtonElement}
 */
function button(parent, label, title, onClick) {
  const made = /** @type {HTMLButtonElement} */ (element("button", "ldl-button", label, title));
  made.type = "button";
  made.addEventListener("click", onClick);
  parent.append(made);
  return made;
}

/**
 * Everything a view consists of, in place.
 * @param {HTMLElement} root
 * @param {{ onRun: () => void, onMirror: () => void, onAngles: () => void, onReadings: () => void }} actions
 */
export function buildLayout(root, actions) {
  root.classList.add("ldl-view");
  const bar = element("div", "ldl-bar");
  const status = element("span", "ldl-status");
  status.setAttribute("role", "status");
  bar.append(status, element("span", "ldl-spacer"));
  const buttons = {
    run: button(bar, "Pause", "Stop or go on capturing.", actions.onRun),
    mirror: button(bar, "Mirror", "Flip the picture like a mirror; the data stay as they are.", actions.onMirror),
    angles: button(bar, "Angles", "Show the joint angles, in degrees.", actions.onAngles),
    readings: button(bar, "Readings", "Show rates, ages and what became of every frame.", actions.onReadings),
  };
  const stage = element("div", "ldl-stage");
  const video = document.createElement("video");
  video.className = "ldl-video";
  video.muted = true;
  video.playsInline = true;
  const canvas = document.createElement("canvas");
  canvas.className = "ldl-canvas";
  const notice = element("div", "ldl-notice");
  stage.append(video, canvas, notice);
  const readings = buildReadings();
  const body = element("div", "ldl-body");
  body.append(stage, readings.root);
  const error = element("div", "ldl-error");
  error.setAttribute("role", "alert");
  error.hidden = true;
  root.append(bar, error, body);
  return { root, status, buttons, stage, video, canvas, notice, readings, error };
}

function buildReadings() {
  const root = element("div", "ldl-readings");
  const numbers = /** @type {Record<string, HTMLElement>} */ ({});
  const flow = element("div", "ldl-flow");
  for (const [name, label, title] of FLOW) {
    const cell = element("div", "ldl-cell", "", title);
    numbers[name] = element("span", "ldl-number", "–");
    cell.append(numbers[name], element("span", "ldl-label", label));
    flow.append(cell);
  }
  const rates = section("Per second", "Over the last three seconds.", false);
  rates.figure.remove();
  rates.root.append(flow);
  const age = section(
    "Age of a result",
    "From capture to the arrival of its result in this page; p95: 95 of 100 are younger.",
  );
  const screen = section("On screen", "How far the painted joints are from their true place at that moment.", false);
  const frames = section("Frames", "Every captured frame ends in exactly one state.");
  root.append(rates.root, age.root, screen.root, frames.root);
  return { root, numbers, age, screen, frames };
}

/** @param {string} title @param {string} hint @param {boolean} [withBar] */
function section(title, hint, withBar = true) {
  const root = element("section", "ldl-section");
  const head = element("div", "ldl-head");
  const figure = element("span", "ldl-figure", "–");
  head.append(element("span", "ldl-title", title, hint), figure);
  const bar = element("div", "ldl-meter");
  const legend = element("div", "ldl-legend");
  root.append(head, ...(withBar ? [bar, legend] : []));
  return { root, figure, bar, legend };
}

/**
 * @param {ReturnType<typeof buildLayout>["readings"]} panel @param {Record<string, number>} snapshot
 * @param {import("./view_stats.js").Ledger | null} ledger
 */
export function showReadings(panel, snapshot, ledger) {
  for (const [name] of FLOW) panel.numbers[name].textContent = rateWords(snapshot[name]);
  const { age_p50_ms: p50, age_p95_ms: p95 } = snapshot;
  const known = Number.isFinite(p50);
  panel.age.figure.textContent = known ? `median ${Math.round(p50)} ms, p95 ${Math.round(p95)} ms` : "–";
  showParts(
    panel.age,
    AGE_PARTS.map(([name, label, title]) => [label, title, snapshot[name], "ms"]),
  );
  const offPx = snapshot.shown_error_p50_px;
  panel.screen.figure.textContent = Number.isFinite(offPx) ? `joints ${offPx.toFixed(1)} px off` : "–";
  if (!ledger) return;
  panel.frames.figure.textContent = `${ledger.captured.toLocaleString()} captured`;
  const counts = /** @type {Record<string, number>} */ ({ ...ledger, open: openFrames(ledger) });
  const parts = [...FRAME_STATES, "open"].map((state) => [...STATE_WORDS[state], counts[state] ?? 0, ""]);
  showParts(panel.frames, parts);
}

/**
 * A bar of shares and its legend; colours follow the position, so that a part keeps its own.
 * @param {{ bar: HTMLElement, legend: HTMLElement }} meter @param {any[]} parts
 */
function showParts({ bar, legend }, parts) {
  const total = parts.reduce((sum, [, , value]) => sum + (value > 0 ? value : 0), 0);
  if (bar.childElementCount !== parts.length) {
    bar.replaceChildren(...parts.map((_, i) => element("span", `ldl-part ldl-part-${i}`)));
    legend.replaceChildren(...parts.map(([label, title], i) => legendItem(label, title, i)));
  }
  parts.forEach(([, , value, unit], i) => {
    const share = total > 0 && value > 0 ? value / total : 0;
    /** @type {HTMLElement} */ (bar.children[i]).style.flexGrow = String(share);
    const item = /** @type {HTMLElement} */ (legend.children[i]);
    item.hidden = !(value > 0);
    const number = /** @type {HTMLElement} */ (item.lastChild);
    number.textContent = unit ? `${Math.round(value)} ${unit}` : value.toLocaleString();
  });
}

/** @param {string} label @param {string} title @param {number} i */
function legendItem(label, title, i) {
  const item = element("span", "ldl-item", "", title);
  item.append(element("i", `ldl-swatch ldl-part-${i}`), element("span", "ldl-name", label), element("b", "ldl-count"));
  return item;
}

/** @param {number} perSecond */
function rateWords(perSecond) {
  if (!Number.isFinite(perSecond)) return "–";
  return perSecond < 9.95 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}
