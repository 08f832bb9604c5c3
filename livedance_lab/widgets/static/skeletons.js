// @ts-check
/**
 * skeletons.js: names of the landmarks, and the bones between them.
 *
 * Twin of livedance_lab/skeletons.py; both are tested with data/golden/wire.json. Left and right are the person's own.
 */

const SIDES = ["left", "right"];

export const POSE_LANDMARKS = [
  "nose",
  ..."left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer".split(" "),
  ..."left_ear right_ear mouth_left mouth_right".split(" "),
  ...["shoulder", "elbow", "wrist", "pinky", "index", "thumb", "hip", "knee", "ankle", "heel", "foot_index"].flatMap(
    (part) => SIDES.map((side) => `${side}_${part}`),
  ),
];

/** @param {string[]} chains landmark names joined by "-" @returns {[number, number][]} */
function posePairs(chains) {
  return chains.flatMap((chain) => {
    const indices = chain.split("-").map((name) => POSE_LANDMARKS.indexOf(name));
    return indices.slice(1).map((b, i) => /** @type {[number, number]} */ ([indices[i], b]));
  });
}

export const POSE_BONES = posePairs([
  "left_ear-left_eye_outer-left_eye-left_eye_inner-nose-right_eye_inner-right_eye-right_eye_outer-right_ear",
  "mouth_left-mouth_right",
  "left_shoulder-right_shoulder-right_hip-left_hip-left_shoulder",
  ...SIDES.flatMap((side) => [
    "S_shoulder-S_elbow-S_wrist-S_pinky-S_index-S_wrist-S_thumb".replaceAll("S_", `${side}_`),
    "S_hip-S_knee-S_ankle-S_heel-S_foot_index-S_ankle".replaceAll("S_", `${side}_`),
  ]),
]);

/** Wrist 0, then thumb 1-4, index 5-8, middle 9-12, ring 13-16, pinky 17-20. @type {[number, number][]} */
export const HAND_BONES = [
  ...[1, 5, 9, 13, 17].flatMap((k) => [0, 1, 2].map((i) => /** @type {[number, number]} */ ([k + i, k + i + 1]))),
  [0, 1],
  [0, 5],
  [5, 9],
  [9, 13],
  [13, 17],
  [17, 0],
];

/** The side of a body landmark. @param {number} landmark @returns {"left" | "right" | "middle"} */
export function sideOf(landmark) {
  const name = POSE_LANDMARKS[landmark];
  return name.includes("left") ? "left" : name.includes("right") ? "right" : "middle";
}
