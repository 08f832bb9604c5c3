import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameCredit } from "../../livedance_lab/widgets/static/frame_credit.js";
import { Producer } from "../../livedance_lab/widgets/static/producer.js";
import { HEADER_BYTES } from "../../livedance_lab/widgets/static/frames.js";
import { ViewStats } from "../../livedance_lab/widgets/static/view_stats.js";

/** A producer whose camera, encoder and connection are the test's. */
function stage({ ready = true } = {}) {
  const link = { ready, maySend: true, sent: [], skipped: [], credit: new FrameCredit() };
  link.sendFrame = (seq, message) => link.ready && link.sent.push([seq, message]) > 0;
  link.credit.skip = (seq, tCaptureS) => link.skipped.push([seq, tCaptureS]);
  const video = { videoWidth: 640, videoHeight: 480 };
  const producer = new Producer(video, link, new ViewStats(), () => ({
    shortSidePx: 384,
    type: "image/jpeg",
    quality: 0.8,
  }));
  const jobs = [];
  producer.encoder = {
    busy: false,
    encode: (_, encoding) => {
      producer.encoder.busy = true;
      return new Promise((resolve, reject) => jobs.push({ encoding, resolve, reject }));
    },
  };
  const finish = async (error) => {
    producer.encoder.busy = false;
    const job = jobs.shift();
    if (error) job.reject(error);
    else job.resolve({ message: new ArrayBuffer(HEADER_BYTES + 4), encodeMs: 5 });
    await new Promise((resolve) => setImmediate(resolve));
    return job;
  };
  return { producer, link, finish };
}

/** The fields of a frame's header; the layout is tested in frames.test.mjs. */
function headerOf(message) {
  const view = new DataView(message);
  return {
    seq: view.getUint32(8, true),
    widthPx: view.getUint16(12, true),
    heightPx: view.getUint16(14, true),
    tCaptureS: view.getFloat64(16, true),
    tSendS: view.getFloat64(24, true),
  };
}

const seqs = (list) => list.map(([seq]) => seq);

test("every captured frame has a number of its own and goes exactly one way", async () => {
  const { producer, link, finish } = stage();
  for (let i = 0; i < 60; i += 1) {
    link.maySend = i % 5 !== 1; // pacing says no now and then
    producer.onFrame(i / 60, i);
    if (i % 3 === 0 && producer.encoder.busy) await finish();
  }
  if (producer.encoder.busy) await finish();

  const all = [...seqs(link.sent), ...seqs(link.skipped)].sort((a, b) => a - b);
  assert.deepEqual(
    all,
    Array.from({ length: 60 }, (_, i) => i),
  );
  assert.ok(link.sent.length > 5 && link.skipped.length > 5);
});

test("a frame carries its number, the camera's size and its own time", async () => {
  const { producer, link, finish } = stage();
  producer.onFrame(12.5, 1);
  const { encoding } = await finish();

  const header = headerOf(link.sent[0][1]);
  assert.deepEqual([encoding.widthPx, encoding.heightPx], [512, 384]);
  assert.deepEqual([header.seq, header.widthPx, header.heightPx, header.tCaptureS], [0, 640, 480, 12.5]);
  assert.ok(header.tSendS > 0);
});

test("what the encoder fails on, or the connection loses meanwhile, is told as skipped", async () => {
  const { producer, link, finish } = stage();
  producer.onFrame(1, 1);
  await finish(new Error("out of memory"));
  assert.match(producer.lastError, /could not be encoded: out of memory/);

  producer.onFrame(2, 2);
  link.ready = false;
  await finish();

  assert.deepEqual(seqs(link.skipped), [0, 1]);
  assert.equal(link.sent.length, 0);
});

test("without a server nothing is captured: there is nobody to count it", () => {
  const { producer, link } = stage({ ready: false });
  producer.onFrame(1, 1);

  assert.equal(link.credit.captured, 0);
  assert.equal(link.skipped.length, 0);
});

test("capture times increase even where the browser repeats a stamp", () => {
  const { producer, link } = stage();
  link.maySend = false;
  for (const tS of [3, 3, 2.9, 3.1]) producer.onFrame(tS, 0);

  const times = link.skipped.map(([, tS]) => tS);
  assert.ok(
    times.every((tS, i) => i === 0 || tS > times[i - 1]),
    String(times),
  );
});

test("a resumed session never uses a number twice, a new one begins at 0", () => {
  const { producer, link } = stage();
  link.maySend = false;
  producer.onFrame(1, 1);
  link.credit.connected(40, true);
  producer.onFrame(2, 2);
  link.credit.connected(3, true);
  producer.onFrame(3, 3);
  link.credit.connected(0, false);
  producer.onFrame(4, 4);

  assert.deepEqual(seqs(link.skipped), [0, 40, 41, 0]);
});

test("frames that the encoder has no time for are not offered: they say nothing about the server", async () => {
  const { producer, link, finish } = stage();
  for (let i = 0; i < 4; i += 1) producer.onFrame(i / 60, i); // the first is being encoded
  await finish();
  link.maySend = false;
  producer.onFrame(4 / 60, 4); // held back by pacing: it could have been sent

  assert.equal(link.credit.gauge.offeredSince, 2);
});
