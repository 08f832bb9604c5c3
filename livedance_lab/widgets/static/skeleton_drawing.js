// @ts-check
/**
 * skeleton_drawing.js: drawing of the skeletons. It has no state.
 *
 * The person's left is blue and the right is orange, which colour-blind people can distinguish too; the middle is white.
 * Every stroke has a dark edge, so that it is visible on any clothing. Opacity is the landmark's visibility. If there is
 * more than one person, each has their id above the head, and a contour in a colour of their own inside the dark edge.
 * The followed person's contour is thicker, and their id is on a filled label.
 */

import { HAND_BONES, POSE_BONES, POSE_LANDMARKS, sideOf } from "./skeletons.js";

export const SIDE_COLOURS = { left: "#4cc2ff", right: "#ff9f45", middle: "#f4f6f8" };
/** Colour of a person with id 1, 2 ...; none resembles a colour of the sides. */
export const PERSON_COLOURS = ["#5fe36f", "#ff62d6", "#ffe34d", "#b28dff", "#ff5a5a", "#c8b08a"];
const EDGE = "rgba(8, 12, 18, 0.55)";
const LABEL = "rgba(8, 12, 18, 0.72)";
const FACE_LANDMARKS = 11;
const TORSO = ["left_shoulder", "right_shoulder", "left_hip", "right_hip"].map((name) => POSE_LANDMARKS.indexOf(name));
/** Landmarks with less visibility are not drawn, because they are probably hidden. */
const MIN_VISIBILITY = 0.15;
/** How far beyond the outermost landmarks a person can be clicked, as a share of their size. */
const BOX_MARGIN = 0.1;

/**
 * @typedef {Object} PersonScene
 * @property {number} id
 * @property {Float64Array | null} px (33, 2) flattened, pixels of the camera's picture
 * @property {Float32Array | null} visibility (33,)
 * @property {Float64Array | null} handsPx (2, 21, 2) flattened
 * @property {Float32Array | null} anglesSmoothDeg
 *
 * @typedef {Object} Scene
 * @property {PersonScene[]} people
 * @property {number[][]} anglePlaces for each angle, the landmarks whose midpoint is its label's position; empty: no label
 * @property {number} followedId the person whose values a result has under its own names; 0: nobody
 * @property {boolean} mirror flips the picture, but not the labels
 * @property {boolean} showAngles
 */

/**
 * Set a canvas to the screen's resolution.
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
  if (scene.people.length === 0 || !sourceWidthPx) return;
  const scale = width / sourceWidthPx;
  const unit = Math.max(1, Math.min(width, height) / 360); // line widths scale with the picture
  const toCanvas = projection(scale, height / sourceHeightPx, scene.mirror ? width : 0);
  ctx.lineCap = "round";
  ctx.lineJoin = "round";
  const several = scene.people.length > 1;
  for (const person of scene.people) {
    const contour = several ? PERSON_COLOURS[(person.id - 1) % PERSON_COLOURS.length] : null;
    const followed = person.id === scene.followedId;
    const contourWidth = (followed ? 3 : 1) * unit;
    drawStrokes(ctx, bodyStrokes(person, toCanvas, unit), unit, contour, contourWidth);
    if (person.handsPx) drawStrokes(ctx, handStrokes(person.handsPx, toCanvas, unit), unit, contour, contourWidth);
    if (contour) drawId(ctx, person, toCanvas, unit, contour, followed);
  }
  if (scene.showAngles) for (const person of scene.people) drawAngles(ctx, person, scene.anglePlaces, toCanvas, unit);
  ctx.globalAlpha = 1;
}

/**
 * Find the person at a place in the camera's picture: among those whose bounding box, a little enlarged, contains the
 * place, the one whose skeleton is nearest.
 * @param {PersonScene[]} people @param {number} xPx @param {number} yPx
 * @returns {number | null} the id
 */
