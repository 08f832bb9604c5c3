// @ts-check
/**
 * overlay.js: the skeleton as a person sees it. Drawing only; it decides nothing and keeps nothing.
 *
 * The person's left is blue and right is orange (distinct for colour-blind eyes too), the middle is white; every
 * stroke has a dark edge, so that it stands out on any clothing. Opacity is the landmark's visibility.
 */

import { HAND_BONES, POSE_BONES, POSE_LANDMARKS, sideOf } from "./skeleton.js";

export const SIDE_COLOURS = { left: "#4cc2ff", right: "#ff9f45", middle: "#f4f6f8" };
const EDGE = "rgba(8, 12, 18, 0.55)";
const FACE_LANDMARKS = 11;
const TORSO = ["left_shoulder", "right_shoulder", "left_hip", "right_hip"].map((name) => POSE_LANDMARKS.indexOf(name));
/** Below it a landmark is more likely a guess about something hidden than seen. */
const FAINT = 0.15;

/**
 * @typedef {Object} Scene
 * @property {Float64Array | null} px (33, 2) flattened, pixels of the camera's picture
 * @property {Float32Array | null} visibility (33,)
 * @property {Float64Array | null} handsPx (2, 21, 2) flattened
 * @property {number[][]} anglePlaces for each angle, the landmarks it is written half-way between; none: nowhere
 * @property {Float32Array | null} anglesSmoothDeg
 * @property {boolean} mirror flips the picture, never the words
 * @property {boolean} showAngles
 */

/**
 * Match a canvas to the screen's own pixels.
 * @param {HTMLCanvasElement} canvas @param {number} ratio device pixels per CSS pixel
 */
