// SPDX-License-Identifier: Apache-2.0
//
// How busy each part of the board is: a grid of cells whose counts halve every
// few minutes. No DOM.

const CELLS_MAX = 1 << 18;
const HALF_LIFE_MS = 5 * 60000;

export class Heat {
  constructor({ width, height }, now) {
    this.side = Math.max(1, Math.ceil(Math.sqrt(width * height / CELLS_MAX)));
    this.boardWidth = width;
    this.width = Math.ceil(width / this.side);
    this.height = Math.ceil(height / this.side);
    this.cells = new Float32Array(this.width * this.height);
    this.start = now;
  }

  /// Newer changes weigh more, so that the old ones need no work to fade.
  weight(now) {
    return 2 ** ((now - this.start) / HALF_LIFE_MS);
  }

  add(indices, now) {
    let weight = this.weight(now);
    if (weight > 1e6) weight = this.rebase(now);
    for (const index of indices) {
      const x = index % this.boardWidth, y = (index - x) / this.boardWidth;
      this.cells[Math.floor(y / this.side) * this.width +
        Math.floor(x / this.side)] += weight;
    }
  }

  rebase(now) {
    const weight = this.weight(now);
    for (let i = 0; i < this.cells.length; i++) this.cells[i] /= weight;
    this.start = now;
    return 1;
  }

  /// RGBA of each cell: nothing is clear, much is bright.
  paint(words, now) {
    const weight = this.weight(now);
    for (let i = 0; i < this.cells.length; i++) {
      const heat = this.cells[i] / weight / (this.side * this.side);
      const level = 1 - 1 / (1 + 2 * heat);
      const alpha = level < 0.02 ? 0 : Math.round(60 + 170 * level);
      words[i] = (alpha << 24 | 20 << 16 | Math.round(200 * level) << 8 | 255) >>> 0;
    }
  }
}
