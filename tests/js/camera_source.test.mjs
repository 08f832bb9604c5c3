import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { StreamSource, describeCameraError } from "../../livedance_lab/widgets/static/camera_source.js";

const secure = { isSecureContext: true, location: { origin: "http://far.test" } };

function browser(values) {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}

beforeEach(() => browser({ ...secure, navigator: { mediaDevices: {} } }));
afterEach(() => browser({ isSecureContext: undefined, location: undefined, navigator: {} }));

test("each refusal is said in words that help", () => {
  const words = (name) => describeCameraError(Object.assign(new Error("said so"), { name }), "camera");

  assert.match(words("NotAllowedError"), /refused the camera.*Allow it/);
  assert.match(words("NotFoundError"), /No camera was found/);
  assert.match(words("NotReadableError"), /another program.*said so/);
  assert.match(words("AbortError"), /delivers no picture: said so/);
});

test("an insecure page is the reason, whatever the browser says", () => {
  browser({ isSecureContext: false });

  assert.match(describeCameraError(new TypeError("undefined"), "camera"), /secure pages.*http:\/\/far\.test/);
});

function opened() {
  const track = { stopped: false, ended: null };
  track.stop = () => (track.stopped = true);
  track.addEventListener = (_, call, { signal }) => {
    track.ended = call;
    signal.addEventListener("abort", () => (track.ended = null));
  };
  return { track, stream: { getTracks: () => [track], getVideoTracks: () => [track] } };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a camera it opened is let go; a stream of the notebook is not its own to stop", async () => {
  for (const own of [true, false]) {
    const { track, stream } = opened();
    navigator.mediaDevices.getUserMedia = async () => stream;
    const model = {
      get: () => (own ? null : "IPY_MODEL_abc"),
      widget_manager: { get_model: async (id) => id === "abc" && { captureStream: async () => stream } },
    };
    const source = new StreamSource(model, { play: async () => {} }, () => {});
    await source.open();
    assert.ok(source.ready);

    source.close();
    assert.equal(track.stopped, own);
  }
});

test("a camera granted after the view was closed is let go at once", async () => {
  const { track, stream } = opened();
  let grant;
  navigator.mediaDevices.getUserMedia = () => new Promise((resolve) => (grant = resolve));
  const source = new StreamSource({ get: () => null }, { play: async () => {} }, () => {});
  source.open();
  source.close();
  grant(stream);
  await settle();

  assert.ok(track.stopped);
  assert.ok(!source.ready);
});

test("a camera that is unplugged says so, and can be opened again", async () => {
  const { track, stream } = opened();
  navigator.mediaDevices.getUserMedia = async () => stream;
  let changes = 0;
  const source = new StreamSource({ get: () => null }, { play: async () => {} }, () => (changes += 1));
  await source.open();
  track.ended();

  assert.match(source.error, /was unplugged or stopped/);
  assert.equal(changes, 2);
  source.error = "";
  await source.open();
  assert.ok(source.ready);
});

test("a stream that does not load, or is none, names what to do instead", async () => {
  for (const get_model of [async () => ({}), async () => Promise.reject(new Error("no such module"))]) {
    const source = new StreamSource(
      { get: () => "IPY_MODEL_abc", widget_manager: { get_model } },
      { play: async () => {} },
      () => {},
    );
    await source.open();
    assert.match(source.error, /cannot be loaded.*PoseView\(stream=None\)/);
  }
});

test("ipywebrtc keeps a refusal for ever: it is cleared, so that the user may allow it next time", async () => {
  const refused = Object.assign(new Error("no"), { name: "NotAllowedError" });
  const streamModel = { cameraStream: "refused", captureStream: () => Promise.reject(refused) };
  const model = { get: () => "IPY_MODEL_abc", widget_manager: { get_model: async () => streamModel } };
  const source = new StreamSource(model, { play: async () => {} }, () => {});
  await source.open();

  assert.match(source.error, /refused the camera/);
  assert.equal(streamModel.cameraStream, null);
});
