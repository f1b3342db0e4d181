// SPDX-License-Identifier: Apache-2.0
//
// The door to the template: takes the pictures that a visitor brings, and fetches
// what draws and measures them (template_layer.js) when there is a first one.

import { $ } from "./dom.js";

export class Templates {
  /**
   * @param {{store: any, view: any, client: any, toast: any}} parts
   * @param {() => void} failed  is told if the layer cannot be fetched
   */
  constructor(parts, failed) {
    this.parts = parts;
    this.failed = failed;
    /** @type {import("./template_layer.js").TemplateLayer | null} */
    this.layer = null;
    document.addEventListener("paste", ({ clipboardData }) =>
      this.open([...clipboardData?.files ?? []].find(({ type }) => type.startsWith("image/"))));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      this.open(event.dataTransfer?.files[0]);
    });
    $("file").addEventListener("change", () => {
      this.open($("file").files[0]);
      $("file").value = "";
    });
  }

  get template() {
    return this.layer?.template ?? null;
  }

  async get() {
    const { TemplateLayer } = await import("./template_layer.js");
    return this.layer ??= new TemplateLayer(this.parts);
  }

  /// What `run` does with the layer, once that is there.
  async use(run) {
    let layer;
    try {
      layer = await this.get();
    } catch {
      this.failed();
      return undefined;
    }
    return run(layer);
  }

  open(file) {
    return file ? this.use((layer) => layer.open(file)) : undefined;
  }

  useText(text) {
    return this.use((layer) => layer.useText(text));
  }
}
