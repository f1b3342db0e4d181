// SPDX-License-Identifier: Apache-2.0
//
// Drawing a box on the board: with a mouse by dragging, with a finger by two taps
// (dragging and pinching go on moving the board), with the keyboard by Enter at each
// corner. Meanwhile the board's own input rests.

import { boxOf } from "./box.js";
import { el, setText } from "./dom.js";
import { t } from "./strings.js";

const SLOP = 4; // a mouse that moved less only clicked

/** @type {Drawing | null} */
let current = null;

/// Resolves to the box, or to null if it was given up.
export function drawBox({ view, store }) {
  stopDrawing();
  return new Promise((done) => {
    current = new Drawing(view, store, (box) => {
      current.end();
      current = null;
      done(box);
    });
    current.begin();
  });
}

/// Gives up a drawing that was begun: what wanted it is gone.
export const stopDrawing = () => current?.finish(null);

class Drawing {
  constructor(view, store, finish) {
    this.view = view;
    this.store = store;
    this.finish = finish;
    this.first = null; // a corner
    this.press = null; // where the mouse went down on the screen
    this.clicked = false; // the first corner was a click
    this.over = new AbortController();
    this.before = view.scene.boxes;
    this.bar = null;
  }

  begin() {
    const { view, store } = this;
    const text = el("span");
    this.bar = el("div", { id: "draw-bar", role: "status" }, text, el("button", {
      type: "button", class: "small", onclick: () => this.finish(null),
    }, t("cancel")));
    this.text = text;
    document.body.append(this.bar);
    document.body.classList.add("drawing");
    this.say();
    const options = { capture: true, signal: this.over.signal };
    const hear = (target, type, handler) => target.addEventListener(type, handler, options);
    hear(view.box, "pointerdown", (event) => this.down(event));
    hear(view.box, "pointermove", (event) => this.move(event));
    hear(view.box, "pointerup", (event) => this.up(event));
    view.grip = (type, detail) => {
      const mine = type === "tap" || type === "hold";
      if (mine) this.corner(this.at(detail));
      return mine;
    };
    hear(document, "keydown", (event) => this.key(event));
    this.unwatch = store.watch("selected", ({ selected }) => {
      if (this.first && selected) this.show(selected);
    });
    view.box.focus({ preventScroll: true });
  }

  end() {
    this.over.abort();
    this.view.grip = null;
    this.unwatch();
    this.bar.remove();
    document.body.classList.remove("drawing");
    this.view.show({ boxes: this.before });
  }

  say() {
    const touch = this.store.get("touch");
    setText(this.text, t(this.first ? "draw_second" : touch ? "draw_touch" : "draw_mouse"));
  }

  at({ x, y }) {
    return this.view.camera.toBoard(x, y);
  }

  show(to) {
    const box = boxOf(this.first, to, this.view.picture);
    this.view.show({ boxes: [...this.before, { ...box, drawn: true }] });
    return box;
  }

  corner(at) {
    if (this.first) return this.finish(this.show(at));
    this.first = at;
    this.show(at);
    return this.say();
  }

  // A mouse or a pen

  mine(event) {
    const mine = event.pointerType !== "touch";
    if (mine) event.stopImmediatePropagation();
    return mine;
  }

  down(event) {
    if (event.button !== 0 || !this.mine(event)) return;
    this.view.box.setPointerCapture(event.pointerId);
    this.press = { x: event.clientX, y: event.clientY };
    if (!this.first) this.corner(this.at(this.press));
  }

  move(event) {
    if (event.pointerType === "touch" || !this.first) return;
    if (this.press) event.stopImmediatePropagation();
    this.show(this.at({ x: event.clientX, y: event.clientY }));
  }

  up(event) {
    if (!this.press || !this.mine(event)) return;
    const to = { x: event.clientX, y: event.clientY };
    const far = Math.hypot(to.x - this.press.x, to.y - this.press.y) > SLOP;
    this.press = null;
    if (far || this.clicked) this.finish(this.show(this.at(to)));
    this.clicked = true;
  }

  // The keyboard

  key(event) {
    const board = event.target === this.view.box;
    if (event.key !== "Escape" && !(board && event.key === "Enter" && !event.repeat)) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (event.key === "Escape") this.finish(null);
    else this.corner(this.store.get("selected") ?? this.view.camera.centre());
  }
}
