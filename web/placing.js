// SPDX-License-Identifier: Apache-2.0
//
// Which pixel is chosen, in which colour, and what the one big button does. A
// pixel that cannot be seen cannot be placed on.

import { SCALE_FLIGHT, SCALE_SEEN } from "./camera.js";
import { eventState, placingSentence } from "./sentences.js";

const RECENT = 8;

/// What the button says and does: {label, act, enabled, values}. Pure.
export function buttonModel({ sentence, touch, scale, selected, sees, painting,
                              color, cooldownMs }) {
  if (sentence.id === "cooling")
    return { label: "clock", act: sentence.action ? "notify" : "none",
             enabled: Boolean(sentence.action), values: { ms: cooldownMs } };
  if (sentence.id === "sending")
    return sentence.action ? { label: "cancel", act: "cancel", enabled: true }
      : { label: "sending", act: "none", enabled: false };
  if (sentence.id === "past") return { label: "to_now", act: "now", enabled: true };
  if (sentence.action === "sign_in")
    return { label: "sign_in", act: "sign_in", enabled: true };
  if (!sentence.can)
    return { label: `short_${sentence.id}`, act: "none", enabled: false };
  if (scale < SCALE_SEEN) return { label: "zoom_in", act: "zoom", enabled: true };
  if (!selected) return { label: "choose_pixel", act: "none", enabled: false };
  if (!sees) return { label: "go_there", act: "show", enabled: true };
  if (touch && !painting) return { label: "paint_here", act: "paint", enabled: true };
  if (color === null) return { label: "choose_color", act: "none", enabled: false };
  return { label: "place", act: "place", enabled: true };
}

export class Placing {
  constructor({ client, view, store, settings }) {
    this.client = client;
    this.view = view;
    this.store = store;
    this.settings = settings;
    view.addEventListener("tap", ({ detail }) => this.tap(detail));
    view.addEventListener("hold", ({ detail }) => this.tap(detail));
    view.addEventListener("moved", () => this.follow());
    view.addEventListener("step", ({ detail }) => this.step(detail));
    view.addEventListener("hover", ({ detail }) =>
      store.set({ hover: store.get("touch") ? null : detail.pixel }));
    client.listen("verdict", (verdict) => this.judged(verdict));
    store.watch("selected hover color painting pending touch grid past picture",
                () => this.showScene());
  }

  // Choosing

  tap({ pixel }) {
    const { camera } = this.view;
    if (!pixel) return;
    if (camera.scale < SCALE_SEEN) {
      this.view.flyTo(pixel.x + 0.5, pixel.y + 0.5, SCALE_FLIGHT);
    } else if (this.store.get("touch")) {
      this.view.flyTo(pixel.x + 0.5, pixel.y + 0.5, camera.scale);
    } else {
      this.select(pixel);
      if (this.settings.get("quick")) this.press();
    }
  }

  select(pixel) {
    if (this.store.get("touch")) {
      this.view.move((camera) => camera.moveTo(pixel.x + 0.5, pixel.y + 0.5));
      this.view.tell("arrived");
    }
    this.store.set({ selected: pixel, reason: null });
  }

  /// On a phone the chosen pixel is the one under the reticle.
  follow() {
    const { camera } = this.view;
    if (!this.store.get("picture")) return;
    if (this.store.get("touch")) {
      const at = camera.scale >= SCALE_SEEN ? camera.centre() : null;
      const before = this.store.get("selected");
      if (at?.x !== before?.x || at?.y !== before?.y)
        this.store.set({ selected: at, reason: null });
    }
    this.store.set({ scale: camera.scale, sees: this.sees() });
  }

  sees() {
    const selected = this.store.get("selected");
    return Boolean(selected && this.view.camera.sees(selected));
  }

  step({ dx, dy }) {
    const { camera } = this.view;
    if (camera.scale < SCALE_SEEN) {
      this.view.move(() => camera.pan(-dx * 40, -dy * 40));
      return;
    }
    const from = this.store.get("selected") ?? camera.centre();
    const { width, height } = camera.board;
    const at = {
      x: Math.min(width - 1, Math.max(0, from.x + dx)),
      y: Math.min(height - 1, Math.max(0, from.y + dy)),
    };
    this.store.set({ selected: at, spoken: at, reason: null });
    if (this.store.get("touch") || !camera.sees(at)) {
      this.view.move(() => camera.moveTo(at.x + 0.5, at.y + 0.5));
      this.view.tell("arrived");
    }
  }

