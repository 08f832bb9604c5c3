// @ts-check
/**
 * view_layout.js: the view's elements, and the display of its statistics.
 *
 * @typedef {Record<string, { label: string, description: string, colour: string }>} FrameStates
 *   Representation of the frame states, from livedance_lab/plots/theme.py, in the order of the legend.
 * @typedef {{ label: string, description: string, colour: string, value: number, text: string }} Part
 */

import { openFrames } from "./view_stats.js";

/** Name in the statistics, label, tooltip. */
const RATES = [
  ["camera_fps", "camera", "New frames of the camera per second."],
  ["sent_per_s", "sent", "Frames sent to the server per second."],
  ["results_per_s", "results", "Results received per second."],
  ["painted_fps", "painted", "New skeleton positions painted per second."],
];

/** Name in the statistics, label, tooltip, colour. */
const AGE_PARTS = [
  ["prepare_p50_ms", "capture to send", "Scaling down, encoding, and waiting for the browser.", "#009e73"],
  ["network_p50_ms", "network", "Transfer to the server and back.", "#56b4e9"],
  ["server_p50_ms", "server", "Waiting, inference and smoothing.", "#9aa4af"],
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
 * Create all elements of a view.
 * @param {HTMLElement} root
 * @param {{ onRun: () => void, onMirror: () => void, onAngles: () => void, onStats: () => void }} actions
 */
export function buildLayout(root, actions) {
  root.classList.add("ldl-view");
  const bar = element("div", "ldl-bar");
  const status = element("span", "ldl-status");
  status.setAttribute("role", "status");
  bar.append(status, element("span", "ldl-spacer"));
  const buttons = {
    run: button(bar, "Pause", "Pause or continue capturing.", actions.onRun),
    mirror: button(bar, "Mirror", "Flip the picture like a mirror. The data do not change.", actions.onMirror),
    angles: button(bar, "Angles", "Show the joint angles in degrees.", actions.onAngles),
    stats: button(bar, "Statistics", "Show rates, result age and frame states.", actions.onStats),
    person: button(bar, "", "", () => {}), // see `PersonChoice`
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
  const stats = buildStats();
  const body = element("div", "ldl-body");
  body.append(stage, stats.root);
  const error = element("div", "ldl-error");
  error.setAttribute("role", "alert");
  error.hidden = true;
  root.append(bar, error, body);
  return { root, status, buttons, stage, video, canvas, notice, stats, error };
}

function buildStats() {
  const root = element("div", "ldl-stats");
  const numbers = /** @type {Record<string, HTMLElement>} */ ({});
  const cells = element("div", "ldl-rates");
  for (const [name, label, title] of RATES) {
    const cell = element("div", "ldl-cell", "", title);
    numbers[name] = element("span", "ldl-number", "–");
    cell.append(numbers[name], element("span", "ldl-label", label));
    cells.append(cell);
  }
  const rates = section("Rates per second", "Over the last three seconds.", false);
  rates.figure.remove();
  rates.root.append(cells);
  const age = section(
    "Result age",
    "From the capture of a frame to the arrival of its result in this page. p95: 95 % of the results are younger.",
  );
  const screen = section(
    "Painting error",
    "Median distance of the painted joints from their positions in the result of the same time, in camera pixels.",
    false,
  );
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
 * @param {ReturnType<typeof buildLayout>["stats"]} panel @param {Record<string, number>} snapshot
 * @param {import("./view_stats.js").Ledger | null} ledger @param {FrameStates} frameStates
 */
export function showStats(panel, snapshot, ledger, frameStates) {
  for (const [name] of RATES) panel.numbers[name].textContent = rateText(snapshot[name]);
  const { age_p50_ms: p50, age_p95_ms: p95, shown_error_p50_px: errorPx } = snapshot;
  panel.age.figure.textContent = Number.isFinite(p50) ? `median ${Math.round(p50)} ms, p95 ${Math.round(p95)} ms` : "–";
  const ageParts = AGE_PARTS.map(([name, label, description, colour]) => {
    return { label, description, colour, value: snapshot[name], text: `${Math.round(snapshot[name])} ms` };
  });
  showParts(panel.age, ageParts);
  panel.screen.figure.textContent = Number.isFinite(errorPx) ? `median ${errorPx.toFixed(1)} px` : "–";
  if (!ledger) return;
  panel.frames.figure.textContent = `${ledger.captured.toLocaleString()} captured`;
  const counts = /** @type {Record<string, number>} */ ({ ...ledger, open: openFrames(ledger) });
  const frameParts = Object.entries(frameStates).map(([state, shown]) => {
    const value = counts[state] ?? 0;
    return { ...shown, value, text: value.toLocaleString() };
  });
  showParts(panel.frames, frameParts);
}

/**
 * Show a bar of shares and its legend.
 * @param {{ bar: HTMLElement, legend: HTMLElement }} meter @param {Part[]} parts
 */
function showParts({ bar, legend }, parts) {
  const total = parts.reduce((sum, { value }) => sum + (value > 0 ? value : 0), 0);
  if (bar.childElementCount !== parts.length) {
    bar.replaceChildren(...parts.map(({ colour }) => swatch("ldl-part", colour)));
    legend.replaceChildren(...parts.map(legendItem));
  }
  parts.forEach(({ value, text }, i) => {
    /** @type {HTMLElement} */ (bar.children[i]).style.flexGrow = String(value > 0 ? value / total : 0);
    const item = /** @type {HTMLElement} */ (legend.children[i]);
    item.hidden = !(value > 0);
    /** @type {HTMLElement} */ (item.lastChild).textContent = text;
  });
}

/** @param {Part} part */
function legendItem({ label, description, colour }) {
  const item = element("span", "ldl-item", "", description);
  item.append(swatch("ldl-swatch", colour), element("span", "ldl-name", label), element("b", "ldl-count"));
  return item;
}

/** @param {string} className @param {string} colour */
function swatch(className, colour) {
  const made = element("span", className);
  made.style.background = colour;
  return made;
}

/** @param {number} perSecond */
function rateText(perSecond) {
  if (!Number.isFinite(perSecond)) return "–";
  return perSecond < 9.95 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}
