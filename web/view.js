// SPDX-License-Identifier: Apache-2.0
//
// The board on a <canvas>: drag, wheel, pinch, keys. The board is kept in tiles
// of their own small canvases, so that a diff repaints a tile's rectangle and a
// frame draws only the tiles in sight. `select` events carry the pixel chosen.

const TILE = 512;
const SCALE_MAX = 64;
const GRID_FROM = 12; // css pixels a board pixel, from which lines are drawn
const CLICK_SLOP = 6;
const KEY_PAN = 80;
const KEY_ZOOM = 1.5;

export class View extends EventTarget {
  constructor(canvas) {
    super();
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.board = null;
    this.colors = new Uint32Array(256);
    this.tiles = [];
    this.dirty = new Set();
    this.x = this.y = 0; // board coordinates of the middle
    this.scale = 1;
    this.cursor = null; // {x, y} the chosen pixel
    this.preview = null; // colour index shown on it
    this.pointers = new Map();
    this.frame = 0;
    this.insets = { top: 0, bottom: 0 }; // covered by controls
    this.observe();
  }

  // What is shown

  setPalette(palette) {
    this.palette = palette;
    palette.forEach((text, i) => {
      const rgb = parseInt(text.slice(1), 16);
      // ImageData is RGBA in memory; every browser's machine is little-endian.
      this.colors[i] = (0xff000000 | (rgb & 0xff) << 16 | (rgb & 0xff00) |
        rgb >> 16) >>> 0;
    });
    this.repaint();
  }

  setBoard(board) {
    const first = !this.board;
    this.board = board;
    this.columns = Math.ceil(board.width / TILE);
    this.rows = Math.ceil(board.height / TILE);
    this.tiles = new Array(this.columns * this.rows).fill(null);
    if (first) this.fit();
    this.repaint();
  }

  repaint() {
    for (let i = 0; i < this.tiles.length; i++) this.dirty.add(i);
    this.draw();
  }

  /// Indices of changed pixels.
  changed(indices) {
    for (const index of indices) {
      const x = index % this.board.width;
      const y = (index - x) / this.board.width;
      const number = Math.floor(y / TILE) * this.columns + Math.floor(x / TILE);
      const tile = this.tiles[number];
      if (!tile || this.dirty.has(number)) {
        this.dirty.add(number);
        continue;
      }
      tile.words[(y % TILE) * TILE + x % TILE] =
        this.colors[this.board.pixels[index]];
      tile.stale = true;
    }
    this.draw();
  }

