import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { OffsetEstimator } from "../../livedance_lab/widgets/static/clock.js";

const golden = JSON.parse(readFileSync(new URL("../../data/golden/clock.json", import.meta.url), "utf8"));

/** @param {number | null} value null: unknown */
const numberOf = (value) => value ?? NaN;

for (const { name, window, steps } of golden.sequences) {
  test(`golden: ${name}`, () => {
    const clock = new OffsetEstimator(window);
    for (const step of steps) {
      if (step.exchange) clock.add(...step.exchange);
      const found = [clock.best.offsetS, clock.best.uncertaintyS, clock.roundTripS];
      assert.deepEqual(found, [step.offset_s, step.uncertainty_s, step.round_trip_s].map(numberOf));
    }
  });
}

test("the golden file covers the odd cases", () => {
  assert.ok(golden.sequences.length >= 9);
  assert.ok(golden.sequences.every((sequence) => sequence.steps[0].offset_s === null), "nothing is known at first");
});

test("the default window is that of the Python twin: 16 exchanges", () => {
  const clock = new OffsetEstimator();
  clock.add(0, 100, 100, 0); // no time passed: the shortest round trip there is
  for (let n = 1; n < 16; n += 1) clock.add(n, 200 + n, 200 + n, n + 0.01);
  assert.equal(clock.best.offsetS, 100);

  const best = clock.add(16, 216, 216, 16.01);
  assert.ok(Math.abs(best.offsetS - 199.995) < 1e-9);
});
