// @ts-check
/**
 * frame_encoder.js: detects new video frames, scales them down and encodes them in a worker.
 *
 * A frame is transferred to the worker without copying its pixels on this thread. The worker scales it down, encodes it
 * and returns a message with space for the header at its beginning. Without worker support (old browsers, strict
 * content security policies), a canvas of the page does the same.
 *
 * @typedef {{ widthPx: number, heightPx: number, type: string, quality: number }} Encoding
 * @typedef {{ message: ArrayBuffer, encodeMs: number }} Encoded `encodeMs`: time of the work, here and in the worker
 */

import { HEADER_BYTES } from "./frames.js";

/**
 * Size after scaling down; smaller pictures are not enlarged.
 * @param {number} widthPx @param {number} heightPx @param {number} shortSidePx
 * @returns {[number, number]}
 */
export function fitShortSide(widthPx, heightPx, shortSidePx) {
  const scale = Math.min(1, shortSidePx / Math.min(widthPx, heightPx));
  return [Math.max(1, Math.round(widthPx * scale)), Math.max(1, Math.round(heightPx * scale))];
}

/**
 * Capture time of a frame: the camera's time if the browser has it, else the time of presentation.
 * @param {number} nowMs time of the callback @param {Record<string, any>} [metadata] of requestVideoFrameCallback
 * @returns {number} seconds of this page's clock
 */
export function captureTimeS(nowMs, metadata = {}) {
  const { captureTime, presentationTime } = metadata;
  for (const tMs of [captureTime, presentationTime]) {
    // in some browsers the camera's time is on another clock: it must be within the last second
    if (typeof tMs === "number" && tMs <= nowMs + 50 && tMs > nowMs - 1000) return tMs / 1000;
  }
  return nowMs / 1000;
}

/**
 * Call `onFrame` for each new frame of the video.
 * @param {HTMLVideoElement} video
 * @param {(frame: { tCaptureS: number, shown: number }) => void} onFrame `shown` counts all frames of the video,
 *   also those that were shown while the page was busy
 * @returns {() => void} stops the calls
 */
export function watchFrames(video, onFrame) {
  const precise = typeof video.requestVideoFrameCallback === "function";
  let handle = 0;
  let lastMediaTime = -1;
  let shown = 0;
  /** @param {number} nowMs @param {Record<string, any>} [metadata] */
  const next = (nowMs, metadata) => {
    handle = precise ? video.requestVideoFrameCallback(next) : requestAnimationFrame(next);
    if (!precise && (video.readyState < 2 || video.currentTime === lastMediaTime)) return;
    lastMediaTime = video.currentTime;
    shown = metadata?.presentedFrames ?? shown + 1;
    onFrame({ tCaptureS: captureTimeS(nowMs, metadata), shown });
  };
  handle = precise ? video.requestVideoFrameCallback(next) : requestAnimationFrame(next);
  return () => (precise ? video.cancelVideoFrameCallback(handle) : cancelAnimationFrame(handle));
}

/** Runs inside the worker, and must not use anything outside this function. @param {number} headerBytes */
function encoderWorker(headerBytes) {
  const canvas = new OffscreenCanvas(1, 1);
  // in main memory, because the encoder reads every picture back, which is slow from a graphics card
  const ctx = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  self.onmessage = async ({ data: { id, frame, widthPx, heightPx, type, quality } }) => {
    try {
      if (!ctx) throw new Error("this browser has no 2D canvas in workers");
      const start = performance.now();
      if (canvas.width !== widthPx || canvas.height !== heightPx) {
        canvas.width = widthPx;
        canvas.height = heightPx;
      }
      ctx.drawImage(frame, 0, 0, widthPx, heightPx);
      frame.close();
      const blob = await canvas.convertToBlob({ type, quality });
      const message = new ArrayBuffer(headerBytes + blob.size);
      new Uint8Array(message, headerBytes).set(new Uint8Array(await blob.arrayBuffer()));
      const reply = { id, message, encodeMs: performance.now() - start };
      /** @type {any} */ (self).postMessage(reply, [message]);
    } catch (error) {
      self.postMessage({ id, error: String(error) });
    }
  };
}

