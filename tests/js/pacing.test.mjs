import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { AutoPacing, PacingGauge } from "../../livedance_lab/widgets/static/pacing.js";

const golden = JSON.parse(readFileSync(new URL("../../data/golden/pacing.json", import.meta.url), "utf8"));

for (const { name, steps } of golden.streams) {
  test(`auto decides as the Python client does: ${name}`, () => {
    const auto = new AutoPacing();
    for (const { now_s, seen, reason, paced } of steps) {
      const known = Object.fromEntries(Object.entries(seen).map(([key, value]) => [key, value ?? NaN]));
      assert.equal(auto.judge(now_s, known), reason, `${now_s} s`);
      assert.equal(auto.paced, paced, `${now_s} s`);
    }
  });
}

/** Some seconds of a stream. */
function stream(gauge, { fromS, seconds, offeredHz, resultsHz, serverS, roundTripS }) {
  const said = [];
  for (let s = fromS; s < fromS + seconds; s += 1) {
    for (let i = 0; i < offeredHz; i += 1) gauge.offered();
    for (let i = 0; i < resultsHz; i += 1) gauge.result(serverS);
    const switched = gauge.judge(s + 1, roundTripS, 1);
    if (switched) said.push(switched);
  }
  return said;
}

const BEHIND = { offeredHz: 60, resultsHz: 36, serverS: 0.028, roundTripS: 0.002 };

test("auto measures the stream itself, and says why it switched", () => {
  const gauge = new PacingGauge();
  gauge.judge(0, NaN, 1);
  const [said, ...more] = stream(gauge, { fromS: 0, seconds: 4, ...BEHIND });

  assert.ok(gauge.auto.paced);
  assert.deepEqual(more, []);
  assert.deepEqual(said, {
    type: "pacing",
    to: "paced",
    reason: "frames are overtaken, the round trip is short",
    round_trip_s: 0.002,
    offered_hz: 60,
    results_hz: 36,
    server_s: 0.028,
    window: 1,
    load: 60 / 36,
  });
});
