// SPDX-License-Identifier: Apache-2.0
//
// The template on the board: where it comes from, and a picture of it that is
// drawn once per change of what is right and wrong.

import { el } from "./dom.js";
import { wordsOf } from "./renderer/palette.js";
import { getParts, joined } from "./net.js";
import { NONE, SIDE_MAX, Template, snap } from "./template.js";
import { t } from "./strings.js";
import { packTemplate, unpackTemplate } from "./template_link.js";

const FILE_MAX = 16 * 1024 * 1024;

export class TemplateLayer {
  constructor({ store, view, client, toast }) {
    this.store = store;
    this.view = view;
    this.client = client;
    this.toast = toast;
    this.canvas = null;
    this.due = 0;
    this.source = null; // {data, width, height} of the picture it came from
    this.template = null;
    this.mode = "ghost";
    this.alpha = 0.5;
    this.enlarged = 1;
    client.listen("pixels", ({ indices }) => this.changed(indices));
    client.listen("board", () => this.measure());
  }

  // Where it comes from

  /// Only from this server, or from those that the operator allows.
  async openUrl(text) {
    let url;
    try {
      url = new URL(text, location.href);
    } catch {
      this.toast(t("template_bad"), "bad");
      return;
    }
    const allowed = [location.origin, ...this.store.get("config").template_origins ?? []];
    if (!allowed.includes(url.origin)) {
      this.toast(t("template_host"), "bad");
      return;
    }
    try {
      const bytes = joined(await getParts(this.client.env, url.href,
                                          { credentials: "omit" }));
      await this.open(new Blob([bytes]));
    } catch {
      this.toast(t("template_bad"), "bad");
    }
  }

  async open(blob) {
    if (blob.size > FILE_MAX) return this.toast(t("template_large"), "bad");
    let bitmap;
    try {
      bitmap = await createImageBitmap(blob);
    } catch {
      return this.toast(t("template_bad"), "bad");
    }
    const { width, height } = bitmap;
    if (width > SIDE_MAX || height > SIDE_MAX) {
      bitmap.close();
      return this.toast(t("template_large"), "bad");
    }
    const canvas = el("canvas");
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.source = context.getImageData(0, 0, width, height);
    this.enlarged = 1;
    this.snap();
    return undefined;
  }

  /// The source in the palette's colours, in the middle of the view.
  snap() {
    const shape = snap(this.source, this.store.get("palette"), this.enlarged);
    if (!shape.width || !shape.height) return;
    const at = this.template ?? this.middle(shape);
    this.use(new Template({ ...shape, x: at.x, y: at.y }));
  }

  middle({ width, height }) {
    const { x, y } = this.view.camera.centre();
    return { x: Math.max(0, x - (width >> 1)), y: Math.max(0, y - (height >> 1)) };
  }

  use(template) {
    this.template = template;
    this.measure();
    this.store.set({ template: Symbol("template") });
  }

  async useText(text) {
    const shape = await unpackTemplate(text);
    if (!shape) return;
    this.use(new Template(shape));
    this.toast(t("template_offered"));
  }

  move(x, y) {
    Object.assign(this.template, { x, y });
    this.use(this.template);
  }

  remove() {
    this.template = this.source = null;
    this.view.show({ template: null });
    this.store.set({ template: null, wanted: null });
  }

  // What is right and what is wrong

  measure() {
    const picture = this.store.get("picture") ?? this.client.picture;
    if (!this.template || !picture) return;
    this.template.measure(picture);
    this.paint();
  }

  changed(indices) {
    if (!this.template?.changed(indices, this.client.picture)) return;
    this.paint();
    this.store.set({ template: Symbol("template") });
  }

  shows(i) {
    const { template, mode } = this;
    const color = template.cells[i];
    if (color === NONE) return null;
    if (mode === "one_color" && color !== this.store.get("color")) return null;
    if ((mode === "wrong" || mode === "one_color" || mode === "dots") &&
        !template.wrong[i]) return null;
    return color;
  }

  paint() {
    if (!this.template) return;
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      if (this.template) this.paintNow();
    });
  }

  paintNow() {
    const { template } = this;
    const canvas = this.canvas ??= el("canvas");
    if (canvas.width !== template.width || canvas.height !== template.height)
      Object.assign(canvas, { width: template.width, height: template.height });
    const context = canvas.getContext("2d");
    const image = context.createImageData(template.width, template.height);
    const words = new Uint32Array(image.data.buffer);
    const colors = wordsOf(this.store.get("palette"));
    for (let i = 0; i < template.cells.length; i++) {
      const color = this.shows(i);
      if (color !== null) words[i] = colors[color];
    }
    context.putImageData(image, 0, 0);
    this.view.show({ template: {
      image: canvas, x: template.x, y: template.y, width: template.width,
      height: template.height, mode: this.mode, alpha: this.alpha,
      shown: (x, y) => this.shows(template.cellAt(x, y)),
    } });
  }

  /// {x, y, color} of the next wrong pixel, and there the view flies.
  next() {
    if (!this.template) return null;
    const { x, y } = this.store.get("selected") ?? this.view.camera.centre();
    const only = this.mode === "one_color" ? this.store.get("color") : null;
    const at = this.template.nextWrong(x, y, only);
    if (!at) this.toast(t("all_right"), "good");
    return at;
  }

  async text() {
    const packed = await packTemplate(this.template);
    if (!packed) this.toast(t("team_large"), "bad");
    return packed;
  }

  /// As a PNG, to hand on.
  save() {
    const { template } = this;
    const canvas = el("canvas");
    Object.assign(canvas, { width: template.width, height: template.height });
    const context = canvas.getContext("2d");
    const image = context.createImageData(template.width, template.height);
    const words = new Uint32Array(image.data.buffer);
    const colors = wordsOf(this.store.get("palette"));
    template.cells.forEach((color, i) => {
      if (color !== NONE) words[i] = colors[color];
    });
    context.putImageData(image, 0, 0);
    canvas.toBlob((blob) => {
      const href = URL.createObjectURL(blob);
      el("a", { href, download: `template-${template.x}-${template.y}.png` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 10000);
    });
  }
}
