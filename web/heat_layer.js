// SPDX-License-Identifier: Apache-2.0
//
// The heat map on the board. It begins with what changed since a moment that the
// server has kept, some minutes ago, and goes on with what comes.

import { el } from "./dom.js";
import { Heat } from "./heat.js";
import { Past } from "./past.js";

const SHOW_MS = 1500;
const BACK_MS = 10 * 60000;

export class HeatLayer {
  constructor({ env, store, view }) {
    this.view = view;
    this.past = new Past(env);
    this.canvas = el("canvas");
    this.size = "";
    this.heat = null;
    this.shown = false;
    store.watch("picture", ({ picture }) => picture && this.begin(picture));
    setInterval(() => this.shown && !document.hidden && this.paint(), SHOW_MS);
  }

  show(shown) {
    this.shown = shown;
    if (shown) this.paint();
    else this.view.show({ heat: null });
  }

  /// Of a board of another size the heat is another.
  begin(picture) {
    const { size } = this, now = `${picture.width}x${picture.height}`;
    if (size === now) return;
    this.size = now;
    this.heat = new Heat(picture, performance.now());
    this.look(picture, this.heat).catch(() => {});
    this.paint();
  }

  async look(picture, heat) {
    const moments = await this.past.moments() ?? [];
    const from = moments.findLast(({ taken_at: at, seq }) =>
      at < Date.now() - BACK_MS && seq < picture.seq) ?? moments[0];
    const to = moments.at(-1);
    if (!from || from.seq >= to.seq) return;
    const touched = await this.past.touched(from.seq, to.seq, picture);
    if (heat !== this.heat) return;
    this.add(touched, performance.now());
    this.paint();
  }

  add(indices, now) {
    this.heat?.add(indices, now);
  }

  paint() {
    const { canvas, heat } = this;
    if (!heat || !this.shown) return;
    Object.assign(canvas, { width: heat.width, height: heat.height });
    const context = canvas.getContext("2d");
    const image = context.createImageData(heat.width, heat.height);
    heat.paint(new Uint32Array(image.data.buffer), performance.now());
    context.putImageData(image, 0, 0);
    this.view.show({ heat: { image: canvas, side: heat.side } });
  }
}
