import assert from "node:assert/strict";
import { test } from "node:test";

import { SkeletonAnimation } from "../../livedance_lab/widgets/static/skeleton_animation.js";
import { ViewStats } from "../../livedance_lab/widgets/static/view_stats.js";

globalThis.Path2D ??= /** @type {any} */ (class { moveTo() {} lineTo() {} arc() {} });
globalThis.devicePixelRatio ??= 1;
globalThis.requestAnimationFrame ??= () => 1;

const LATE_S = 0.04;

/** An animation whose clock, canvas and results are the test's. */
function stage(painting = "linear") {
  const world = { mirror: false, nowS: 0, written: [], receipts: [], errors: [], sent: new Map(), seq: 0 };
  const ctx = {
    canvas: { width: 640, height: 480 },
    measureText: () => ({ width: 8 }),
    clearRect: () => (world.written = []),
    fillText: (words, x) => world.written.push([words, Math.round(x + 4)]),
    ...Object.fromEntries(["beginPath", "roundRect", "fill", "stroke"].map((name) => [name, () => {}])),
  };
  const canvas = { clientWidth: 640, clientHeight: 480, width: 640, height: 480, getContext: () => ctx };
  const stats = new ViewStats();
  stats.onShownError = (tS, errorPx) => world.errors.push(errorPx);
  const options = () => ({ painting, mirror: world.mirror, showAngles: false });
  const animation = new SkeletonAnimation(canvas, stats, options, (...told) => world.receipts.push(told));
  performance.now = () => 1000 * world.nowS;
  /** A result of people at the given x, by id or as pairs; it arrives after `LATE_S`. */
  world.push = (tCaptureS, xById, followedId = 1, hands = {}) => {
    const seq = (world.seq += 1);
    world.sent.set(seq, { tCaptureS, tSendS: tCaptureS });
    const people = (Array.isArray(xById) ? xById : Object.entries(xById)).map(([id, x]) => ({
      id: Number(id),
      score: 1,
      keypointsPxSmooth: new Float32Array(99).fill(200).map((y, i) => (i % 3 === 0 ? x : y)),
      visibility: new Float32Array(33).fill(1),
      flags: [],
      anglesSmoothDeg: new Float32Array(),
      hands: hands[id] ? { seq, pxSmooth: new Float32Array(126).fill(hands[id]), score: new Float32Array(2) } : null,
    }));
    const person = people.find(({ id }) => id === followedId) ?? null;
    const result = { type: "result", seq, widthPx: 640, heightPx: 480, times: {}, stageMs: {}, followedId, people, person };
    world.nowS = tCaptureS + LATE_S;
    animation.push({ ...result, closed: [], ledger: {} }, world.sent, world.nowS);
  };
  /** Paint at a time; returns each person's first x that is on screen, by id. */
  world.paint = (tS) => {
    world.nowS = tS;
    animation.paint();
    const shown = [...animation.people.values()].filter((person) => person.visible);
    return Object.fromEntries(shown.map((person) => [person.id, Math.round(person.body[0])]));
  };
  return { world, animation };
}

test("each person moves between their own positions, in whatever order the results name them", () => {
  const { world, animation } = stage();
  for (let n = 0; n < 10; n += 1) {
    world.push(0.04 * n, n % 2 ? [[2, 500 - n], [1, 100 + n]] : [[1, 100 + n], [2, 500 - n]]);
    const shown = world.paint(world.nowS + 0.001);
    assert.ok(shown[1] <= 110 && shown[2] >= 490, JSON.stringify(shown));
  }
  assert.deepEqual([...animation.people.keys()], [1, 2]);
  assert.deepEqual(world.written.map(([id]) => id), ["1", "2"]);
});

