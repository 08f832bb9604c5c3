// @ts-check
/**
 * frames.js: a frame as bytes: a 32-byte little-endian header, then the encoded picture.
 *
 * Twin of livedance_lab/wire/frames.py; both are tested with data/golden/wire.json, so change both or neither.
 *
 * @typedef {{ seq: number, widthPx: number, heightPx: number, tCaptureS: number, tSendS: number }} FrameHeader
 *   The size is that of the camera's picture; times are seconds of this page's clock.
 */

export const PROTOCOL_VERSION = 2;
export const HEADER_BYTES = 32;
const KIND_FRAME = 1;

/**
 * Write the header into the first 32 bytes of a message that already contains the picture.
 * @param {ArrayBuffer} message @param {FrameHeader} header
 */
export function encodeFrame(message, header) {
  const view = new DataView(message, 0, HEADER_BYTES);
  view.setUint8(0, 0x4c); // "L"
  view.setUint8(1, 0x44); // "D"
  view.setUint8(2, PROTOCOL_VERSION);
  view.setUint8(3, KIND_FRAME);
  view.setUint16(4, HEADER_BYTES, true);
  view.setUint16(6, 0, true);
  view.setUint32(8, header.seq, true);
  view.setUint16(12, header.widthPx, true);
  view.setUint16(14, header.heightPx, true);
  view.setFloat64(16, header.tCaptureS, true);
  view.setFloat64(24, header.tSendS, true);
}
