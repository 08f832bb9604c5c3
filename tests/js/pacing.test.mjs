import assert from "node:assert/strict";
import { test } from "node:test";

import { Pacer } from "../../livedance_lab/widgets/static/pacing.js";

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

test("auto: paced on a short round trip, free on a long one, steady in between", () => {
  const pacer = new Pacer("auto");
  const seen = [NaN, 0.002, 0.008, 0.012, 0.008, 0.005].map((roundTripS) => {
    pacer.observeRoundTrip(roundTripS);
    return pacer.effective;
  });

  assert.deepEqual(seen, ["paced", "paced", "paced", "free", "free", "paced"]);
});

test("a chosen mode is obeyed whatever the round trip", () => {
  const pacer = new Pacer("paced");
  pacer.observeRoundTrip(0.5);
  assert.equal(pacer.effective, "paced");
});

test("a new connection owes nothing, and names what the old one still owed", () => {
  const pacer = new Pacer("paced");
  pacer.sent(4, 0);

  assert.deepEqual(pacer.reset(), [4]);
  assert.ok(pacer.maySend(0.01, 0));
});