for (const painting of ["latest", "linear", "hermite", "predict"]) {
  test(`who leaves is removed, and who comes starts at their own place: ${painting}`, () => {
    const { world, animation } = stage(painting);
    let n = 0;
    const more = (xById) => {
      world.push(0.04 * n, xById, Number(Object.keys(xById)[0] ?? 1));
      n += 1;
      return world.paint(world.nowS + 0.001);
    };
    for (let i = 0; i < 5; i += 1) more({ 1: 100 });
    for (let i = 0; i < 10; i += 1) {
      for (const [id, x] of Object.entries(more({ 2: 500 }))) assert.equal(x, { 1: 100, 2: 500 }[id], `${painting} ${i}`);
    }
    assert.deepEqual([...animation.people.keys()], [2]);
    for (let i = 0; i < 10; i += 1) more({});
    assert.deepEqual([...animation.people.keys()], []);
  });
}

test("who is away for a moment keeps their state", () => {
  const { world, animation } = stage();
  world.push(0, { 1: 100 });
  const before = animation.people.get(1);
  world.push(0.04, {});
  world.paint(0.1);
  world.push(0.08, { 1: 102 });
  world.paint(0.14);
  assert.equal(animation.people.get(1), before);
});

test("hands belong to their person, and stay at the wrists of now", () => {
  const { world, animation } = stage("latest");
  world.push(0, { 1: 100, 2: 500 }, 1, { 2: 210 });
  world.push(0.04, { 1: 100, 2: 510 }, 1, { 2: 210 });
  world.paint(0.1);
  assert.equal(animation.people.get(1).hands, null);
  assert.equal(animation.people.get(2).hands[0], 210);
  world.push(0.08, { 1: 100, 2: 520 }, 1);
  world.paint(0.14);
  assert.equal(animation.people.get(2).hands, null, "the result has no hands any more");
});

test("a result is reported as painted once, however many people it shows", () => {
  const { world } = stage();
  for (let n = 0; n < 4; n += 1) {
    world.push(0.04 * n, n === 2 ? {} : { 1: 100, 2: 500 });
    world.paint(world.nowS + 0.001);
    world.paint(world.nowS + 0.01);
  }
  const painted = world.receipts.filter(([, , tPaintS]) => tPaintS !== null).map(([seq]) => seq);
  assert.deepEqual(painted, [...new Set(painted)]);
  assert.ok(painted.length >= 3);
});

test("the painting error is that of the followed person", () => {
  const { world } = stage("latest");
  world.push(0, { 1: 100, 2: 500 }, 2);
  world.paint(0.05);
  world.push(0.06, { 1: 100, 2: 500 }, 2);
  world.paint(0.11);
  world.errors.length = 0;
  world.push(0.08, { 1: 300, 2: 505 }, 2);
  assert.deepEqual(world.errors.map(Math.round), [5]);
});

test("a click chooses who is there on screen, mirrored or not, and nobody if there is one person", () => {
  const { world, animation } = stage("latest");
  world.push(0, { 1: 100 });
  world.paint(0.05);
  assert.equal(animation.personAt(100, 200), null);
  world.push(0.06, { 1: 100, 2: 500 });
  world.push(0.1, { 1: 100, 2: 500 });
  world.paint(0.16);
  assert.deepEqual([100, 500, 300].map((x) => animation.personAt(x, 200)), [1, 2, null]);
  animation.canvas.clientWidth = 320; // the page shows the picture at half its size
  animation.canvas.clientHeight = 240;
  assert.deepEqual([50, 250].map((x) => animation.personAt(x, 100)), [1, 2]);
  world.mirror = true;
  assert.deepEqual([50, 250].map((x) => animation.personAt(x, 100)), [null, null]);
  assert.deepEqual([70, 270].map((x) => animation.personAt(x, 100)), [2, 1]);
});

test("another followed person is drawn even if nobody moves", () => {
  const { world, animation } = stage("latest");
  for (let n = 0; n < 4; n += 1) world.push(0.04 * n, { 1: 100, 2: 500 }, 1);
  world.paint(0.2);
  animation.stale = false;
  world.push(0.17, { 1: 100, 2: 500 }, 2);
  assert.equal(animation.followedId, 2);
  assert.ok(animation.stale);
});

test("another painter or session begins without people", () => {
  const { world, animation } = stage();
  world.push(0, { 1: 100 });
  animation.clear();
  assert.equal(animation.people.size, 0);
  assert.deepEqual(world.paint(0.1), {});
});
