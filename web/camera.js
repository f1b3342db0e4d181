// SPDX-License-Identifier: Apache-2.0
//
// Which part of the board is seen, as plain numbers. (x, y) is the point of the
// board in the middle of the visible part, that is, of the window without what
// the controls cover; `scale` is CSS pixels per board pixel. No DOM.

export const SCALE_MAX = 64;
export const SCALE_SEEN = 8; // from here on one pixel can be told from the next
export const SCALE_FLIGHT = 24;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export class Camera {
  constructor() {
    this.x = this.y = 0;
    this.scale = 1;
    this.width = this.height = 1; // of the window
    this.insets = { top: 0, right: 0, bottom: 0, left: 0 };
    this.board = { width: 1, height: 1 };
    this.fitted = true;
  }

  /// The visible part: its middle in the window and its size.
  room() {
    const { top, right, bottom, left } = this.insets;
    const width = Math.max(this.width / 4, this.width - left - right);
    const height = Math.max(this.height / 4, this.height - top - bottom);
    return { width, height, x: left + width / 2, y: top + height / 2 };
  }

  setWindow(width, height, insets) {
    this.width = width;
    this.height = height;
    this.insets = insets;
    if (this.fitted) this.fit();
    else this.settle();
  }

  setBoard({ width, height }) {
    this.board = { width, height };
    if (this.fitted) this.fit();
    else this.settle();
  }

  /// The scale that shows all; of a very long board at least its short side.
  fitScale() {
    const { width, height } = this.board;
    const room = this.room();
    const scale = 0.96 * Math.min(room.width / width, room.height / height);
    const whole = scale > 1 ? Math.floor(scale) : scale;
    return Math.min(SCALE_MAX, Math.max(whole, 1 / Math.min(width, height)));
  }

  fit() {
    this.scale = this.fitScale();
    this.x = this.board.width / 2;
    this.y = this.board.height / 2;
    this.fitted = true;
  }

  settle() {
    this.scale = clamp(this.scale, Math.min(1, this.fitScale() / 2), SCALE_MAX);
    this.x = clamp(this.x, 0, this.board.width);
    this.y = clamp(this.y, 0, this.board.height);
  }

  moveTo(x, y, scale = this.scale) {
    this.fitted = false;
    this.x = x;
    this.y = y;
    this.scale = scale;
    this.settle();
  }

  /// By CSS pixels, the board along with the finger.
  pan(dx, dy) {
    this.moveTo(this.x - dx / this.scale, this.y - dy / this.scale);
  }

  /// Keeps what lies under (px, py) there.
  zoom(factor, px, py) {
    const at = this.toBoard(px, py);
    this.scale *= factor;
    this.settle();
    const room = this.room();
    this.moveTo(at.x - (px - room.x) / this.scale, at.y - (py - room.y) / this.scale);
  }

  /// Where the board's (0, 0) is in the window.
  origin() {
    const room = this.room();
    return { left: room.x - this.x * this.scale, top: room.y - this.y * this.scale };
  }

  toBoard(px, py) {
    const room = this.room();
    return {
      x: this.x + (px - room.x) / this.scale,
      y: this.y + (py - room.y) / this.scale,
    };
  }

  toScreen(x, y) {
    const { left, top } = this.origin();
    return { x: left + x * this.scale, y: top + y * this.scale };
  }

  /// The pixel under a point of the window, or null.
  pixelAt(px, py) {
    const at = this.toBoard(px, py);
    const x = Math.floor(at.x), y = Math.floor(at.y);
    return x >= 0 && y >= 0 && x < this.board.width && y < this.board.height
      ? { x, y } : null;
  }

  /// The pixel in the middle of the visible part; always one of the board's.
  centre() {
    return {
      x: clamp(Math.floor(this.x), 0, this.board.width - 1),
      y: clamp(Math.floor(this.y), 0, this.board.height - 1),
    };
  }

  /// Whether a visitor can see this one pixel: large enough, and not covered.
  sees({ x, y }) {
    if (this.scale < SCALE_SEEN) return false;
    const { top, right, bottom, left } = this.insets;
    const at = this.toScreen(x + 0.5, y + 0.5);
    return at.x >= left && at.x <= this.width - right && at.y >= top &&
      at.y <= this.height - bottom;
  }

  /// The board's rectangle in the window, in whole pixels: {x, y, width, height}.
  view() {
    const from = this.toBoard(0, 0), to = this.toBoard(this.width, this.height);
    const x = clamp(Math.floor(from.x), 0, this.board.width);
    const y = clamp(Math.floor(from.y), 0, this.board.height);
    return {
      x, y, width: clamp(Math.ceil(to.x), 0, this.board.width) - x,
      height: clamp(Math.ceil(to.y), 0, this.board.height) - y,
    };
  }
}

/// A flight from one {x, y, scale} to another: the point at `t` of 0 … 1. The
/// scale grows by equal factors, and the target stays where it is headed.
export function flight(from, to, t) {
  const ease = t < 0.5 ? 2 * t * t : 1 - 2 * (1 - t) * (1 - t);
  const scale = from.scale * (to.scale / from.scale) ** ease;
  const share = Math.abs(to.scale - from.scale) < 1e-9 ? ease
    : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
  return {
    x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share, scale,
  };
}
