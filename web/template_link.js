// SPDX-License-Identifier: Apache-2.0
//
// A template in a link: `x.y.width.DATA`. DATA is base64url of a raw deflate stream
// of one byte per pixel, 255 for none. No DOM.

const LENGTH_MAX = 12000; // of DATA in a link: what messengers pass on
const PIXELS_MAX = 1 << 20;

async function through(stream, bytes) {
  const blob = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(blob).arrayBuffer());
}

/// A template's text for a link; null if it is too large for one.
export async function packTemplate({ x, y, width, cells }) {
  const packed = await through(new CompressionStream("deflate-raw"), cells);
  if (packed.length * 4 / 3 > LENGTH_MAX) return null;
  let text = "";
  for (const byte of packed) text += String.fromCharCode(byte);
  const data = btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return [x, y, width, data].join(".");
}

/// {x, y, width, height, cells}; null if the text makes no sense.
export async function unpackTemplate(text) {
  const match = /^(-?\d{1,6})\.(-?\d{1,6})\.(\d{1,5})\.([\w-]+)$/.exec(text ?? "");
  if (!match || match[4].length > LENGTH_MAX) return null;
  const [x, y, width] = match.slice(1, 4).map(Number);
  try {
    const packed = Uint8Array.from(
      atob(match[4].replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const cells = await inflate(packed);
    const height = cells.length / width;
    return Number.isInteger(height) && height > 0
      ? { x, y, width, height, cells } : null;
  } catch {
    return null;
  }
}

/// Stops a stream that would unpack to more than any template holds.
async function inflate(packed) {
  const reader = new Blob([packed]).stream()
    .pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    if (size > PIXELS_MAX) throw new RangeError("too large");
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
