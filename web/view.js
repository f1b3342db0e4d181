// SPDX-License-Identifier: Apache-2.0
//
// The board on the screen: two canvases (the truth, and what lies on it), the
// camera, and what fingers, mouse and keys do to it. Paints only in a frame, and
// only what changed. Events:
//
//     tap {x, y, pixel, touch}   hold {pixel}    hover {pixel}
//     moved {}                   arrived {}      step {dx, dy}

import { Camera, SCALE_FLIGHT, SCALE_SEEN, flight } from "./camera.js";
import { Input } from "./input.js";
import { CanvasRenderer } from "./renderer/canvas.js";
import { Overlay } from "./renderer/overlay.js";
import { spotlight } from "./renderer/palette.js";
import { createWebGl } from "./renderer/webgl.js";

const FLIGHT_MS = 200;
const KEY_ZOOM = 1.5;

export class BoardView extends EventTarget {
  /**
   * @param {HTMLElement} box  holds the two canvases and takes the input
   * @param {string} wanted  "webgl" to begin with that
   */
  constructor(box, wanted = "auto") {
    super();
    this.box = box;
    this.camera = new Camera();
    this.input = new Input();
    this.overlay = new Overlay(box.querySelector("#overlay"));
    this.renderer = this.createRenderer(wanted);
    this.picture = null;
    this.palette = [];
    this.scene = {
      selected: null, hover: null, ghost: null, sending: false, grid: true,
      reticle: false, template: null, heat: null, only: null, boxes: [],
    };
    this.locked = false;
    /** @type {((type: string, detail: any) => boolean) | null} */
    this.grip = null; // has each event first; true: it is taken
    this.moved = true; // since the last frame
    this.dirty = false; // pixels changed since then
    this.restless = true; // what lies on the board changed, or moves
    this.frame = 0;
    this.begun = false; // this picture was drawn at this size
    this.flying = null;
    this.colors = { ground: "#d9dde5", checker: "#ccd1da" };
    this.insets = { top: 0, right: 0, bottom: 0, left: 0 };
    this.observe();
  }

  createRenderer(wanted) {
    const ground = this.box.querySelector("#ground");
    return wanted === "webgl" && this.webGlOn(ground) || new CanvasRenderer(ground);
  }

  webGlOn(canvas) {
    const webgl = createWebGl(canvas);
    if (webgl) webgl.restored = () => this.redraw();
    return webgl;
  }

  /// From the 2D canvas, with which every page starts, to WebGL. A canvas has one
  /// kind of context for its life, so that another one takes its place.
  upgrade() {
    if (this.renderer.kind === "webgl") return;
    const before = this.box.querySelector("#ground");
    const canvas = /** @type {HTMLCanvasElement} */ (before.cloneNode());
    const webgl = this.webGlOn(canvas);
    if (!webgl) return;
    before.replaceWith(canvas);
    this.renderer.destroy();
    this.renderer = webgl;
    webgl.resize(this.width, this.height, this.ratio);
    this.setPalette(this.palette);
    if (this.picture) webgl.setPicture(this.picture);
    this.redraw();
  }

  // What is shown

  setColors(colors) {
    this.colors = colors;
    this.redraw();
  }

  setPalette(palette) {
    this.palette = palette;
    this.renderer.setPalette(spotlight(palette, this.scene.only));
    this.redraw();
  }

  setPicture(picture) {
    const same = this.picture && this.picture.width === picture.width &&
      this.picture.height === picture.height;
    this.picture = picture;
    this.box.classList.remove("empty");
    if (!same) {
      this.camera.setBoard(picture);
      this.begun = false;
    }
    this.renderer.setPicture(picture);
    this.redraw();
    if (!same) this.tell("moved");
  }

  changed(indices) {
    this.renderer.changed(indices);
    this.dirty = true;
    this.draw();
  }

  /// Changes of the scene: see the constructor.
  show(patch) {
    const only = this.scene.only;
    Object.assign(this.scene, patch);
    if (this.scene.only !== only) this.setPalette(this.palette);
    this.restless = true;
    this.draw();
  }

  // Drawing

  redraw() {
    this.moved = true;
    this.draw();
  }

  draw() {
    this.frame ||= requestAnimationFrame((now) => this.paint(now));
  }

  paint(now) {
    this.frame = 0;
    if (!this.picture) return; // the checker of style.css is there
    if (this.flying) this.fly(now);
    const { moved } = this;
    let done = true;
    const ready = this.renderer.ready; // before: what it had to do first had a frame
    if (moved || this.dirty) done = this.renderer.draw(this.camera, this.colors, moved);
    this.moved = !this.renderer.ready || !ready;
    this.dirty = !done; // then it goes on in the next frame
    // The first frames are the longest: what lies on the board has the next one.
    if (!this.begun) {
      this.begun = ready;
      this.restless = true;
    } else if (moved || this.restless || this.overlay.moving()) {
      const scene = {
        ...this.scene, ...this.colors, picture: this.picture, palette: this.palette,
      };
      this.restless = this.overlay.draw(this.camera, scene, now);
    }
    if (this.flying || !done || this.restless) this.draw();
  }

