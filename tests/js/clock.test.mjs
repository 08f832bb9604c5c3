import assert from "node:assert/strict";
import { test } from "node:test";

import { OffsetEstimator } from "../../livedance_lab/widgets/static/clock.js";

test("nothing is known before the first exchange", () => {
  const clock = new OffsetEstimator();

  assert.ok(Number.isNaN(clock.best.offsetS));
  assert.ok(Number.isNaN(clock.roundTripS));
});

test("the quickest exchange is believed, and says how far it can be wrong", () => {
  const clock = new OffsetEstimator();

  clock.add(1.0, 101.05, 101.06, 1.02); // 10 ms on the way, all of it there: the estimate is 5 ms off
  const best = clock.add(2.0, 102.001, 102.002, 2.003); // 2 ms on the way

  assert.ok(Math.abs(best.offsetS - 100) < 1e-9);
  assert.ok(Math.abs(best.uncertaintyS - 0.001) < 1e-9);
  assert.ok(Math.abs(clock.roundTripS - 0.002) < 1e-9);
});

test("an old exchange is forgotten, so that drift is followed", () => {
  const clock = new OffsetEstimator(2);
  clock.add(0, 100, 100, 0); // perfect, but old

  clock.add(10, 110.105, 110.105, 10.01);
  const best = clock.add(20, 120.105, 120.105, 20.01);

  assert.ok(Math.abs(best.offsetS - 100.1) < 1e-9);
});

test("a clock that was set back in between is not believed", () => {
  const clock = new OffsetEstimator();

  assert.ok(Number.isNaN(clock.add(5, 105, 105.5, 5.1).offsetS));
});