  newTile() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = TILE;
    const context = canvas.getContext("2d");
    const image = context.createImageData(TILE, TILE);
    return {
      canvas, context, image, words: new Uint32Array(image.data.buffer),
    };
  }

  fillTile(number) {
    const tile = this.tiles[number] ??= this.newTile();
    const { width, height, pixels } = this.board;
    const left = number % this.columns * TILE;
    const top = Math.floor(number / this.columns) * TILE;
    const right = Math.min(width, left + TILE);
    for (let y = top; y < Math.min(height, top + TILE); y++)
      for (let x = left; x < right; x++)
        tile.words[(y - top) * TILE + x - left] =
          this.colors[pixels[y * width + x]];
    tile.stale = true;
    return tile;
  }

  // Drawing

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.board) this.paint();
    });
  }

  origin() {
    return {
      left: this.width / 2 - this.x * this.scale,
      top: this.height / 2 - this.y * this.scale,
    };
  }

  paint() {
    const { context, board, scale } = this;
    const ratio = this.ratio;
    const { left, top } = this.origin();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = getComputedStyle(this.canvas).backgroundColor;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(ratio, 0, 0, ratio, left * ratio, top * ratio);
    context.imageSmoothingEnabled = scale * ratio < 1;
    for (let number = 0; number < this.tiles.length; number++)
      this.paintTile(number, left, top);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.strokeStyle = "rgb(128 128 128 / 60%)";
    context.strokeRect(left - 0.5, top - 0.5, board.width * scale + 1,
                       board.height * scale + 1);
    if (scale >= GRID_FROM) this.paintGrid(left, top);
    if (this.cursor) this.paintCursor(left, top);
  }

  paintTile(number, left, top) {
    const { board, scale } = this;
    const x = number % this.columns * TILE;
    const y = Math.floor(number / this.columns) * TILE;
    const width = Math.min(TILE, board.width - x);
    const height = Math.min(TILE, board.height - y);
    if (left + x * scale > this.width || top + y * scale > this.height ||
        left + (x + width) * scale < 0 || top + (y + height) * scale < 0)
      return;
    let tile = this.tiles[number];
    if (!tile || this.dirty.has(number)) tile = this.fillTile(number);
    this.dirty.delete(number);
    if (tile.stale) tile.context.putImageData(tile.image, 0, 0);
    tile.stale = false;
    this.context.drawImage(tile.canvas, 0, 0, width, height,
                           x * scale, y * scale, width * scale, height * scale);
  }

  paintGrid(left, top) {
    const { context, board, scale } = this;
    const from = Math.max(0, Math.floor(-left / scale));
    const to = Math.min(board.width, Math.ceil((this.width - left) / scale));
    const first = Math.max(0, Math.floor(-top / scale));
    const last = Math.min(board.height, Math.ceil((this.height - top) / scale));
    context.beginPath();
    for (let x = from; x <= to; x++) {
      context.moveTo(left + x * scale, top + first * scale);
      context.lineTo(left + x * scale, top + last * scale);
    }
    for (let y = first; y <= last; y++) {
      context.moveTo(left + from * scale, top + y * scale);
      context.lineTo(left + to * scale, top + y * scale);
    }
    context.strokeStyle = "rgb(128 128 128 / 25%)";
    context.lineWidth = 1;
    context.stroke();
  }

  paintCursor(left, top) {
    const { context, scale } = this;
    const size = Math.max(scale, 7);
    const x = left + (this.cursor.x + 0.5) * scale - size / 2;
    const y = top + (this.cursor.y + 0.5) * scale - size / 2;
    if (this.preview !== null) {
      context.fillStyle = this.palette[this.preview];
      context.fillRect(x, y, size, size);
    }
    context.lineWidth = 3;
    context.strokeStyle = "#fff";
    context.strokeRect(x - 1, y - 1, size + 2, size + 2);
    context.lineWidth = 1.5;
    context.strokeStyle = "#111";
    context.strokeRect(x - 2.5, y - 2.5, size + 5, size + 5);
    context.lineWidth = 1;
  }

  // Moving

  clamp() {
    const least = Math.min(1, 0.5 * Math.min(this.width / this.board.width,
                                             this.height / this.board.height));
    this.scale = Math.min(SCALE_MAX, Math.max(least, this.scale));
    this.x = Math.min(this.board.width, Math.max(0, this.x));
    this.y = Math.min(this.board.height, Math.max(0, this.y));
  }

  fit() {
    const { width, height } = this.board;
    const { top, bottom } = this.insets;
    const room = Math.max(this.height / 3, this.height - top - bottom);
    this.scale = 0.96 * Math.min(this.width / width, room / height);
    if (this.scale > 1) this.scale = Math.floor(this.scale);
    this.clamp();
    this.centre(width / 2, height / 2 + (bottom - top) / 2 / this.scale);
  }

  centre(x, y, scale = this.scale) {
    Object.assign(this, { x, y, scale });
    this.clamp();
    this.draw();
  }

  pan(dx, dy) {
    this.centre(this.x - dx / this.scale, this.y - dy / this.scale);
  }

  /// Keeps what lies under (px, py) there.
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const before = this.scale;
    const x = this.x + (px - this.width / 2) / before;
    const y = this.y + (py - this.height / 2) / before;
    this.scale *= factor;
    this.clamp();
    const left = (px - this.width / 2) / this.scale;
    const top = (py - this.height / 2) / this.scale;
    this.centre(x - left, y - top);
  }

  pixelAt(px, py) {
    const x = Math.floor(this.x + (px - this.width / 2) / this.scale);
    const y = Math.floor(this.y + (py - this.height / 2) / this.scale);
    return this.board?.contains(x, y) ? { x, y } : null;
  }

  select(pixel, how = "pointer") {
    if (!pixel) return;
    this.cursor = pixel;
    this.draw();
    this.dispatchEvent(new CustomEvent("select", { detail: { ...pixel, how } }));
  }

  setPreview(color) {
    this.preview = color;
    this.draw();
  }

  // Input

  observe() {
    const canvas = this.canvas;
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
    canvas.addEventListener("pointerdown", (e) => this.onDown(e));
    canvas.addEventListener("pointermove", (e) => this.onMove(e));
    canvas.addEventListener("pointerup", (e) => this.onUp(e, true));
    canvas.addEventListener("pointercancel", (e) => this.onUp(e, false));
    canvas.addEventListener("wheel", (e) => this.onWheel(e), { passive: false });
    canvas.addEventListener("keydown", (e) => this.onKey(e));
  }

  resize() {
    this.ratio = window.devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
    this.draw();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  onDown(event) {
    if (event.button > 1 || !this.board) return;
    this.canvas.setPointerCapture(event.pointerId);
    const at = this.point(event);
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size === 1) this.press = { ...at, moved: false };
    else this.press.moved = true;
  }

  onMove(event) {
    const at = this.point(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      const pixel = this.board && this.pixelAt(at.x, at.y);
      this.dispatchEvent(new CustomEvent("hover", { detail: pixel }));
      return;
    }
    if (this.pointers.size === 1) {
      const far = Math.hypot(at.x - this.press.x, at.y - this.press.y);
      this.press.moved ||= far > CLICK_SLOP;
      if (this.press.moved) this.pan(at.x - before.x, at.y - before.y);
    } else {
      this.pinch(event.pointerId, before, at);
    }
    this.pointers.set(event.pointerId, at);
  }

  pinch(id, before, at) {
    const other = [...this.pointers].find(([key]) => key !== id)[1];
    const was = Math.hypot(before.x - other.x, before.y - other.y);
    const is = Math.hypot(at.x - other.x, at.y - other.y);
    this.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    if (was > 0)
      this.zoom(is / was, (at.x + other.x) / 2, (at.y + other.y) / 2);
  }

  onUp(event, chosen) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.pointers.size || !chosen || this.press.moved) return;
    const at = this.point(event);
    this.select(this.pixelAt(at.x, at.y));
  }

  onWheel(event) {
    event.preventDefault();
    if (!this.board) return;
    const at = this.point(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    const delta = Math.max(-240, Math.min(240, event.deltaY * lines));
    this.zoom(Math.exp(-delta / 240), at.x, at.y);
  }

  onKey(event) {
    if (!this.board || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const move = moves[event.key];
    if (move && event.shiftKey) this.pan(-move[0] * KEY_PAN, -move[1] * KEY_PAN);
    else if (move) this.step(...move);
    else if (event.key === "+" || event.key === "=") this.zoom(KEY_ZOOM);
    else if (event.key === "-" || event.key === "_") this.zoom(1 / KEY_ZOOM);
    else if (event.key === "Home" || event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  /// Moves the chosen pixel by one and keeps it in sight.
  step(dx, dy) {
    const from = this.cursor ??
      { x: Math.floor(this.x) - dx, y: Math.floor(this.y) - dy };
    const x = Math.min(this.board.width - 1, Math.max(0, from.x + dx));
    const y = Math.min(this.board.height - 1, Math.max(0, from.y + dy));
    const { left, top } = this.origin();
    const px = left + x * this.scale, py = top + y * this.scale;
    const edge = Math.max(32, this.scale);
    if (px < edge || py < edge || px > this.width - edge ||
        py > this.height - edge)
      this.centre(x + 0.5, y + 0.5);
    this.select({ x, y }, "key");
  }
}
