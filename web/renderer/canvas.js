// SPDX-License-Identifier: Apache-2.0
//
// The board on a 2D canvas, for machines without a fast WebGL2. What is in sight
// is sampled into one small image, at most a sample per CSS pixel; while the
// camera stands still, a change touches only its own rectangle. A machine that
// cannot sample a whole view within a frame shows fewer samples while the camera
// moves, and makes the others line by line once it stands.

import { wordsOf } from "./palette.js";

const FRESH_MAX = 400; // changed samples a frame, beyond which all are shown
const SAMPLING_MS = 6; // a frame
const RATE_LEAST = 300; // samples a millisecond, also until it is measured

/// "#rrggbb" of a word of wordsOf.
const hexOf = (word) => "#" + [0, 8, 16].map((shift) =>
  (word >>> shift & 255).toString(16).padStart(2, "0")).join("");

function windowOf({ x, y, width, height }, step) {
  return {
    x, y, step, across: width / step, down: height / step, // of the last, perhaps a part
    width: Math.max(1, Math.ceil(width / step)),
    height: Math.max(1, Math.ceil(height / step)), line: 0, image: null, columns: null,
  };
}

export class CanvasRenderer {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.small = document.createElement("canvas");
    this.smallContext = this.small.getContext("2d", { willReadFrequently: true });
    this.words = new Uint32Array(256);
    this.picture = null;
    this.window = null; // {x, y, width, height, step, image}: what is shown
    this.primed = false; // the canvas has its memory
    this.finer = null; // the same with all samples, on its way: its `line` is next
    this.rate = RATE_LEAST;
    this.fresh = []; // samples that changed: index in the image
  }

  get kind() { return "canvas"; }
  get ready() { return this.primed; }

  resize(width, height, ratio) {
    this.ratio = ratio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.window = null;
    this.primed = false;
  }

  setPalette(palette) {
    this.words.set(wordsOf(palette));
    this.window = null;
  }

  setPicture(picture) {
    this.picture = picture;
    this.window = null;
  }

  /// Indices of changed pixels.
  changed(indices) {
    if (!this.window) return;
    this.fresh.push(...this.patch(this.window, indices));
    if (this.finer?.image) this.patch(this.finer, indices);
  }

  /// The samples of a window that these pixels are, brought up to date.
  patch({ x, y, width, height, step, image }, indices) {
    const { pixels, width: row } = this.picture;
    const words = new Uint32Array(image.data.buffer);
    const found = [];
    for (const index of indices) {
      const column = index % row - x, line = (index - index % row) / row - y;
      if (column < 0 || line < 0) continue;
      const sx = Math.ceil(column / step), sy = Math.ceil(line / step);
      if (sx >= width || sy >= height) continue;
      // Not every pixel is one of the samples.
      if (Math.floor(sx * step) !== column || Math.floor(sy * step) !== line) continue;
      words[sy * width + sx] = this.words[pixels[index]];
      found.push(sy * width + sx);
    }
    return found;
  }

  /// `moved`: the camera is another than at the last call. False if another frame is
  /// needed; the first one of a size only gets the canvas its memory, which takes long.
  draw(camera, { ground, checker }, moved) {
    if (!this.primed) {
      this.clear(ground);
      this.primed = true;
      return false;
    }
    if (moved || !this.window || this.checker !== checker) {
      this.checker = checker;
      this.sample(camera);
      this.clear(ground);
      this.show(camera);
    } else if (this.finer && this.fill(this.finer, performance.now() + SAMPLING_MS)) {
      this.take(this.finer);
      this.finer = null;
      this.clear(ground);
      this.show(camera);
    } else if (this.fresh.length > FRESH_MAX) {
      this.take(this.window);
      this.show(camera);
    } else {
      this.paintFresh(camera);
    }
    this.fresh = [];
    return !this.finer;
  }

  clear(ground) {
    const { context, canvas } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = ground;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }

  sample(camera) {
    const view = camera.view();
    const step = Math.max(1, 1 / camera.scale);
    const most = this.rate * SAMPLING_MS;
    const coarser = Math.max(1, Math.sqrt(view.width * view.height / step / step / most));
    this.finer = coarser > 1 ? windowOf(view, step) : null;
    const window = windowOf(view, step * coarser);
    const start = performance.now();
    this.fill(window, Infinity);
    this.take(window);
    this.learn(window.width * window.height, performance.now() - start);
  }

  /// What a sample costs, to read and to show. Slower counts at once: a frame that
  /// is late is worse than one that is coarse.
  learn(samples, ms) {
    if (samples < 1000) return;
    const rate = Math.max(RATE_LEAST, samples / Math.max(ms, 0.1));
    this.rate = rate < this.rate ? rate : this.rate + (rate - this.rate) / 4;
  }

  /// Shows a window from now on.
  take(window) {
    const { width, height, image } = window;
    this.window = window;
    if (this.small.width !== width || this.small.height !== height)
      Object.assign(this.small, { width, height });
    this.smallContext.putImageData(image, 0, 0);
  }

  /// A new one only if the one that is shown has another size.
  imageOf(window) {
    const { width, height } = window, last = this.window?.image;
    return window.image ??= last?.width === width && last.height === height
      ? last : this.smallContext.createImageData(width, height);
  }

  /// Samples a window's lines until `end`; whether all are there.
  fill(window, end) {
    const { x, y, width, height, step } = window;
    const { pixels, width: row, height: rows } = this.picture;
    const words = new Uint32Array(this.imageOf(window).data.buffer);
    const colors = this.words;
    window.columns ??= Uint32Array.from({ length: width }, (_, n) =>
      Math.min(row - 1, x + Math.floor(n * step)));
    for (let now = 0; window.line < height && now < end; now = performance.now()) {
      const from = Math.min(rows - 1, y + Math.floor(window.line * step)) * row;
      let at = window.line++ * width;
      for (const column of window.columns) words[at++] = colors[pixels[from + column]];
    }
    return window.line === height;
  }

  /// Where the image lies on the canvas, and how large a sample is there.
  place(camera) {
    const { x, y, step } = this.window;
    const origin = camera.origin();
    return {
      left: (origin.left + x * camera.scale) * this.ratio,
      top: (origin.top + y * camera.scale) * this.ratio,
      scale: camera.scale * step * this.ratio,
    };
  }

  /// The whole image onto the canvas.
  show(camera) {
    const { left, top, scale } = this.place(camera);
    const { across, down } = this.window;
    if (!across || !down) return; // the board is out of sight
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(this.small, 0, 0, across, down, left, top, across * scale,
                           down * scale);
  }

  /// Each changed sample by itself, on the device pixels that `show` gives it:
  /// those whose middle it holds.
  paintFresh(camera) {
    const { left, top, scale } = this.place(camera);
    const { across, down } = this.window;
    const words = new Uint32Array(this.window.image.data.buffer);
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    for (const index of this.fresh) {
      const column = index % this.window.width;
      const row = (index - column) / this.window.width;
      const x = Math.ceil(left + column * scale - 0.5);
      const y = Math.ceil(top + row * scale - 0.5);
      this.context.fillStyle = hexOf(words[index]);
      this.context.fillRect(
        x, y, Math.ceil(left + Math.min(across, column + 1) * scale - 0.5) - x,
        Math.ceil(top + Math.min(down, row + 1) * scale - 0.5) - y);
    }
  }

  destroy() {
    this.small.width = this.small.height = 0;
  }
}
