import assert from "node:assert/strict";
import { test } from "node:test";

import { captureTimeS, fitShortSide, watchFrames } from "../../livedance_lab/widgets/static/frame_encoder.js";

test("the short side decides the size, and nothing is enlarged", () => {
  assert.deepEqual(fitShortSide(1280, 720, 384), [683, 384]);
  assert.deepEqual(fitShortSide(480, 640, 384), [384, 512]);
  assert.deepEqual(fitShortSide(320, 240, 384), [320, 240]);
  assert.deepEqual(fitShortSide(4000, 2, 1), [2000, 1]);
});

test("the camera's own stamp counts, then when the frame was shown, then now", () => {
  assert.equal(captureTimeS(5000, { captureTime: 4980, presentationTime: 4990 }), 4.98);
  assert.equal(captureTimeS(5000, { presentationTime: 4990 }), 4.99);
  assert.equal(captureTimeS(5000), 5);
});

test("a stamp of another clock is not believed", () => {
  assert.equal(captureTimeS(5000, { captureTime: 1.7e12, presentationTime: 4990 }), 4.99);
  assert.equal(captureTimeS(5000, { captureTime: 3 }), 5);
});

test("every new frame is told once, with those the page missed, until stopped", () => {
  const video = {
    currentTime: 0,
    requestVideoFrameCallback: (call) => {
      video.call = call;
      return 7;
    },
    cancelVideoFrameCallback: (handle) => (video.cancelled = handle),
  };
  const seen = [];
  const stop = watchFrames(video, (frame) => seen.push(frame));
  video.call(1000, { captureTime: 990, presentedFrames: 1 });
  video.call(1050, { captureTime: 1040, presentedFrames: 4 });
  stop();

  assert.deepEqual(seen, [
    { tCaptureS: 0.99, shown: 1 },
    { tCaptureS: 1.04, shown: 4 },
  ]);
  assert.equal(video.cancelled, 7);
});

test("without frame callbacks a frame is new when the video has moved on", () => {
  let next;
  globalThis.requestAnimationFrame = (call) => {
    next = call;
    return 1;
  };
  const video = { readyState: 4, currentTime: 0.0 };
  const seen = [];
  watchFrames(video, (frame) => seen.push(frame.shown));
  for (const currentTime of [0.0, 0.0, 0.04, 0.04]) {
    video.currentTime = currentTime;
    next(1000);
  }
  delete globalThis.requestAnimationFrame;

  assert.deepEqual(seen, [1, 2]);
});