  chooseColor(index) {
    const { palette } = this.store.state;
    if (!(index >= 0 && index < palette.length)) return;
    const recent = [index, ...this.store.get("recent").filter((c) => c !== index)];
    // With a finger, choosing a colour is what painting begins with.
    const painting = this.store.get("painting") || this.store.get("touch");
    this.store.set({ color: index, recent: recent.slice(0, RECENT), reason: null, painting });
    this.settings.set("color", index);
  }

  /// The colour under the mouse, or of the chosen pixel.
  takeColor() {
    const { hover, selected, picture } = this.store.state;
    const at = hover ?? selected;
    if (at) this.chooseColor(picture.get(at.x, at.y));
  }

  // The button

  sentence() {
    const { config, past, pending, reason, now, loginUrl, banned,
            noticeWanted } = this.store.state;
    const { client } = this;
    const event = config?.event ?? null;
    return placingSentence({
      past: Boolean(past), sending: Boolean(pending),
      sendingMs: pending ? now - pending.since : 0,
      eventState: eventState(event, Date.now()), opens: event?.opens_at,
      paused: config?.paused, announcement: event?.announcement ?? "",
      banned, reason: reason?.text ?? "",
      signedOut: config?.anonymous === false && !client.token ||
        this.store.get("refusedSession"),
      loginUrl, cooldownMs: client.cooldownLeft(), noticeWanted,
    });
  }

  button() {
    const { touch, selected, painting, color } = this.store.state;
    return buttonModel({
      sentence: this.sentence(), touch, selected, painting, color,
      scale: this.view.camera.scale, sees: this.sees(),
      cooldownMs: this.client.cooldownLeft(),
    });
  }

  /// What the button does now; false if it does nothing.
  press() {
    if (!this.store.get("picture")) return false;
    const { act, enabled } = this.button();
    if (!enabled) return false;
    this[`do_${act}`]();
    return true;
  }

  /// A pixel that was named: there, large enough to be seen.
  goTo(pixel) {
    if (!this.store.get("touch")) this.store.set({ selected: pixel });
    this.view.flyTo(pixel.x + 0.5, pixel.y + 0.5);
  }

  do_none() {}
  do_zoom() {
    const { x, y } = this.view.camera.centre();
    this.view.flyTo(x + 0.5, y + 0.5, SCALE_FLIGHT);
  }

  do_show() {
    const { x, y } = this.store.get("selected");
    this.view.flyTo(x + 0.5, y + 0.5);
  }

  do_paint() { this.store.set({ painting: true }); }
  do_cancel() { this.client.placement.cancel(); }
  do_notify() { this.store.set({ askNotice: Symbol("ask") }); }
  do_now() { this.store.set({ past: null }); }
  do_sign_in() { this.store.set({ askSignIn: Symbol("ask") }); }
  do_place() {
    const { selected, color } = this.store.state;
    this.store.set({ reason: null });
    this.client.place(selected.x, selected.y, color);
  }

  judged(verdict) {
    const good = verdict.status === "ok" || verdict.status === "duplicate";
    const now = performance.now();
    this.view.overlay.effect(good ? "ring" : "fall", verdict, now);
    if (verdict.status === "unauthorized") this.store.set({ refusedSession: true });
    if (verdict.status === "banned") this.store.set({ banned: true });
    this.store.set({
      reason: good ? null : { status: verdict.status, text: verdict.reason ?? "" },
      painting: good ? false : this.store.get("painting"),
      verdict,
    });
    this.view.draw();
  }

  showScene() {
    const { selected, hover, color, painting, pending, touch, grid, past, picture } =
      this.store.state;
    const wish = touch ? painting : true;
    this.store.set({ sees: this.sees() });
    this.view.show({
      hover, grid, sending: Boolean(pending),
      reticle: touch && Boolean(picture) && !selected,
      selected: pending ?? selected,
      ghost: pending ? pending.color : past || !wish ? null : color,
    });
  }
}