/** Encodes one picture at a time. */
export class FrameEncoder {
  constructor() {
    this.busy = false;
    this.where = "worker";
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {{ resolve: (e: Encoded) => void, reject: (e: Error) => void } | null} */
    this.waiting = null;
    this.lastId = 0;
    /** @type {HTMLCanvasElement | null} */
    this.canvas = null;
    this.startWorker();
  }

  startWorker() {
    try {
      if (typeof OffscreenCanvas !== "function") throw new Error("no OffscreenCanvas");
      const source = `(${encoderWorker})(${HEADER_BYTES})`;
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      this.worker = new Worker(url);
      URL.revokeObjectURL(url);
      this.worker.onmessage = ({ data }) => this.onReply(data);
      this.worker.onerror = (event) => this.useMainThread(event.message || "the page's policy forbids workers");
    } catch (error) {
      this.useMainThread(String(error));
    }
  }

  /** Encode with a canvas of the page from now on. @param {string} reason */
  useMainThread(reason) {
    console.info(`livedance: frames are encoded on the page's main thread: ${reason}.`);
    this.where = "page";
    this.close(reason);
  }

  /** @param {{ id: number, message?: ArrayBuffer, encodeMs?: number, error?: string }} reply */
  onReply(reply) {
    if (reply.id !== this.lastId) return;
    if (reply.message) this.waiting?.resolve({ message: reply.message, encodeMs: reply.encodeMs ?? NaN });
    else this.useMainThread(reply.error ?? "no reason given");
    this.waiting = null;
  }

  /**
   * Encode the current frame of the video.
   * @param {HTMLVideoElement} video @param {Encoding} encoding @returns {Promise<Encoded>}
   */
  async encode(video, encoding) {
    this.busy = true;
    try {
      return await (this.worker ? this.encodeInWorker(this.worker, video, encoding) : this.encodeInPage(video, encoding));
    } finally {
      this.busy = false;
    }
  }

  /** @param {Worker} worker @param {HTMLVideoElement} video @param {Encoding} encoding @returns {Promise<Encoded>} */
  async encodeInWorker(worker, video, encoding) {
    const start = performance.now();
    const frame = typeof VideoFrame === "function" ? new VideoFrame(video) : await createImageBitmap(video);
    const id = (this.lastId += 1);
    const reply = new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
    worker.postMessage({ id, frame, ...encoding }, [frame]);
    const grabMs = performance.now() - start;
    const { message, encodeMs } = await reply;
    return { message, encodeMs: grabMs + encodeMs };
  }

  /** @param {HTMLVideoElement} video @param {Encoding} encoding @returns {Promise<Encoded>} */
  async encodeInPage(video, { widthPx, heightPx, type, quality }) {
    const start = performance.now();
    const canvas = (this.canvas ??= document.createElement("canvas"));
    if (canvas.width !== widthPx || canvas.height !== heightPx) [canvas.width, canvas.height] = [widthPx, heightPx];
    canvas.getContext("2d", { alpha: false })?.drawImage(video, 0, 0, widthPx, heightPx);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, quality));
    if (!blob) throw new Error(`this browser cannot encode ${type}`);
    const message = new ArrayBuffer(HEADER_BYTES + blob.size);
    new Uint8Array(message, HEADER_BYTES).set(new Uint8Array(await blob.arrayBuffer()));
    return { message, encodeMs: performance.now() - start };
  }

  /** Stop the worker. A picture that is being encoded is dropped. @param {string} [reason] */
  close(reason = "the view was closed") {
    this.worker?.terminate();
    this.worker = null;
    this.waiting?.reject(new Error(reason));
    this.waiting = null;
  }
}