export function fitCanvas(canvas, ratio) {
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {Scene} scene
 * @param {number} sourceWidthPx @param {number} sourceHeightPx size of the camera's picture
 */
export function drawScene(ctx, scene, sourceWidthPx, sourceHeightPx) {
  const { width, height } = ctx.canvas;
  ctx.clearRect(0, 0, width, height);
  if (!scene.px || !sourceWidthPx) return;
  const scale = width / sourceWidthPx;
  const unit = Math.max(1, Math.min(width, height) / 360); // line widths follow the picture's size
  const place = placer(scale, height / sourceHeightPx, scene.mirror ? width : 0);
  ctx.lineCap = "round";
  ctx.lineJoin = "round";
  drawStrokes(ctx, bodyStrokes(scene, place, unit), unit);
  if (scene.handsPx) drawStrokes(ctx, handStrokes(scene.handsPx, place, unit), unit);
  if (scene.showAngles && scene.anglesSmoothDeg) drawAngles(ctx, scene, place, unit);
  ctx.globalAlpha = 1;
}

/**
 * @typedef {(flat: Float64Array, k: number) => [number, number]} Placer from camera pixels to canvas pixels
 * @param {number} scaleX @param {number} scaleY @param {number} mirrorWidth 0: not mirrored
 * @returns {Placer}
 */
function placer(scaleX, scaleY, mirrorWidth) {
  return (flat, k) => {
    const x = flat[2 * k] * scaleX;
    return [mirrorWidth ? mirrorWidth - x : x, flat[2 * k + 1] * scaleY];
  };
}

/** @param {Scene} scene @param {number} k */
function opacity(scene, k) {
  const visibility = scene.visibility?.[k] ?? 1;
  const seen = scene.px && scene.px[2 * k] === scene.px[2 * k]; // NaN differs from itself
  return seen && visibility >= FAINT ? Math.min(1, 0.15 + 0.85 * visibility) : 0;
}

/**
 * @typedef {{ path: Path2D, width: number, colour: string, alpha: number, fill: boolean }} Stroke
 * @param {Scene} scene @param {Placer} place @param {number} unit @returns {Stroke[]}
 */
function bodyStrokes(scene, place, unit) {
  const px = /** @type {Float64Array} */ (scene.px);
  const bones = POSE_BONES.map(([a, b]) => {
    const side = sideOf(a) === sideOf(b) ? sideOf(a) : "middle";
    const alpha = Math.min(opacity(scene, a), opacity(scene, b));
    return line(place(px, a), place(px, b), (a < FACE_LANDMARKS ? 1 : 3) * unit, SIDE_COLOURS[side], alpha);
  });
  const joints = [];
  for (let k = FACE_LANDMARKS; k < POSE_LANDMARKS.length; k += 1) {
    const radius = k < 17 || (k >= 23 && k < 29) ? 3.2 : 1.8; // the limbs' joints; then fingers and feet
    joints.push(dot(place(px, k), radius * unit, SIDE_COLOURS[sideOf(k)], opacity(scene, k)));
  }
  return [...bones, ...joints].filter((stroke) => stroke.alpha > 0);
}

/** @param {Float64Array} handsPx @param {Placer} place @param {number} unit @returns {Stroke[]} */
function handStrokes(handsPx, place, unit) {
  return [0, 1].flatMap((hand) => {
    const points = handsPx.subarray(42 * hand, 42 * (hand + 1));
    if (points[0] !== points[0]) return []; // NaN: not seen
    const colour = SIDE_COLOURS[hand === 0 ? "left" : "right"];
    const bones = HAND_BONES.map(([a, b]) => line(place(points, a), place(points, b), 1.2 * unit, colour, 0.95));
    const tips = [4, 8, 12, 16, 20].map((tip) => dot(place(points, tip), 1.5 * unit, SIDE_COLOURS.middle, 0.95));
    return [...bones, ...tips];
  });
}

/**
 * All dark edges first, so that none lies over a neighbour's colour.
 * @param {CanvasRenderingContext2D} ctx @param {Stroke[]} strokes @param {number} unit
 */
function drawStrokes(ctx, strokes, unit) {
  ctx.strokeStyle = EDGE;
  for (const { path, width, alpha } of strokes) {
    ctx.globalAlpha = alpha;
    ctx.lineWidth = width + Math.min(1.6 * unit, 0.8 * width + 0.4 * unit);
    ctx.stroke(path);
  }
  for (const { path, width, colour, alpha, fill } of strokes) {
    ctx.globalAlpha = alpha;
    ctx.lineWidth = width;
    ctx.strokeStyle = ctx.fillStyle = colour;
    if (fill) ctx.fill(path);
    else ctx.stroke(path);
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {Scene} scene @param {Placer} place @param {number} unit */
function drawAngles(ctx, scene, place, unit) {
  const px = /** @type {Float64Array} */ (scene.px);
  const size = Math.max(11, 11 * unit);
  ctx.font = `600 ${size}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const middle = halfWay(TORSO.map((k) => place(px, k)))[0];
  scene.anglePlaces.forEach((landmarks, i) => {
    const value = scene.anglesSmoothDeg?.[i] ?? NaN;
    if (landmarks.length === 0 || Number.isNaN(value) || landmarks.some((k) => opacity(scene, k) === 0)) return;
    const [x, y] = halfWay(landmarks.map((k) => place(px, k)));
    const words = `${Math.round(value) || 0}°`; // || 0: no -0
    const padX = 0.35 * size;
    const width = ctx.measureText(words).width + 2 * padX;
    const sides = new Set(landmarks.map(sideOf));
    const side = sides.size === 1 ? [...sides][0] : "middle";
    // Outwards from the body, so that the label covers no limb; what has no side stands between the sides.
    const outwards = x >= middle ? 0.8 * size : -0.8 * size - width;
    const beside = x + (side === "middle" ? -width / 2 : outwards);
    const left = Math.max(0, Math.min(beside, ctx.canvas.width - width));
    ctx.globalAlpha = 0.9;
    ctx.fillStyle = "rgba(8, 12, 18, 0.72)";
    ctx.beginPath();
    ctx.roundRect(left, y - 0.75 * size, width, 1.5 * size, 0.4 * size);
    ctx.fill();
    ctx.fillStyle = SIDE_COLOURS[side];
    ctx.fillText(words, left + padX, y);
  });
}

/** @param {[number, number][]} points @returns {[number, number]} */
function halfWay(points) {
  const mean = (/** @type {0 | 1} */ axis) => points.reduce((sum, at) => sum + at[axis], 0) / points.length;
  return [mean(0), mean(1)];
}

/**
 * @param {[number, number]} from @param {[number, number]} to @param {number} width @param {string} colour
 * @param {number} alpha @returns {Stroke}
 */
function line(from, to, width, colour, alpha) {
  const path = new Path2D();
  path.moveTo(from[0], from[1]);
  path.lineTo(to[0], to[1]);
  return { path, width, colour, alpha, fill: false };
}

/**
 * @param {[number, number]} at @param {number} radius @param {string} colour @param {number} alpha @returns {Stroke}
 */
function dot(at, radius, colour, alpha) {
  const path = new Path2D();
  path.arc(at[0], at[1], radius, 0, 2 * Math.PI);
  return { path, width: 0.8 * radius, colour, alpha, fill: true };
}
