// @ts-check
/**
 * media_source.js: the camera, as an ipywebrtc stream of the notebook or opened by the view itself.
 *
 * @typedef {{ stream: MediaStream, own: boolean }} Opened `own`: opened here, so stopped here
 */

const LOAD_TIMEOUT_MS = 10_000;
const ENDED = "The camera's picture has ended: it was unplugged or stopped. Press Start to open it again.";
const CAMERA = { video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 60 } }, audio: false };

/** An error that already speaks to the user. */
class SourceError extends Error {}

/** The picture of a widget: opened when asked, shown in the video, let go when closed. */
export class PictureSource {
  /** @param {any} model the widget's @param {HTMLVideoElement} video @param {() => void} onChange */
  constructor(model, video, onChange) {
    this.model = model;
    this.video = video;
    this.onChange = onChange;
    this.ready = false;
    this.trouble = ""; // why there is no picture, in words
    /** @type {AbortController | null} ends what belongs to one opening */
    this.era = null;
  }

  /** Open it unless that was done or has failed. */
  async open() {
    if (this.era || this.trouble) return;
    const era = (this.era = new AbortController());
    try {
      const opened = await openStream(this.model);
      const letGo = () => opened.own && opened.stream.getTracks().forEach((track) => track.stop());
      if (era.signal.aborted) {
        letGo();
        return;
      }
      era.signal.addEventListener("abort", letGo);
      for (const track of opened.stream.getVideoTracks()) {
        track.addEventListener("ended", () => this.fail(ENDED), { signal: era.signal });
      }
      this.video.srcObject = opened.stream;
      await this.video.play();
      if (era.signal.aborted) return;
      this.ready = true;
      this.onChange();
    } catch (error) {
      if (!era.signal.aborted) this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} words */
  fail(words) {
    this.close();
    this.trouble = words;
    this.onChange();
  }

  close() {
    this.era?.abort();
    this.era = null;
    this.ready = false;
    this.trouble = "";
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
    streamModel.cameraStream = null; // ipywebrtc keeps a refusal for ever; the user may allow it next time
    throw new SourceError(cameraTroubleInWords(error, "stream"));
  }
}

async function openCamera() {
  if (!navigator.mediaDevices) throw new SourceError(cameraTroubleInWords(null, "camera"));
  try {
    return await navigator.mediaDevices.getUserMedia(CAMERA);
  } catch (error) {
    throw new SourceError(cameraTroubleInWords(error, "camera"));
  }
}

/** @param {any} model @param {string} reference "IPY_MODEL_<id>" @returns {Promise<any>} */
async function loadStreamModel(model, reference) {
  const id = reference.replace(/^IPY_MODEL_/, "");
  /** @type {any} */
  let timer;
  const tooLong = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${LOAD_TIMEOUT_MS / 1000} s`)), LOAD_TIMEOUT_MS);
  });
  try {
    const found = await Promise.race([model.widget_manager.get_model(id), tooLong]);
    if (typeof found?.captureStream !== "function") throw new Error("it is not an ipywebrtc media stream");
    return found;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SourceError(
      `The stream cannot be loaded: ${why}. Is ipywebrtc installed where Jupyter runs, and the page reloaded since? ` +
        "Without it, PoseView(stream=None) opens the camera itself.",
    );
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Why there is no picture, and what to do. @param {any} error of getUserMedia @param {"camera" | "stream"} kind
 */
export function cameraTroubleInWords(error, kind) {
  if (!globalThis.isSecureContext || !globalThis.navigator?.mediaDevices) {
    return (
      "Browsers open cameras only on secure pages (https://… or http://localhost), and this page is not one: " +
      `${globalThis.location?.origin}.`
    );
  }
  const said = error?.message ? ` (${error.message})` : "";
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "The browser refused the camera. Allow it (camera sign beside the page's address), then press Start.";
    case "NotFoundError":
      return "No camera was found. Plug one in, then press Start; or use a VideoStream of a clip.";
    case "NotReadableError":
      return `The camera is there but gives no picture: another program may be using it${said}.`;
    case "OverconstrainedError":
      return `The camera cannot do what was asked: ${error.constraint ?? "size or frame rate"}${said}.`;
    default:
      return `The ${kind} gives no picture: ${error?.message ?? error}.`;
  }
}
