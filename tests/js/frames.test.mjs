import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { HAND_BONES, POSE_BONES, POSE_LANDMARKS } from "../../livedance_lab/widgets/static/skeletons.js";
import { decodeBinaryResult } from "../../livedance_lab/widgets/static/results_binary.js";
import { HEADER_BYTES, encodeFrame } from "../../livedance_lab/widgets/static/frames.js";
import { parseServerMessage } from "../../livedance_lab/widgets/static/results.js";

const golden = JSON.parse(readFileSync(new URL("../../data/golden/wire.json", import.meta.url), "utf8"));

const toHeader = (h) => ({
  seq: h.seq,
  widthPx: h.source_size_px[0],
  heightPx: h.source_size_px[1],
  tCaptureS: h.t_capture_s,
  tSendS: h.t_send_s,
});
const toBuffer = (hex) => new Uint8Array(Buffer.from(hex, "hex")).buffer;

for (const { name, header, image_hex, message_hex } of golden.frames) {
  test(`a frame message, byte for byte: ${name}`, () => {
    const image = Buffer.from(image_hex, "hex");
    const message = new ArrayBuffer(HEADER_BYTES + image.length);
    new Uint8Array(message, HEADER_BYTES).set(image);

    encodeFrame(message, toHeader(header));

    assert.equal(Buffer.from(message).toString("hex"), message_hex);
  });
}

/** Bit for bit what float32 keeps of a JSON number; null is NaN. */
const floats = (list) => list && Array.from(Float32Array.from(list, (value) => value ?? NaN));

for (const { name, text, read_as: expected } of golden.results) {
  test(`a result: ${name}`, () => {
    const result = parseServerMessage(text);

    assert.equal(result.seq, expected.seq);
    assert.deepEqual([result.widthPx, result.heightPx], [640, 480]);
    assert.equal(result.followedId, expected.followed_id);
    assert.equal(result.person, result.people.find((person) => person.id === expected.followed_id) ?? null);
    assert.equal(result.people.length, expected.people.length);
    for (const [i, told] of expected.people.entries()) {
      const person = result.people[i];
      assert.equal(person.id, told.id);
      assert.equal(person.score, told.score ?? NaN);
      assert.deepEqual(Array.from(person.keypointsPxSmooth), floats(told.keypoints_px_smooth));
      assert.deepEqual(Array.from(person.visibility), floats(told.visibility));
      assert.deepEqual(person.flags, told.flags);
      assert.deepEqual(Array.from(person.anglesSmoothDeg), floats(told.angles_smooth_deg));
      assert.deepEqual(person.hands && Array.from(person.hands.pxSmooth), floats(told.hands_px_smooth));
      assert.equal(person.hands && person.hands.seq, told.hands_seq);
    }
    assert.deepEqual(result.closed, expected.closed);
    assert.equal(result.times.t_emit_s, 10.037);
    assert.ok(Number.isNaN(result.times.t_paint_s), "an unknown time is NaN, not 0");
  });
}

for (const { name, text, binary_hex } of golden.results) {
  test(`a binary result carries exactly what its text does: ${name}`, () => {
    assert.deepEqual(decodeBinaryResult(toBuffer(binary_hex)), parseServerMessage(text));
  });

  test(`a binary result that was cut is refused: ${name}`, () => {
    const message = toBuffer(binary_hex);
    for (let length = 0; length < message.byteLength; length += 7) {
      assert.throws(() => decodeBinaryResult(message.slice(0, length)), RangeError, `${length}`);
    }
  });
}

test("what is no binary result is refused", () => {
  const frame = toBuffer(golden.frames[0].message_hex.padEnd(800, "0"));
  assert.throws(() => decodeBinaryResult(frame), /kind 1/);
});

test("results of another version are refused with both versions", () => {
  const { text, binary_hex } = golden.results[0];
  const { version: _, ...ofVersion1 } = JSON.parse(text); // which did not write its version
  const binary = new Uint8Array(toBuffer(binary_hex));
  binary[2] = 1;
  for (const read of [() => parseServerMessage(JSON.stringify(ofVersion1)), () => decodeBinaryResult(binary.buffer)]) {
    assert.throws(read, /version 2 was expected, got version 1/);
  }
});

test("a binary result without a block that it must have is refused by name", () => {
  const message = Buffer.from(golden.results[0].binary_hex, "hex");
  message.write("visibilitx", message.indexOf("visibility f4"));
  assert.throws(() => decodeBinaryResult(toBuffer(message.toString("hex"))), /needs the block visibility/);
});

test("other messages stay as they came", () => {
  assert.deepEqual(parseServerMessage('{"type":"refused","seq":4,"message":"too large"}').seq, 4);
});

test("what is no message is refused in words", () => {
  for (const text of ["[]", "null", '{"seq": 1}']) assert.throws(() => parseServerMessage(text), /objects with a type/);
});

test("landmarks and bones are the server's own", () => {
  const sorted = (bones) => bones.map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`).sort();
  assert.deepEqual(POSE_LANDMARKS, golden.skeleton.pose_landmarks);
  assert.deepEqual(sorted(POSE_BONES), sorted(golden.skeleton.pose_bones));
  assert.deepEqual(sorted(HAND_BONES), sorted(golden.skeleton.hand_bones));
});
