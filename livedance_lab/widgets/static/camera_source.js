// @ts-check
/**
 * camera_source.js: the video source of a view: an ipywebrtc stream of the notebook, or the camera opened by the view.
 *
 * @typedef {{ stream: MediaStream, own: boolean }} Opened `own`: it was opened here, and must be stopped here
 */

const LOAD_TIMEOUT_MS = 10_000;
const ENDED = "The camera was unplugged or stopped. Press Start to open it again.";
/** What the view asks a camera for; `CAMERA_SIZE_PX` in widgets/camera.py is the same size. */
const CAMERA = { video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 60 } }, audio: false };

/** An error whose message is written for the user. */
class SourceError extends Error {}

/** Opens the stream of a widget, plays it in a video element, and releases it. */
export class StreamSource {
  /** @param {any} model of the widget @param {HTMLVideoElement} video @param {() => void} onChange */
  constructor(model, video, onChange) {
    this.model = model;
    this.video = video;
    this.onChange = onChange;
    this.ready = false;
    this.error = ""; // message for the user
    /** @type {AbortController | null} aborted when the stream is closed */
    this.opening = null;
  }

  /** Open the stream, unless that was done already or has failed. */
  async open() {
    if (this.opening || this.error) return;
    const opening = (this.opening = new AbortController());
    try {
      const opened = await openStream(this.model);
      const release = () => opened.own && opened.stream.getTracks().forEach((track) => track.stop());
      if (opening.signal.aborted) {
        release();
        return;
      }
      opening.signal.addEventListener("abort", release);
      for (const track of opened.stream.getVideoTracks()) {
        track.addEventListener("ended", () => this.fail(ENDED), { signal: opening.signal });
      }
      this.video.srcObject = opened.stream;
      await this.video.play();
      if (opening.signal.aborted) return;
      this.ready = true;
      this.onChange();
    } catch (error) {
      if (!opening.signal.aborted) this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} message */
  fail(message) {
    this.close();
    this.error = message;
    this.onChange();
  }

  close() {
    this.opening?.abort();
    this.opening = null;
    this.ready = false;
    this.error = "";
    this.video.srcObject = null;
  }
}

/** @param {any} model @returns {Promise<Opened>} */
async function openStream(model) {
  const reference = model.get("stream");
  if (!reference) return { stream: await openCamera(), own: true };
  const streamModel = await loadStreamModel(model, reference);
  try {
    return { stream: await streamModel.captureStream(), own: false };
  } catch (error) {
    streamModel.cameraStream = null; // ipywebrtc would keep the error; the user may allow the camera next time
    throw new SourceError(describeCameraError(error, "stream"));
  }
}

async function openCamera() {
  if (!navigator.mediaDevices) throw new SourceError(describeCameraError(null, "camera"));
  try {
    return await navigator.mediaDevices.getUserMedia(CAMERA);
  } catch (error) {
    throw new SourceError(describeCameraError(error, "camera"));
  }
}

/** @param {any} model @param {string} reference "IPY_MODEL_<id>" @returns {Promise<any>} */
async function loadStreamModel(model, reference) {
  const id = reference.replace(/^IPY_MODEL_/, "");
  /** @type {any} */
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${LOAD_TIMEOUT_MS / 1000} s`)), LOAD_TIMEOUT_MS);
  });
  try {
    const found = await Promise.race([model.widget_manager.get_model(id), timeout]);
    if (typeof found?.captureStream !== "function") throw new Error("it is not an ipywebrtc media stream");
    return found;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SourceError(
      `The stream cannot be loaded: ${reason}. Is ipywebrtc installed where Jupyter runs, and was the page reloaded ` +
        "since? Without ipywebrtc, PoseView(stream=None) opens the camera itself.",
    );
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Explain to the user why there is no picture, and what to do.
 * @param {any} error of getUserMedia @param {"camera" | "stream"} kind
 */
export function describeCameraError(error, kind) {
  if (!globalThis.isSecureContext || !globalThis.navigator?.mediaDevices) {
    return (
      "Browsers open cameras only on secure pages (https://… or http://localhost). This page is not secure: " +
      `${globalThis.location?.origin}.`
    );
  }
  const details = error?.message ? ` (${error.message})` : "";
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "The browser refused the camera. Allow it (camera icon next to the page's address), then press Start.";
    case "NotFoundError":
      return "No camera was found. Connect one and press Start, or use a VideoStream of a clip.";
    case "NotReadableError":
      return `The camera delivers no picture; another program may be using it${details}.`;
    case "OverconstrainedError":
      return `The camera does not support the requested ${error.constraint ?? "size or frame rate"}${details}.`;
    default:
      return `The ${kind} delivers no picture: ${error?.message ?? error}.`;
  }
}
