import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameCredit } from "../../livedance_lab/widgets/static/frame_credit.js";

test("paced: one unanswered frame, then wait for its answer", () => {
  const credit = new FrameCredit("paced");
  assert.ok(credit.maySend(0, 0));

  credit.send(0, 0);
  assert.ok(!credit.maySend(0.1, 0));

  credit.answer(0);
  assert.ok(credit.maySend(0.1, 0));
});

test("an answer acknowledges every older frame, so that an overtaken one leaks no credit", () => {
  const credit = new FrameCredit("free");
  for (const seq of [3, 5, 9]) credit.send(seq, 0);

  credit.answer(5);

  assert.deepEqual([...credit.unanswered.keys()], [9]);
});

test("paced: an answer that never comes stops nothing for longer than a quarter of a second", () => {
  const credit = new FrameCredit("paced");
  credit.send(0, 1.0);

  assert.ok(!credit.maySend(1.24, 0));
  assert.ok(credit.maySend(1.25, 0));
  credit.send(15, 1.25);
  assert.ok(!credit.maySend(1.3, 0), "the quarter begins anew with every frame");
});

test("free: keeps sending while answers come, but not into a full network", () => {
  const credit = new FrameCredit("free");
  for (let i = 0; i < 60; i += 1) {
    assert.ok(credit.maySend(i / 60, 0), `frame ${i}`);
    credit.send(i, i / 60);
  }
  assert.ok(!credit.maySend(1.01, 0), "the oldest is a second old");
  credit.answer(30);
  assert.ok(credit.maySend(1.01, 0));
});

test("no mode adds to a socket that is still full", () => {
  for (const mode of ["auto", "paced", "free"]) {
    assert.ok(!new FrameCredit(mode, 1000).maySend(0, 1001), mode);
    assert.ok(new FrameCredit(mode, 1000).maySend(0, 1000), mode);
  }
});

test("a chosen mode is obeyed whatever is measured", () => {
  for (const mode of ["paced", "free"]) {
    const credit = new FrameCredit(mode);
    for (let s = 1; s < 10; s += 1) {
      for (let i = 0; i < 60; i += 1) credit.gauge.offered();
      for (let i = 0; i < 36; i += 1) credit.gauge.result(0.028); // the server is behind, and near
      assert.equal(credit.reconsider(s, 0.002), null);
    }
    assert.equal(credit.isPaced, mode === "paced");
  }
});

test("a new connection owes nothing, and names what the old one still owed", () => {
  const credit = new FrameCredit("paced");
  credit.send(4, 0);

  credit.disconnected();
  assert.deepEqual([...credit.lost], [4]);
  assert.ok(credit.maySend(0.01, 0));
});
