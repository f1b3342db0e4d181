// SPDX-License-Identifier: Apache-2.0
//
// What lies on the board and is not the board: grid, template, heat, pulses, the
// frame of the chosen pixel, and the ghost of a colour that is only wished. The
// true colour stays visible around a ghost.

const GRID_FROM = 12; // CSS pixels per board pixel
const DOTS_FROM = 6;
const NUMBERS_FROM = 18;
const PULSE_MS = 700;
const RING_MS = 600;
const FALL_MS = 450;
// More at once tell nothing, and each frame costs.
const PULSES_MAX = 24;

export class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.pulses = [];
    this.effects = []; // {kind: "ring" | "fall", x, y, color, at}
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
  }

  resize(width, height, ratio) {
    this.width = width;
    this.height = height;
    this.ratio = ratio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
  }

  pulse(indices, boardWidth, now) {
    if (this.calm.matches || this.pulses.length + indices.length > PULSES_MAX) return;
    for (const index of indices) {
      const x = index % boardWidth;
      this.pulses.push({ x, y: (index - x) / boardWidth, at: now });
    }
  }

  effect(kind, { x, y, color }, now) {
    if (!this.calm.matches) this.effects.push({ kind, x, y, color, at: now });
  }

  /// Whether something on it has begun to move.
  moving() {
    return this.pulses.length + this.effects.length > 0;
  }

  /// True if it has to be drawn again in the next frame.
  draw(camera, scene, now) {
    const { context, ratio } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawFrame(camera, scene.picture);
    if (scene.heat) this.drawImage(camera, scene.heat.image, 0, 0, scene.heat.side);
    if (scene.template) this.drawTemplate(camera, scene);
    if (scene.grid && camera.scale >= GRID_FROM) this.drawGrid(camera);
    for (const box of scene.boxes) this.drawBox(camera, box);
    const moving = this.drawMoving(camera, scene, now);
    if (scene.hover && camera.scale >= GRID_FROM / 2)
      this.outline(camera, scene.hover, "rgb(0 0 0 / 55%)", "rgb(255 255 255 / 75%)");
    if (scene.selected) this.drawSelected(camera, scene, now);
    if (scene.reticle) this.drawReticle(camera);
    return moving || Boolean(scene.selected && scene.sending && !this.calm.matches);
  }

  drawFrame(camera, { width, height }) {
    const { left, top } = camera.origin();
    this.context.strokeStyle = "rgb(128 128 128 / 60%)";
    this.context.lineWidth = 1;
    this.context.strokeRect(left - 0.5, top - 0.5, width * camera.scale + 1,
                            height * camera.scale + 1);
  }

  drawImage(camera, image, x, y, side = 1) {
    const at = camera.toScreen(x, y);
    const scale = camera.scale * side;
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(image, at.x, at.y, image.width * scale,
                           image.height * scale);
  }

  /// The frame of a box {x0, y0, x1, y1} that is being chosen, or is protected.
  drawBox(camera, { x0, y0, x1, y1, drawn }) {
    const { context } = this;
    const { x, y } = camera.toScreen(x0, y0);
    const width = (x1 - x0 + 1) * camera.scale, height = (y1 - y0 + 1) * camera.scale;
    for (const [style, line] of [["#fff", 4], [drawn ? "#2456d6" : "#b3201a", 2]]) {
      context.strokeStyle = style;
      context.lineWidth = line;
      context.strokeRect(x - 1, y - 1, width + 2, height + 2);
    }
  }

  drawGrid(camera) {
    const { context } = this;
    const { x, y, width, height } = camera.view();
    const { left, top } = camera.origin();
    const { scale } = camera;
    context.beginPath();
    for (let column = x; column <= x + width; column++) {
      context.moveTo(left + column * scale, top + y * scale);
      context.lineTo(left + column * scale, top + (y + height) * scale);
    }
    for (let row = y; row <= y + height; row++) {
      context.moveTo(left + x * scale, top + row * scale);
      context.lineTo(left + (x + width) * scale, top + row * scale);
    }
    context.strokeStyle = "rgb(128 128 128 / 30%)";
    context.lineWidth = 1;
    context.stroke();
  }

  // Templates

  drawTemplate(camera, { template, palette }) {
    const { mode } = template;
    const marks = camera.scale >= DOTS_FROM && mode !== "ghost";
    if (!marks) {
      this.context.globalAlpha = mode === "ghost" ? template.alpha : 1;
      this.drawImage(camera, template.image, template.x, template.y);
      this.context.globalAlpha = 1;
    } else {
      this.drawMarks(camera, template, palette, mode === "numbers" &&
        camera.scale >= NUMBERS_FROM);
    }
    const at = camera.toScreen(template.x, template.y);
    this.context.strokeStyle = "rgb(36 86 214 / 80%)";
    this.context.setLineDash([6, 4]);
    this.context.strokeRect(at.x - 1, at.y - 1, template.width * camera.scale + 2,
                            template.height * camera.scale + 2);
    this.context.setLineDash([]);
  }

  /// A small square, or a number, in the middle of each pixel of the template.
  drawMarks(camera, template, palette, numbers) {
    const { context } = this;
    const { scale } = camera;
    const view = camera.view();
    const size = Math.max(2, scale * 0.38);
    const right = Math.min(view.x + view.width, template.x + template.width);
    const bottom = Math.min(view.y + view.height, template.y + template.height);
    context.font = `600 ${Math.round(scale * 0.42)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let y = Math.max(view.y, template.y); y < bottom; y++)
      for (let x = Math.max(view.x, template.x); x < right; x++) {
        const color = template.shown(x, y);
        if (color === null) continue;
        const at = camera.toScreen(x + 0.5, y + 0.5);
        const side = numbers ? scale * 0.62 : size;
        context.fillStyle = palette[color];
        context.fillRect(at.x - side / 2, at.y - side / 2, side, side);
        context.strokeStyle = "rgb(0 0 0 / 55%)";
        context.lineWidth = 1;
        context.strokeRect(at.x - side / 2, at.y - side / 2, side, side);
        if (!numbers) continue;
        context.fillStyle = inkOn(palette[color]);
        context.fillText(String(color), at.x, at.y + 0.5);
      }
  }

  // What moves

  drawMoving(camera, scene, now) {
    const { context } = this;
    this.pulses = this.pulses.filter(({ at }) => now - at < PULSE_MS);
    for (const { x, y, at } of this.pulses) {
      const age = (now - at) / PULSE_MS;
      const middle = camera.toScreen(x + 0.5, y + 0.5);
      context.beginPath();
      context.arc(middle.x, middle.y, camera.scale * 0.7 + 3 + 8 * age, 0, 7);
      context.strokeStyle = `rgb(36 86 214 / ${Math.round(80 * (1 - age))}%)`;
      context.lineWidth = 2;
      context.stroke();
    }
    this.effects = this.effects.filter(({ kind, at }) =>
      now - at < (kind === "ring" ? RING_MS : FALL_MS));
    for (const effect of this.effects) this.drawEffect(camera, scene, effect, now);
    return this.pulses.length + this.effects.length > 0;
  }

  drawEffect(camera, { palette }, { kind, x, y, color, at }, now) {
    const { context } = this;
    const { scale } = camera;
    if (kind === "ring") {
      const age = (now - at) / RING_MS;
      const middle = camera.toScreen(x + 0.5, y + 0.5);
      context.beginPath();
      context.arc(middle.x, middle.y, scale * (0.75 + age * 1.2), 0, 7);
      context.strokeStyle = `rgb(14 138 58 / ${Math.round(100 * (1 - age))}%)`;
      context.lineWidth = 4;
      context.stroke();
    } else {
      const age = (now - at) / FALL_MS;
      const corner = camera.toScreen(x + 0.2, y + 0.2 + age * age * 4);
      context.globalAlpha = 1 - age;
      context.fillStyle = palette[color];
      context.fillRect(corner.x, corner.y, scale * 0.6, scale * 0.6);
      context.globalAlpha = 1;
    }
  }

  // The chosen pixel

  drawSelected(camera, { selected, ghost, palette, sending }, now) {
    if (ghost !== null && ghost < palette.length) {
      const beat = sending && !this.calm.matches
        ? 0.65 + 0.35 * Math.cos(now / 160) : 1;
      this.drawGhost(camera, selected, palette[ghost], beat);
    }
    this.outline(camera, selected, "#111", "#fff", 2);
  }

  /// A hatched inset with marks at its corners.
  drawGhost(camera, { x, y }, color, alpha) {
    const { context } = this;
    const { scale } = camera;
    const inset = Math.max(2, scale * 0.17);
    const corner = camera.toScreen(x, y);
    const left = corner.x + inset, top = corner.y + inset, side = scale - 2 * inset;
    if (side < 2) return;
    context.save();
    context.globalAlpha = alpha;
    context.beginPath();
    context.rect(left, top, side, side);
    context.clip();
    context.strokeStyle = color;
    // Between lines is gap / √2: some 60 % is covered, and the truth shows through.
    const gap = Math.max(5, scale / 5);
    context.lineWidth = gap * 0.43;
    context.beginPath();
    for (let at = -side; at < side; at += gap) {
      context.moveTo(left + at, top + side);
      context.lineTo(left + at + side, top);
    }
    context.stroke();
    context.restore();
    this.corners(left, top, side);
  }

  corners(left, top, side) {
    const { context } = this;
    const arm = side / 5;
    const line = side < 24 ? 1 : 1.5;
    for (const [style, width] of [["#fff", 2 * line], ["#111", line]]) {
      context.beginPath();
      for (const [cx, dx] of [[left, 1], [left + side, -1]])
        for (const [cy, dy] of [[top, 1], [top + side, -1]]) {
          context.moveTo(cx + dx * arm, cy);
          context.lineTo(cx, cy);
          context.lineTo(cx, cy + dy * arm);
        }
      context.strokeStyle = style;
      context.lineWidth = width;
      context.stroke();
    }
  }

  outline(camera, { x, y }, dark, light, width = 1) {
    const { context } = this;
    const corner = camera.toScreen(x, y);
    const side = camera.scale;
    context.lineWidth = width;
    context.strokeStyle = light;
    context.strokeRect(corner.x - width / 2, corner.y - width / 2, side + width,
                       side + width);
    context.strokeStyle = dark;
    context.strokeRect(corner.x - 1.5 * width, corner.y - 1.5 * width,
                       side + 3 * width, side + 3 * width);
  }

  /// Where a phone will look at: a cross in the middle of the visible part.
  drawReticle(camera) {
    const { context } = this;
    const { x, y } = camera.room();
    for (const [style, width] of [["rgb(255 255 255 / 90%)", 4], ["#111", 2]]) {
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + dx * 6, y + dy * 6);
        context.lineTo(x + dx * 16, y + dy * 16);
      }
      context.strokeStyle = style;
      context.lineWidth = width;
      context.stroke();
    }
  }
}

/// Black or white, whichever reads better on a colour.
export function inkOn(hex) {
  const rgb = parseInt(hex.slice(1), 16);
  const light = 0.299 * (rgb >> 16) + 0.587 * (rgb >> 8 & 255) + 0.114 * (rgb & 255);
  return light > 140 ? "#111111" : "#ffffff";
}
