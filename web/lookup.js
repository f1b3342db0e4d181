// SPDX-License-Identifier: Apache-2.0
//
// Who placed the chosen pixel, and when. A pixel that many watch and that keeps
// changing must not make each of them ask each time: a change is told as such,
// and asked after once, some seconds later.

import { ask } from "./net.js";

const SETTLE_MS = 350;
const CHANGE_MS = 5000;
const CHANGE_SPREAD_MS = 15000;

export class Lookup {
  constructor(env, told) {
    this.env = env;
    this.told = told;
    this.at = null;
    this.timer = null;
    this.changes = 0; // an answer of before the last one is old
  }

  /// The pixel chosen now, or null.
  select(pixel) {
    if (pixel?.x === this.at?.x && pixel?.y === this.at?.y) return;
    this.at = pixel;
    this.env.clearTimeout(this.timer);
    this.timer = null;
    this.told(null);
    if (pixel) this.later(SETTLE_MS);
  }

  /// The chosen pixel changed; `own` if this visitor did it.
  changed(own = null) {
    if (!this.at) return;
    this.changes++;
    this.told(own ?? { changed: true });
    if (!own && this.late) return;
    this.env.clearTimeout(this.timer);
    this.late = !own;
    if (!own) this.later(CHANGE_MS + this.env.random() * CHANGE_SPREAD_MS);
  }

  later(ms) {
    const { at } = this;
    this.timer = this.env.setTimeout(async () => {
      this.late = false;
      if (at !== this.at) return;
      const { changes } = this;
      const pixel = await fetchPixel(this.env, at);
      if (at === this.at && changes === this.changes)
        this.told(pixel ?? { failed: true });
    }, ms);
  }
}

/// The newest placement at a pixel, or null.
export function fetchPixel(env, { x, y }) {
  return ask(env, `/api/v1/pixels/${x}/${y}`, (answer) =>
    answer.ok ? answer.json() : null).catch(() => null);
}
