import assert from "node:assert/strict";
import { test } from "node:test";

import { Rate, Samples, ViewStats, openFrames, plainStats } from "../../livedance_lab/widgets/static/view_stats.js";

const close = (actual, expected, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} instead of ${expected}`);

test("a rate counts the last three seconds, and is 0 when nothing comes any more", () => {
  const rate = new Rate();
  for (let i = 0; i < 300; i += 1) rate.add(i / 30);

  close(rate.perSecond(10), 30, 0.5);
  assert.equal(rate.perSecond(20), 0);
});

test("a rate that has just begun is not a rate yet", () => {
  const rate = new Rate();
  assert.ok(Number.isNaN(rate.perSecond(5)));
  rate.add(5);
  assert.ok(Number.isNaN(rate.perSecond(5.1)));
});

test("after a pause a rate begins anew", () => {
  const rate = new Rate();
  for (let i = 0; i < 30; i += 1) rate.add(i / 30);
  rate.restart();
  for (let i = 0; i < 30; i += 1) rate.add(100 + i / 30);

  close(rate.perSecond(101), 30, 0.5);
});

test("quantiles leave out what is unknown and what is old", () => {
  const samples = new Samples();
  samples.add(0, 1000);
  for (const value of [1, 2, NaN, 3, 4, 100]) samples.add(10, value);

  assert.equal(samples.quantile(10, 0.5), 3);
  assert.equal(samples.quantile(10, 0.95), 100);
  assert.ok(Number.isNaN(samples.quantile(20, 0.5)));
});

test("frames the page missed count for the camera, not as captured", () => {
  const stats = new ViewStats();
  for (let i = 0; i <= 30; i += 1) stats.onFrame(i / 30, 2 * i); // 60 a second, every other one seen

  const { camera_fps: camera, captured_per_s: captured } = stats.snapshot(1);
  close(camera, 60, 2);
  close(captured, 30, 1.1);
});

test("the age of a result is shared out among page, network and server without comparing clocks", () => {
  const stats = new ViewStats();
  const result = { times: { t_receive_s: 5000.003, t_emit_s: 5000.043 }, ledger: { captured: 1 } };
  stats.onSent(1.01, 10, 6);
  stats.onResult(result, { tCaptureS: 1.0, tSendS: 1.01 }, 1.06);

  const now = stats.snapshot(1.06);
  close(now.age_p50_ms, 60);
  close(now.prepare_p50_ms, 10);
  close(now.server_p50_ms, 40);
  close(now.network_p50_ms, 10);
});

test("a result of unknown origin has no age, but counts", () => {
  const stats = new ViewStats();
  stats.onResult({ times: {}, ledger: { captured: 3 } }, undefined, 1);

  assert.ok(Number.isNaN(stats.snapshot(1).age_p50_ms));
  assert.equal(stats.ledger.captured, 3);
});

test("what has not ended is what is left of the captured", () => {
  assert.equal(openFrames({ captured: 10, processed: 4, client_skipped: 3, lost: 1 }), 2);
});

test("JSON gets null for what was not measured, never 0", () => {
  assert.deepEqual(plainStats({ a: NaN, b: 1.23456, c: Infinity }), { a: null, b: 1.23, c: null });
});