  // Moving

  setInsets(insets) {
    this.insets = insets;
    this.resize();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    const ratio = Math.min(3, devicePixelRatio || 1);
    this.camera.setWindow(width, height, this.insets);
    if (width !== this.width || height !== this.height || ratio !== this.ratio) {
      this.width = width;
      this.height = height;
      this.ratio = ratio;
      this.renderer.resize(width, height, ratio);
      this.overlay.resize(width, height, ratio);
      this.begun = false;
    }
    this.redraw();
    this.tell("moved");
  }

  /// Changes the camera and tells.
  move(change) {
    this.flying = null;
    change(this.camera);
    this.redraw();
    this.tell("moved");
  }

  flyTo(x, y, scale = Math.max(this.camera.scale, SCALE_FLIGHT)) {
    const { camera } = this;
    if (this.overlay.calm.matches) {
      this.move(() => camera.moveTo(x, y, scale));
      this.tell("arrived");
      return;
    }
    this.flying = {
      from: { x: camera.x, y: camera.y, scale: camera.scale }, to: { x, y, scale },
      start: performance.now(),
    };
    this.draw();
  }

  fly(now) {
    const { from, to, start } = this.flying;
    const t = Math.min(1, Math.max(0, (now - start) / FLIGHT_MS));
    const at = flight(from, to, t);
    this.camera.moveTo(at.x, at.y, at.scale);
    this.moved = true;
    if (t === 1) this.flying = null;
    this.tell("moved");
    if (t === 1) this.tell("arrived");
  }

  zoom(factor) {
    const { x, y } = this.camera.room();
    this.move((camera) => camera.zoom(factor, x, y));
    this.tell("arrived");
  }

  fit() {
    this.move((camera) => camera.fit());
    this.tell("arrived");
  }

  tell(type, detail = {}) {
    if (this.grip?.(type, detail)) return;
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // Input

  observe() {
    const { box } = this;
    new ResizeObserver(() => this.resize()).observe(box);
    const kinds = {
      pointerdown: "down", pointermove: "move", pointerup: "up",
      pointercancel: "cancel",
    };
    for (const [name, type] of Object.entries(kinds))
      box.addEventListener(name, (event) =>
        this.onPointer(/** @type {PointerEvent} */ (event), type));
    box.addEventListener("pointerleave", () => this.tell("hover", { pixel: null }));
    box.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    box.addEventListener("keydown", (event) => this.onKey(event));
    box.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  onPointer(event, type) {
    if (!this.picture) return;
    if (type === "down") {
      if (event.button > 1) return;
      this.box.setPointerCapture(event.pointerId);
    }
    this.act(this.input.handle({
      type, id: event.pointerId, kind: event.pointerType, time: event.timeStamp,
      x: event.clientX, y: event.clientY,
    }));
  }

  onWheel(event) {
    event.preventDefault();
    if (!this.picture) return;
    this.act(this.input.handle({
      type: "wheel", x: event.clientX, y: event.clientY, delta: event.deltaY,
      lines: event.deltaMode === 1,
    }));
  }

  act(actions) {
    for (const action of actions) {
      const pixel = "x" in action ? this.camera.pixelAt(action.x, action.y) : null;
      switch (action.do) {
      case "pan":
        if (!this.locked) this.move((camera) => camera.pan(action.dx, action.dy));
        break;
      case "zoom":
        if (!this.locked)
          this.move((camera) => camera.zoom(action.factor, action.x, action.y));
        break;
      case "rest": this.tell("arrived"); break;
      default: this.tell(action.do, { ...action, pixel });
      }
    }
  }

  onKey(event) {
    if (!this.picture || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    };
    const step = steps[event.key];
    const by = event.shiftKey ? 10 : 1;
    if (step) this.tell("step", { dx: step[0] * by, dy: step[1] * by });
    else if (event.key === "+" || event.key === "=") this.zoom(KEY_ZOOM);
    else if (event.key === "-" || event.key === "_") this.zoom(1 / KEY_ZOOM);
    else if (event.key === "Home") this.fit();
    else return;
    event.preventDefault();
  }

  /// Brings a pixel into sight if it is not.
  reveal({ x, y }) {
    if (this.camera.sees({ x, y })) return;
    this.move((camera) =>
      camera.moveTo(x + 0.5, y + 0.5, Math.max(camera.scale, SCALE_SEEN * 2)));
    this.tell("arrived");
  }
}
