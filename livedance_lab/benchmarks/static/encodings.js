// The page of encodings.py: it encodes the camera's frames with the widget's own capture code.

import { FrameEncoder, fitShortSide } from "./frame_encoder.js";
import { HEADER_BYTES } from "./frames.js";

const video = document.querySelector("video");
const encoder = new FrameEncoder();
const constraints = { video: { width: { ideal: 4096 }, height: { ideal: 4096 }, frameRate: { ideal: 60 } } };

const nextFrame = () => new Promise((resolve) => video.requestVideoFrameCallback(resolve));

async function encode({ shortSidePx, type, quality }) {
  const [widthPx, heightPx] = fitShortSide(video.videoWidth, video.videoHeight, shortSidePx);
  return await encoder.encode(video, { widthPx, heightPx, type, quality });
}

function toBase64(message) {
  let text = "";
  for (const byte of new Uint8Array(message, HEADER_BYTES)) text += String.fromCharCode(byte);
  return btoa(text);
}

window.begin = async () => {
  video.srcObject = await navigator.mediaDevices.getUserMedia(constraints);
  await video.play();
  await nextFrame();
  return [video.videoWidth, video.videoHeight];
};

window.time = async (encoding, frames) => {
  const timesMs = [];
  for (let i = -3; i < frames; i += 1) {
    await nextFrame();
    const { encodeMs } = await encode(encoding);
    if (i >= 0) timesMs.push(encodeMs); // the first ones make the canvas
  }
  return timesMs;
};

window.still = async (encodings) => {
  await video.play();
  await nextFrame();
  video.pause();
  const pictures = [];
  for (const encoding of encodings) pictures.push(toBase64((await encode(encoding)).message));
  return pictures;
};
