// SPDX-License-Identifier: Apache-2.0
//
// The whole board, small, with a frame around what is seen.

import { wordsOf } from "./renderer/palette.js";

const SIDE = 148;
const EVERY_MS = 2000;

export class Minimap {
  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view;
    this.shown = false;
    this.paintedAt = -Infinity;
    view.addEventListener("moved", () => this.frame());
    canvas.addEventListener("pointerdown", (event) => this.go(event));
    canvas.addEventListener("pointermove", (event) => event.buttons && this.go(event));
  }

  show(shown) {
    this.shown = shown;
    this.canvas.hidden = !shown;
    this.paintedAt = -Infinity;
    this.update(performance.now());
  }

  /// Called now and then; paints every two seconds at most.
  update(now) {
    const { picture } = this.view;
    if (!this.shown || !picture || now - this.paintedAt < EVERY_MS) return;
    this.paintedAt = now;
    const step = Math.max(picture.width, picture.height) / SIDE;
    const width = Math.max(1, Math.round(picture.width / step));
    const height = Math.max(1, Math.round(picture.height / step));
    Object.assign(this.canvas, { width, height });
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(width, height);
    const words = new Uint32Array(this.image.data.buffer);
    const colors = wordsOf(this.view.palette);
    for (let y = 0, at = 0; y < height; y++)
      for (let x = 0; x < width; x++, at++)
        words[at] = colors[picture.get(Math.min(picture.width - 1, Math.floor(x * step)),
                                       Math.min(picture.height - 1, Math.floor(y * step)))];
    this.step = step;
    this.frame();
  }

  frame() {
    if (!this.shown || !this.image) return;
    const { x, y, width, height } = this.view.camera.view();
    const { context, step } = this;
    context.putImageData(this.image, 0, 0);
    for (const [style, line] of [["#fff", 3], ["#111", 1]]) {
      context.strokeStyle = style;
      context.lineWidth = line;
      context.strokeRect(x / step, y / step, Math.max(3, width / step),
                         Math.max(3, height / step));
    }
  }

  go(event) {
    const box = this.canvas.getBoundingClientRect();
    this.view.move((camera) => camera.moveTo((event.clientX - box.left) * this.step,
                                             (event.clientY - box.top) * this.step));
    this.view.tell("arrived");
  }
}
