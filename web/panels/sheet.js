// SPDX-License-Identifier: Apache-2.0
//
// One panel at a time: the inspector at the right of a desktop, the bottom sheet
// of a phone. A panel is {id, title, roles, show(body) → its ending or nothing},
// or {id, title, roles, load() → that}: one with `roles` is there only for those whose
// token has one of them, which is how moderators' tools come in.

import { $, el } from "../dom.js";
import { t } from "../strings.js";

export class Sheet {
  constructor(onchange, onfailure) {
    this.onfailure = onfailure;
    this.ending = null;
    this.panels = new Map();
    this.open = null;
    this.onchange = onchange;
    $("sheet-close").addEventListener("click", () => this.close());
  }

  add(panel) {
    this.panels.set(panel.id, panel);
  }

  /// Those that this visitor may see.
  offered(roles) {
    return [...this.panels.values()].filter(({ id }) => this.offers(id, roles));
  }

  offers(id, roles) {
    const panel = this.panels.get(id);
    return !panel.roles || panel.roles.some((role) => roles.includes(role));
  }

  /// The panel, fetched if it is not there yet; null if that failed.
  async get(id) {
    const panel = this.panels.get(id);
    if (!panel.load) return panel;
    try {
      const whole = { ...panel, ...await panel.load(), load: null };
      this.panels.set(id, whole);
      return whole;
    } catch {
      this.onfailure();
      return null;
    }
  }

  async show(id) {
    const panel = await this.get(id);
    if (!panel) return;
    this.end();
    this.returnTo = /** @type {HTMLElement} */ (document.activeElement);
    this.open = id;
    $("sheet-title").textContent = t(panel.title);
    $("sheet").hidden = false;
    document.body.classList.add("inspecting");
    this.fill(panel);
    $("sheet-title").focus();
    this.onchange(id);
  }

  fill(panel) {
    const body = el("div");
    $("sheet-body").replaceChildren(body);
    this.ending = panel.show(body);
  }

  toggle(id) {
    if (this.open === id) this.close();
    else this.show(id);
  }

  /// The words changed, or what a panel shows: once more from the start.
  refresh() {
    if (!this.open) return;
    this.ending?.();
    $("sheet-title").textContent = t(this.panels.get(this.open).title);
    this.fill(this.panels.get(this.open));
  }

  end() {
    this.ending?.();
    this.ending = null;
  }

  close() {
    if (!this.open) return;
    this.end();
    this.open = null;
    $("sheet").hidden = true;
    document.body.classList.remove("inspecting");
    this.returnTo?.focus?.({ preventScroll: true });
    this.onchange(null);
  }
}
