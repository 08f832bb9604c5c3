import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { AutoPacing, Pacer } from "../../livedance_lab/widgets/static/pacing.js";

const golden = JSON.parse(readFileSync(new URL("../../data/golden/pacing.json", import.meta.url), "utf8"));

test("paced: one unanswered frame, then wait for its answer", () => {
  const pacer = new Pacer("paced");
  assert.ok(pacer.maySend(0, 0));

  pacer.sent(0, 0);
  assert.ok(!pacer.maySend(0.1, 0));

  pacer.acknowledge(0);
  assert.ok(pacer.maySend(0.1, 0));
});

test("an answer acknowledges every older frame, so that an overtaken one leaks no credit", () => {
  const pacer = new Pacer("free");
  for (const seq of [3, 5, 9]) pacer.sent(seq, 0);

  pacer.acknowledge(5);

  assert.deepEqual(
    pacer.unanswered.map((frame) => frame.seq),
    [9],
  );
});

test("paced: an answer that never comes stops nothing for longer than a quarter of a second", () => {
  const pacer = new Pacer("paced");
  pacer.sent(0, 1.0);

  assert.ok(!pacer.maySend(1.24, 0));
  assert.ok(pacer.maySend(1.25, 0));
  pacer.sent(15, 1.25);
  assert.ok(!pacer.maySend(1.3, 0), "the quarter begins anew with every frame");
});

test("free: keeps sending while answers come, but not into a full network", () => {
  const pacer = new Pacer("free");
  for (let i = 0; i < 60; i += 1) {
    assert.ok(pacer.maySend(i / 60, 0), `frame ${i}`);
    pacer.sent(i, i / 60);
  }
  assert.ok(!pacer.maySend(1.01, 0), "the oldest is a second old");
  pacer.acknowledge(30);
  assert.ok(pacer.maySend(1.01, 0));
});

test("no mode adds to a socket that is still full", () => {
  for (const mode of ["auto", "paced", "free"]) {
    assert.ok(!new Pacer(mode, 1000).maySend(0, 1001), mode);
    assert.ok(new Pacer(mode, 1000).maySend(0, 1000), mode);
  }
});

for (const { name, steps } of golden.streams) {
  test(`auto decides as the Python client does: ${name}`, () => {
    const auto = new AutoPacing();
    for (const { now_s, seen, reason, paced } of steps) {
      const known = Object.fromEntries(Object.entries(seen).map(([key, value]) => [key, value ?? NaN]));
      assert.equal(auto.look(now_s, known), reason, `${now_s} s`);
      assert.equal(auto.paced, paced, `${now_s} s`);
    }
  });
}

/** Some seconds of a stream. */
function stream(pacer, { fromS, seconds, offeredHz, resultsHz, serverS, roundTripS }) {
  const said = [];
  for (let s = fromS; s < fromS + seconds; s += 1) {
    for (let i = 0; i < offeredHz; i += 1) pacer.offered();
    for (let i = 0; i < resultsHz; i += 1) pacer.result(serverS);
    const switched = pacer.look(s + 1, roundTripS);
    if (switched) said.push(switched);
  }
  return said;
}

const BEHIND = { offeredHz: 60, resultsHz: 36, serverS: 0.028, roundTripS: 0.002 };

test("auto measures the stream itself, and says why it switched", () => {
  const pacer = new Pacer("auto");
  pacer.look(0, NaN);
  const [said, ...more] = stream(pacer, { fromS: 0, seconds: 4, ...BEHIND });

  assert.equal(pacer.effective, "paced");
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

test("a chosen mode is obeyed whatever is measured", () => {
  for (const mode of ["paced", "free"]) {
    const pacer = new Pacer(mode);
    assert.deepEqual(stream(pacer, { fromS: 0, seconds: 9, ...BEHIND }), []);
    assert.equal(pacer.effective, mode);
  }
});

test("a new connection owes nothing, and names what the old one still owed", () => {
  const pacer = new Pacer("paced");
  pacer.sent(4, 0);

  assert.deepEqual(pacer.reset(), [4]);
  assert.ok(pacer.maySend(0.01, 0));
});
