import assert from "node:assert/strict";
import test from "node:test";

import { PERSON_COLOURS, SIDE_COLOURS, drawScene, personAt } from "../../livedance_lab/widgets/static/skeleton_drawing.js";
import { POSE_LANDMARKS } from "../../livedance_lab/widgets/static/skeletons.js";

globalThis.Path2D ??= /** @type {any} */ (class { moveTo() {} lineTo() {} arc() {} });

const WIDTH_PX = 640;
const at = (/** @type {string} */ name) => POSE_LANDMARKS.indexOf(name);

/** What is written: every landmark at 300, 300 unless it is said where. */
function labels({ where = {}, places, anglesSmoothDeg, mirror = false, visibility = new Float32Array(33).fill(1) }) {
  const people = [{ id: 1, px: points(where), visibility, handsPx: null, anglesSmoothDeg }];
  return draw({ people, anglePlaces: places, mirror, showAngles: true }).written;
}

function points(where) {
  const px = new Float64Array(66).fill(300);
  for (const [name, [x, y]] of Object.entries(where)) px.set([x, y], 2 * at(name));
  return px;
}

/** What is written, and the colours of the lines. */
function draw(scene) {
  const written = [];
  const lines = [];
  const widths = {}; // the largest of each colour
  const ctx = {
    canvas: { width: WIDTH_PX, height: 480 },
    measureText: (words) => ({ width: 8 * words.length }),
    fillText: (words, x, y) => written.push({ words, x, y, colour: ctx.fillStyle }),
    stroke: () => {
      lines.push(ctx.strokeStyle);
      widths[ctx.strokeStyle] = Math.max(widths[ctx.strokeStyle] ?? 0, ctx.lineWidth);
    },
    ...Object.fromEntries(["clearRect", "beginPath", "roundRect", "fill"].map((name) => [name, () => {}])),
  };
  drawScene(/** @type {any} */ (ctx), scene, WIDTH_PX, 480);
  return { written, lines, widths };
}

/** People who stand beside each other; their noses are above everything else. */
function standing(...ids) {
  const visibility = new Float32Array(33).fill(1);
  return ids.map((id) => {
    const px = points({ nose: [100 * id, 200] });
    return { id, px, visibility, handsPx: null, anglesSmoothDeg: new Float32Array([90]) };
  });
}

test("one person has no id and no colour of their own", () => {
  const { written, lines } = draw({ people: standing(2), anglePlaces: [], mirror: false, showAngles: true });
  assert.deepEqual(written, []);
  assert.equal(lines.filter((colour) => PERSON_COLOURS.includes(colour)).length, 0);
});

test("several people have their ids above their heads, and a colour each beside those of the sides", () => {
  const people = standing(2, 5);
  for (const mirror of [false, true]) {
    const { written, lines } = draw({ people, anglePlaces: [], mirror, showAngles: true });
    assert.deepEqual(written.map((label) => label.words), ["2", "5"]);
    for (const [i, x] of [200, 500].entries()) {
      assert.ok(Math.abs(written[i].x + 4 - (mirror ? WIDTH_PX - x : x)) < 1, "centred above the head");
      assert.ok(written[i].y < 200);
    }
    for (const colour of [PERSON_COLOURS[1], PERSON_COLOURS[4], SIDE_COLOURS.left, SIDE_COLOURS.right]) {
      assert.ok(lines.includes(colour), colour);
    }
    assert.ok(!lines.includes(PERSON_COLOURS[0]));
  }
});

test("the followed person has a thicker contour, and their id is dark on a filled label", () => {
  for (const [followedId, other] of [[1, 2], [2, 1]]) {
    const scene = { people: standing(1, 2), anglePlaces: [], followedId, mirror: false, showAngles: false };
    const { written, widths } = draw(scene);
    assert.ok(widths[PERSON_COLOURS[followedId - 1]] > widths[PERSON_COLOURS[other - 1]] + 1);
    assert.equal(written.find(({ words }) => words === String(other)).colour, PERSON_COLOURS[other - 1]);
    assert.ok(!PERSON_COLOURS.includes(written.find(({ words }) => words === String(followedId)).colour));
  }
});