export function personAt(people, xPx, yPx) {
  let [nearest, nearestPx] = [/** @type {number | null} */ (null), Infinity];
  for (const person of people) {
    const { px } = person;
    const seen = POSE_LANDMARKS.flatMap((_, k) => (opacity(person, k) > 0 ? [k] : []));
    if (!px || seen.length === 0) continue;
    const xs = seen.map((k) => px[2 * k]);
    const ys = seen.map((k) => px[2 * k + 1]);
    const box = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const margin = BOX_MARGIN * Math.max(box[1] - box[0], box[3] - box[2]);
    const outside = Math.max(box[0] - xPx, xPx - box[1], box[2] - yPx, yPx - box[3]);
    if (outside > margin) continue;
    const bones = [...POSE_BONES, ...seen.map((k) => [k, k])].filter((ends) => ends.every((k) => opacity(person, k) > 0));
    const distancePx = Math.min(...bones.map(([a, b]) => distanceToBone(px, a, b, xPx, yPx)));
    if (distancePx < nearestPx) [nearest, nearestPx] = [person.id, distancePx];
  }
  return nearest;
}

/** @param {Float64Array} px @param {number} a @param {number} b @param {number} xPx @param {number} yPx */
function distanceToBone(px, a, b, xPx, yPx) {
  const [x, y] = [xPx - px[2 * a], yPx - px[2 * a + 1]];
  const [dx, dy] = [px[2 * b] - px[2 * a], px[2 * b + 1] - px[2 * a + 1]];
  const along = Math.max(0, Math.min(1, (x * dx + y * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - along * dx, y - along * dy);
}

/**
 * @typedef {(flat: Float64Array, k: number) => [number, number]} Projection point `k` in canvas pixels
 * @param {number} scaleX @param {number} scaleY @param {number} mirrorWidth 0: not mirrored
 * @returns {Projection}
 */
function projection(scaleX, scaleY, mirrorWidth) {
  return (flat, k) => {
    const x = flat[2 * k] * scaleX;
    return [mirrorWidth ? mirrorWidth - x : x, flat[2 * k + 1] * scaleY];
  };
}

/** @param {PersonScene} person @param {number} k */
function opacity(person, k) {
  const visibility = person.visibility?.[k] ?? 1;
  const seen = person.px && person.px[2 * k] === person.px[2 * k]; // false for NaN
  return seen && visibility >= MIN_VISIBILITY ? Math.min(1, 0.15 + 0.85 * visibility) : 0;
}

/**
 * @typedef {{ path: Path2D, width: number, colour: string, alpha: number, fill: boolean }} Stroke
 * @param {PersonScene} person @param {Projection} toCanvas @param {number} unit @returns {Stroke[]}
 */
function bodyStrokes(person, toCanvas, unit) {
  const px = /** @type {Float64Array} */ (person.px);
  const bones = POSE_BONES.map(([a, b]) => {
    const side = sideOf(a) === sideOf(b) ? sideOf(a) : "middle";
    const alpha = Math.min(opacity(person, a), opacity(person, b));
    return line(toCanvas(px, a), toCanvas(px, b), (a < FACE_LANDMARKS ? 1 : 3) * unit, SIDE_COLOURS[side], alpha);
  });
  const joints = [];
  for (let k = FACE_LANDMARKS; k < POSE_LANDMARKS.length; k += 1) {
    const radius = k < 17 || (k >= 23 && k < 29) ? 3.2 : 1.8; // joints of the limbs are larger than fingers and feet
    joints.push(dot(toCanvas(px, k), radius * unit, SIDE_COLOURS[sideOf(k)], opacity(person, k)));
  }
  return [...bones, ...joints].filter((stroke) => stroke.alpha > 0);
}

/** @param {Float64Array} handsPx @param {Projection} toCanvas @param {number} unit @returns {Stroke[]} */
function handStrokes(handsPx, toCanvas, unit) {
  return [0, 1].flatMap((hand) => {
    const points = handsPx.subarray(42 * hand, 42 * (hand + 1));
    if (points[0] !== points[0]) return []; // NaN: not seen
    const colour = SIDE_COLOURS[hand === 0 ? "left" : "right"];
    const bones = HAND_BONES.map(([a, b]) => line(toCanvas(points, a), toCanvas(points, b), 1.2 * unit, colour, 0.95));
    const tips = [4, 8, 12, 16, 20].map((tip) => dot(toCanvas(points, tip), 1.5 * unit, SIDE_COLOURS.middle, 0.95));
    return [...bones, ...tips];
  });
}

/**
 * Draw all edges first, so that none covers another stroke's colour.
 * @param {CanvasRenderingContext2D} ctx @param {Stroke[]} strokes @param {number} unit
 * @param {string | null} contour colour between the strokes and their dark edge; null: none
 * @param {number} contourWidth on both sides together, canvas pixels
 */
function drawStrokes(ctx, strokes, unit, contour, contourWidth) {
  if (contour) outline(ctx, strokes, unit, EDGE, contourWidth + 2 * unit);
  outline(ctx, strokes, unit, contour ?? EDGE, contour ? contourWidth : 0);
  for (const { path, width, colour, alpha, fill } of strokes) {
    ctx.globalAlpha = alpha;
    ctx.lineWidth = width;
    ctx.strokeStyle = ctx.fillStyle = colour;
    if (fill) ctx.fill(path);
    else ctx.stroke(path);
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {Stroke[]} strokes @param {number} unit @param {string} colour
 * @param {number} more than the usual width, canvas pixels
 */
function outline(ctx, strokes, unit, colour, more) {
  ctx.strokeStyle = colour;
  for (const { path, width, alpha } of strokes) {
    ctx.globalAlpha = alpha;
    ctx.lineWidth = width + Math.min(1.6 * unit, 0.8 * width + 0.4 * unit) + more;
    ctx.stroke(path);
  }
}

/**
 * Write a person's id above their highest visible landmark.
 * @param {CanvasRenderingContext2D} ctx @param {PersonScene} person @param {Projection} toCanvas @param {number} unit
 * @param {string} colour @param {boolean} filled
 */
function drawId(ctx, person, toCanvas, unit, colour, filled) {
  const px = /** @type {Float64Array} */ (person.px);
  const places = POSE_LANDMARKS.flatMap((_, k) => (opacity(person, k) > 0 ? [toCanvas(px, k)] : []));
  if (places.length === 0) return;
  const [x, y] = places.reduce((top, place) => (place[1] < top[1] ? place : top));
  const size = Math.max(13, 13 * unit);
  ctx.font = `700 ${size}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const label = String(person.id);
  const width = ctx.measureText(label).width + size;
  const left = Math.max(0, Math.min(x - width / 2, ctx.canvas.width - width));
  const middle = Math.max(0.75 * size, y - 2 * size);
  ctx.globalAlpha = 1;
  ctx.fillStyle = filled ? colour : LABEL;
  ctx.beginPath();
  ctx.roundRect(left, middle - 0.75 * size, width, 1.5 * size, 0.4 * size);
  ctx.fill();
  ctx.fillStyle = filled ? "#080c12" : colour;
  ctx.fillText(label, left + 0.5 * size, middle);
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {PersonScene} person @param {number[][]} anglePlaces
 * @param {Projection} toCanvas @param {number} unit
 */
function drawAngles(ctx, person, anglePlaces, toCanvas, unit) {
  if (!person.anglesSmoothDeg) return;
  const { anglesSmoothDeg } = person;
  const px = /** @type {Float64Array} */ (person.px);
  const size = Math.max(11, 11 * unit);
  ctx.font = `600 ${size}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const centreX = midpoint(TORSO.map((k) => toCanvas(px, k)))[0];
  anglePlaces.forEach((landmarks, i) => {
    const value = anglesSmoothDeg[i] ?? NaN;
    if (landmarks.length === 0 || Number.isNaN(value) || landmarks.some((k) => opacity(person, k) === 0)) return;
    const [x, y] = midpoint(landmarks.map((k) => toCanvas(px, k)));
    const label = `${Math.round(value) || 0}°`; // || 0: no -0
    const padX = 0.35 * size;
    const width = ctx.measureText(label).width + 2 * padX;
    const sides = new Set(landmarks.map(sideOf));
    const side = sides.size === 1 ? [...sides][0] : "middle";
    // labels of the sides are shifted outwards, so that they cover no limb; others are centred
    const outwards = x >= centreX ? 0.8 * size : -0.8 * size - width;
    const wanted = x + (side === "middle" ? -width / 2 : outwards);
    const left = Math.max(0, Math.min(wanted, ctx.canvas.width - width));
    ctx.globalAlpha = 0.9;
    ctx.fillStyle = LABEL;
    ctx.beginPath();
    ctx.roundRect(left, y - 0.75 * size, width, 1.5 * size, 0.4 * size);
    ctx.fill();
    ctx.fillStyle = SIDE_COLOURS[side];
    ctx.fillText(label, left + padX, y);
  });
}

/** @param {[number, number][]} points @returns {[number, number]} */
function midpoint(points) {
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
