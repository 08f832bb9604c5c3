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
/** Below it a landmark is more likely a guess about something hidden than seen. */
const FAINT = 0.15;

/**
 * @typedef {Object} Scene
 * @property {Float32Array | null} px (33, 3) flattened, pixels of the camera's picture
 * @property {Float32Array | null} visibility (33,)
 * @property {Float32Array | null} handsPx (2, 21, 3) flattened
 * @property {string[]} angleNames each named after the landmark at its vertex
 * @property {Float32Array | null} anglesDeg
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
  drawBones(ctx, scene, place, unit);
  if (scene.handsPx) drawHands(ctx, scene.handsPx, place, unit);
  if (scene.showAngles && scene.anglesDeg) drawAngles(ctx, scene, place, unit);
  ctx.globalAlpha = 1;
}

/**
 * @typedef {(flat: Float32Array, k: number) => [number, number]} Placer from camera pixels to canvas pixels
 * @param {number} scaleX @param {number} scaleY @param {number} mirrorWidth 0: not mirrored
 * @returns {Placer}
 */
function placer(scaleX, scaleY, mirrorWidth) {
  return (flat, k) => {
    const x = flat[3 * k] * scaleX;
    return [mirrorWidth ? mirrorWidth - x : x, flat[3 * k + 1] * scaleY];
  };
}

/** @param {Scene} scene @param {number} k */
function opacity(scene, k) {
  const visibility = scene.visibility?.[k] ?? 1;
  const seen = scene.px && scene.px[3 * k] === scene.px[3 * k]; // NaN differs from itself
  return seen && visibility >= FAINT ? Math.min(1, 0.15 + 0.85 * visibility) : 0;
}

/** @param {CanvasRenderingContext2D} ctx @param {Scene} scene @param {Placer} place @param {number} unit */
function drawBones(ctx, scene, place, unit) {
  const px = /** @type {Float32Array} */ (scene.px);
  for (const [a, b] of POSE_BONES) {
    ctx.globalAlpha = Math.min(opacity(scene, a), opacity(scene, b));
    if (ctx.globalAlpha === 0) continue;
    const sides = [sideOf(a), sideOf(b)];
    const side = sides[0] === sides[1] ? sides[0] : "middle";
    const isFace = a < FACE_LANDMARKS;
    strokeLine(ctx, place(px, a), place(px, b), (isFace ? 1.2 : 3) * unit, SIDE_COLOURS[side], unit);
  }
  for (let k = FACE_LANDMARKS; k < POSE_LANDMARKS.length; k += 1) {
    ctx.globalAlpha = opacity(scene, k);
    if (ctx.globalAlpha === 0) continue;
    dot(ctx, place(px, k), (k < 17 || (k >= 23 && k < 29) ? 3.2 : 2) * unit, SIDE_COLOURS[sideOf(k)], unit);
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {Float32Array} handsPx @param {Placer} place @param {number} unit */
function drawHands(ctx, handsPx, place, unit) {
  ctx.globalAlpha = 0.95;
  for (const hand of [0, 1]) {
    const points = handsPx.subarray(63 * hand, 63 * (hand + 1));
    if (points[0] !== points[0]) continue; // not seen
    const colour = SIDE_COLOURS[hand === 0 ? "left" : "right"];
    for (const [a, b] of HAND_BONES) strokeLine(ctx, place(points, a), place(points, b), 1.4 * unit, colour, 0.6 * unit);
    for (const tip of [4, 8, 12, 16, 20]) dot(ctx, place(points, tip), 1.8 * unit, SIDE_COLOURS.middle, 0.6 * unit);
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {Scene} scene @param {Placer} place @param {number} unit */
function drawAngles(ctx, scene, place, unit) {
  const px = /** @type {Float32Array} */ (scene.px);
  const size = Math.max(11, 11 * unit);
  ctx.font = `600 ${size}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  scene.angleNames.forEach((name, i) => {
    const k = POSE_LANDMARKS.indexOf(name);
    const value = scene.anglesDeg?.[i] ?? NaN;
    if (k < 0 || Number.isNaN(value) || opacity(scene, k) === 0) return;
    const [x, y] = place(px, k);
    const words = `${Math.round(value)}°`;
    const padX = 0.35 * size;
    const width = ctx.measureText(words).width + 2 * padX;
    // Outwards from the body, so that the label covers no limb: the side depends on the mirrored picture.
    const outwards = (sideOf(k) === "left") !== scene.mirror ? 1 : -1;
    const left = x + (outwards > 0 ? 0.8 * size : -0.8 * size - width);
    ctx.globalAlpha = 0.9;
    ctx.fillStyle = "rgba(8, 12, 18, 0.72)";
    ctx.beginPath();
    ctx.roundRect(left, y - 0.75 * size, width, 1.5 * size, 0.4 * size);
    ctx.fill();
    ctx.fillStyle = SIDE_COLOURS[sideOf(k)];
    ctx.fillText(words, left + padX, y);
  });
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {[number, number]} from @param {[number, number]} to
 * @param {number} width @param {string} colour @param {number} edge
 */
function strokeLine(ctx, from, to, width, colour, edge) {
  ctx.beginPath();
  ctx.moveTo(from[0], from[1]);
  ctx.lineTo(to[0], to[1]);
  ctx.lineWidth = width + 1.6 * edge;
  ctx.strokeStyle = EDGE;
  ctx.stroke();
  ctx.lineWidth = width;
  ctx.strokeStyle = colour;
  ctx.stroke();
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {[number, number]} at @param {number} radius
 * @param {string} colour @param {number} edge
 */
function dot(ctx, at, radius, colour, edge) {
  ctx.beginPath();
  ctx.arc(at[0], at[1], radius, 0, 2 * Math.PI);
  ctx.lineWidth = 1.6 * edge;
  ctx.strokeStyle = EDGE;
  ctx.stroke();
  ctx.fillStyle = colour;
  ctx.fill();
}
