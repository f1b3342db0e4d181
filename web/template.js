// SPDX-License-Identifier: Apache-2.0
//
// A template: a picture that a group means to draw, one palette index a pixel,
// NONE for pixels it has no wish about. It knows, all the time, how much of it is
// done and where the next wrong pixel is. No DOM.

export const NONE = 255;
export const SIDE_MAX = 4096;
const OPAQUE = 128;

/// The palette's colour next to each pixel of RGBA data, by the eye's weights.
/// With `size`, each is the middle of a square of so many pixels: a template that
/// somebody has enlarged.
export function snap({ data, width, height }, palette, size = 1) {
  const columns = Math.floor(width / size), rows = Math.floor(height / size);
  const colors = palette.map(rgbOf);
  const known = new Map();
  const cells = new Uint8Array(columns * rows).fill(NONE);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const middle = size >> 1;
      const at = 4 * ((y * size + middle) * width + x * size + middle);
      if (data[at + 3] < OPAQUE) continue;
      const key = data[at] << 16 | data[at + 1] << 8 | data[at + 2];
      if (!known.has(key)) known.set(key, nearest(colors, key));
      cells[y * columns + x] = known.get(key);
    }
  return { width: columns, height: rows, cells };
}

const rgbOf = (text) => parseInt(text.slice(1), 16);

function nearest(colors, rgb) {
  const [r, g, b] = [rgb >> 16, rgb >> 8 & 255, rgb & 255];
  let best = 0, least = Infinity;
  colors.forEach((color, index) => {
    const mean = (r + (color >> 16)) / 2;
    const dr = r - (color >> 16), dg = g - (color >> 8 & 255), db = b - (color & 255);
    const far = (2 + mean / 256) * dr * dr + 4 * dg * dg +
      (2 + (255 - mean) / 256) * db * db;
    if (far < least) [best, least] = [index, far];
  });
  return best;
}

export class Template {
  /**
   * @param {{x: number, y: number, width: number, height: number,
   *          cells: Uint8Array}} shape
   */
  constructor({ x, y, width, height, cells }) {
    this.x = x;
    this.y = y;
    this.width = width;
    this.height = height;
    this.cells = cells;
    this.wrong = new Uint8Array(cells.length);
    this.total = this.done = 0;
    /// per colour: {total, done}
    this.colors = new Map();
  }

  /// Counts anew against the whole board.
  measure(picture) {
    this.colors.clear();
    this.total = this.done = 0;
    for (let i = 0; i < this.cells.length; i++) {
      this.wrong[i] = 0;
      const color = this.cells[i];
      if (color === NONE) continue;
      const x = this.x + i % this.width, y = this.y + Math.floor(i / this.width);
      if (!picture.contains(x, y)) continue;
      this.total++;
      if (!this.colors.has(color)) this.colors.set(color, { total: 0, done: 0 });
      this.colors.get(color).total++;
      this.mark(i, picture.get(x, y) !== color, true);
    }
  }

  mark(i, wrong, fresh = false) {
    if (!fresh && Boolean(this.wrong[i]) === wrong) return;
    const step = wrong ? (fresh ? 0 : -1) : 1;
    this.wrong[i] = wrong ? 1 : 0;
    this.done += step;
    this.colors.get(this.cells[i]).done += step;
  }

  /// Indices of the board that changed; true if one of them is the template's.
  changed(indices, picture) {
    let touched = false;
    for (const index of indices) {
      const x = index % picture.width, y = (index - x) / picture.width;
      const i = this.cellAt(x, y);
      if (i < 0 || this.cells[i] === NONE) continue;
      this.mark(i, picture.pixels[index] !== this.cells[i]);
      touched = true;
    }
    return touched;
  }

  cellAt(x, y) {
    const column = x - this.x, row = y - this.y;
    return column >= 0 && row >= 0 && column < this.width && row < this.height
      ? row * this.width + column : -1;
  }

  /// The colour wished at (x, y), or null.
  wish(x, y) {
    const i = this.cellAt(x, y);
    return i < 0 || this.cells[i] === NONE ? null : this.cells[i];
  }

  /// The wrong pixel nearest to (x, y) that is not (x, y) itself, of one colour
  /// if that is given: {x, y, color}, or null.
  nextWrong(x, y, only = null) {
    let best = null, least = Infinity;
    for (let i = 0; i < this.cells.length; i++) {
      if (!this.wrong[i] || only !== null && this.cells[i] !== only) continue;
      const at = { x: this.x + i % this.width, y: this.y + Math.floor(i / this.width) };
      const far = (at.x - x) ** 2 + (at.y - y) ** 2;
      if (far > 0 && far < least) {
        least = far;
        best = { ...at, color: this.cells[i] };
      }
    }
    return best;
  }

  progress() {
    return {
      total: this.total, done: this.done,
      colors: [...this.colors].map(([color, { total, done }]) => ({ color, total, done }))
        .sort((a, b) => a.color - b.color),
    };
  }
}
