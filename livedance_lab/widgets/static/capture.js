// @ts-check
/**
 * capture.js: each new video frame, shrunk and encoded away from the page's thread.
 *
 * A frame goes to a worker as a transferable handle (no pixel is copied on this thread); the worker draws it small,
 * encodes it and hands back a message with room for the header in front. Where workers or their parts are missing
 * (old browsers, strict content policies), a canvas of the page does the same.
 *
 * @typedef {{ widthPx: number, heightPx: number, type: string, quality: number }} Encoding
 * @typedef {{ message: ArrayBuffer, encodeMs: number }} Encoded `encodeMs`: the work, here and in the worker
 */

import { HEADER_BYTES } from "./frames.js";

/**
 * Size after shrinking; never enlarges.
 * @param {number} widthPx @param {number} heightPx @param {number} shortSidePx
 * @returns {[number, number]}
 */
export function fitShortSide(widthPx, heightPx, shortSidePx) {
  const scale = Math.min(1, shortSidePx / Math.min(widthPx, heightPx));
  return [Math.max(1, Math.round(widthPx * scale)), Math.max(1, Math.round(heightPx * scale))];
}

/**
 * When the frame was captured, as truly as the browser tells: by the camera, else when it was shown.
 * @param {number} nowMs time of the callback @param {Record<string, any>} [metadata] of requestVideoFrameCallback
 * @returns {number} seconds of this page's clock
 */
export function captureTimeS(nowMs, metadata = {}) {
  const { captureTime, presentationTime } = metadata;
  for (const tMs of [captureTime, presentationTime]) {
    // a camera's stamp may be on another clock in some browsers: it must lie in the last second
    if (typeof tMs === "number" && tMs <= nowMs + 50 && tMs > nowMs - 1000) return tMs / 1000;
  }
  return nowMs / 1000;
}

/**
 * Call back for each new frame that the video shows.
 * @param {HTMLVideoElement} video
 * @param {(frame: { tCaptureS: number, shown: number }) => void} onFrame `shown` counts all frames of the video,
 *   also those that came while the page was busy
 * @returns {() => void} stops it
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

/** Runs inside the worker: it must not use anything from outside itself. @param {number} headerBytes */
function encoderWorker(headerBytes) {
  const canvas = new OffscreenCanvas(1, 1);
  // kept in main memory: the encoder reads every picture back, which is slow from a graphics card
  const ctx = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  self.onmessage = async ({ data: { id, frame, widthPx, heightPx, type, quality } }) => {
    try {
      if (!ctx) throw new Error("this browser draws no 2D pictures in workers");
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

/** One picture at a time: `busy` while one is under way. */
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
      this.worker.onerror = (event) => this.giveUpWorker(event.message || "the page's policy allows no worker");
    } catch (error) {
      this.giveUpWorker(String(error));
    }
  }

  /** Go on with a canvas of the page. @param {string} why */
  giveUpWorker(why) {
    console.info(`livedance: encoding frames on the page's own thread: ${why}.`);
    this.worker?.terminate();
    this.worker = null;
    this.where = "page";
    this.waiting?.reject(new Error(why));
    this.waiting = null;
  }

  /** @param {{ id: number, message?: ArrayBuffer, encodeMs?: number, error?: string }} reply */
  onReply(reply) {
    if (reply.id !== this.lastId) return;
    if (reply.message) this.waiting?.resolve({ message: reply.message, encodeMs: reply.encodeMs ?? NaN });
    else this.giveUpWorker(reply.error ?? "no reason given");
    this.waiting = null;
  }

  /**
   * Encode what the video shows now.
   * @param {HTMLVideoElement} video @param {Encoding} encoding @returns {Promise<Encoded>}
   */
  async encode(video, encoding) {
    this.busy = true;
    try {
      return await (this.worker ? this.encodeInWorker(this.worker, video, encoding) : this.encodeHere(video, encoding));
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
  async encodeHere(video, { widthPx, heightPx, type, quality }) {
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

  /** Free the worker. A picture under way is dropped. */
  close() {
    this.worker?.terminate();
    this.worker = null;
    this.waiting?.reject(new Error("the view was closed"));
    this.waiting = null;
  }
}
