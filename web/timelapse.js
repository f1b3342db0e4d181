// SPDX-License-Identifier: Apache-2.0
//
// The frames of a timelapse of one part of the board: which moments, which pixels, how
// large. No DOM.

import { sizeOf } from "./box.js";

export const FRAMES_MAX = 300;
export const AREA_MAX = 1000000;
const SIDE_GOOD = 480; // a small part is enlarged up to here

/// At most `most` of the moments from `first` on, evenly, the first and last with them.
export function pickMoments(moments, first, most = FRAMES_MAX) {
  const all = moments.slice(first);
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, n) =>
    all[Math.round(n * (all.length - 1) / (most - 1))]);
}

/// By which whole number a part is enlarged.
export function enlargement(box) {
  const { width, height } = sizeOf(box);
  return Math.max(1, Math.floor(SIDE_GOOD / Math.max(width, height)));
}

/// A part of a picture, each pixel `by` × `by`; a colour that the palette has no more
/// is the first.
export function cutFrame(picture, box, by, colors) {
  const { width, height } = sizeOf(box);
  const side = width * by;
  const frame = new Uint8Array(side * height * by);
  for (let y = 0; y < height; y++) {
    const from = (box.y0 + y) * picture.width + box.x0;
    const at = y * by * side;
    for (let x = 0; x < width; x++) {
      const color = picture.pixels[from + x];
      frame.fill(color < colors ? color : 0, at + x * by, at + (x + 1) * by);
    }
    for (let row = 1; row < by; row++) frame.copyWithin(at + row * side, at, at + side);
  }
  return frame;
}