test("a place belongs to the nearest skeleton, within its box", () => {
  const leaning = (id, x) => {
    const px = points({});
    for (let k = 0; k < 33; k += 1) px.set([x + 3 * k, 100 + 8 * k], 2 * k);
    return { id, px, visibility: new Float32Array(33).fill(1), handsPx: null, anglesSmoothDeg: null };
  };
  const people = [leaning(1, 100), leaning(2, 140)]; // their boxes overlap
  assert.equal(personAt(people, 150, 230), 1);
  assert.equal(personAt(people, 185, 230), 2);
  assert.equal(personAt(people, 90, 100), 1, "a little outside the box");
  assert.equal(personAt(people, 40, 100), null);
  assert.equal(personAt(people, 150, 450), null);
  assert.equal(personAt([...people].reverse(), 150, 230), 1, "in whatever order");
});

test("who or what is not drawn cannot be chosen", () => {
  const [person] = standing(1);
  assert.equal(personAt([person], 300, 300), 1);
  assert.equal(personAt([{ ...person, visibility: new Float32Array(33) }], 300, 300), null);
  assert.equal(personAt([{ ...person, px: new Float64Array(66).fill(NaN) }], 300, 300), null);
  const px = points({ nose: [300, 300], left_ankle: [600, 300] });
  const visibility = new Float32Array(33).fill(1);
  visibility[at("left_ankle")] = 0;
  assert.equal(personAt([{ ...person, px, visibility }], 600, 300), null, "the ankle is hidden");
});

test("a person's colour is none of the sides', and returns only after six people", () => {
  assert.equal(new Set([...PERSON_COLOURS, ...Object.values(SIDE_COLOURS)]).size, 9);
  const { lines } = draw({ people: standing(1, 7), anglePlaces: [], mirror: false, showAngles: false });
  assert.ok(lines.includes(PERSON_COLOURS[0]));
  assert.ok(!lines.includes(PERSON_COLOURS[1]));
});

test("angles are written at the joints of every person", () => {
  const { written } = draw({ people: standing(1, 2), anglePlaces: [[at("nose")]], mirror: false, showAngles: true });
  assert.deepEqual(written.map((label) => label.words).sort(), ["1", "2", "90°", "90°"]);
});

test("an angle is written at its joint, beside it, in its side's colour", () => {
  const [label] = labels({
    where: { left_elbow: [400, 200] },
    places: [[at("left_elbow")]],
    anglesSmoothDeg: new Float32Array([91.6]),
  });
  assert.equal(label.words, "92°");
  assert.equal(label.y, 200);
  assert.ok(label.x > 400 && label.x < 430, "outwards: the elbow is right of the trunk");
  assert.equal(label.colour, SIDE_COLOURS.left);
});

test("outwards is outwards whichever way the picture is turned", () => {
  for (const [x, mirror] of [[400, true], [200, false]]) {
    const [label] = labels({
      where: { left_elbow: [x, 200] },
      places: [[at("left_elbow")]],
      anglesSmoothDeg: new Float32Array([10]),
      mirror,
    });
    assert.ok(label.x < (mirror ? WIDTH_PX - x : x));
  }
});

test("of a segment or a middle it is written half-way", () => {
  const [label] = labels({
    where: { left_ear: [330, 40], right_ear: [310, 60] },
    places: [[at("left_ear"), at("right_ear")]],
    anglesSmoothDeg: new Float32Array([-0.2]),
  });
  assert.deepEqual([label.words, label.y, label.colour], ["0°", 50, SIDE_COLOURS.middle]);
  assert.ok(label.x < 320 && label.x + 16 > 320, "between the sides, whose labels stand outwards");
});

test("what has no place, no value or no landmark that is seen is not written", () => {
  const visibility = new Float32Array(33).fill(1);
  visibility[at("left_knee")] = 0.05;
  const written = labels({
    places: [[], [at("left_wrist")], [at("left_knee")], [at("left_hip")]],
    anglesSmoothDeg: new Float32Array([1, NaN, 3, 4]),
    visibility,
  });
  assert.deepEqual(written.map((label) => label.words), ["4°"]);
});

test("no label leaves the picture", () => {
  const [left, right] = labels({
    where: { left_wrist: [639, 100], right_wrist: [1, 100] },
    places: [[at("right_wrist")], [at("left_wrist")]],
    anglesSmoothDeg: new Float32Array([120, 120]),
  });
  assert.ok(left.x >= 0);
  assert.ok(right.x + 32 <= WIDTH_PX);
});
