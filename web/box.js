// SPDX-License-Identifier: Apache-2.0
//
// A box of pixels {x0, y0, x1, y1}, both corners within it, as moderators and the
// timelapse choose one. No DOM.

const clamp = (value, most) => Math.min(most, Math.max(0, Math.floor(value)));

/// The box between two corners in any order, as far as it is on the board.
export function boxOf(a, b, { width, height }) {
  return {
    x0: clamp(Math.min(a.x, b.x), width - 1), y0: clamp(Math.min(a.y, b.y), height - 1),
    x1: clamp(Math.max(a.x, b.x), width - 1), y1: clamp(Math.max(a.y, b.y), height - 1),
  };
}

/**
 * The box of four numbers, or null if they are none on the board.
 * @param {number[]} corners
 */
export function readBox(corners, { width, height }) {
  const [x0, y0, x1, y1] = corners;
  const good = corners.length === 4 && corners.every(Number.isInteger) && x0 >= 0 && y0 >= 0 &&
    x0 <= x1 && y0 <= y1 && x1 < width && y1 < height;
  return good ? { x0, y0, x1, y1 } : null;
}

export const cornersOf = ({ x0, y0, x1, y1 }) => [x0, y0, x1, y1];

export const sizeOf = ({ x0, y0, x1, y1 }) => ({ width: x1 - x0 + 1, height: y1 - y0 + 1 });

/// Where to look, and how near, so that all of it is seen: {x, y, scale}.
export function sightOf(box, room) {
  const { width, height } = sizeOf(box);
  return {
    x: box.x0 + width / 2, y: box.y0 + height / 2,
    scale: 0.8 * Math.min(room.width / width, room.height / height),
  };
}
