// SPDX-License-Identifier: Apache-2.0
//
// The keyboard of a desktop; key_list.js tells of it.

import { $ } from "../dom.js";
import { focusPalette } from "./dock.js";

const COLORS = "1234567890abcdef";

export function listenToKeys({ settings, placing, sheet, store, nextWrong, view, client }) {
  const flip = (name) => settings.set(name, !settings.get(name));
  const actions = {
    q: () => flip("quick"), i: () => placing.takeColor(), g: () => flip("grid"),
    t: () => sheet.toggle("template"), n: nextWrong, h: () => flip("heat"),
    l: () => flip("lock"), "?": () => sheet.toggle("keys"),
    m: () => sheet.offers("moderate", client.session.roles()) && sheet.toggle("moderate"),
    "/": async () => {
      if (sheet.open !== "pixel") await sheet.show("pixel");
      $("goto")?.focus();
    },
    Escape: () => back(sheet, store),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key !== "Escape" && target.matches("input, select, textarea")) return;
    const color = event.key.length === 1 ? COLORS.indexOf(event.key.toLowerCase()) : -1;
    const act = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (color >= 0) placing.chooseColor(color);
    else if (act) act();
    else return;
    event.preventDefault();
  });
  view.box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    const { act } = placing.button();
    // What is zoomed in on is also chosen: arrows go on from there.
    if (act === "zoom") store.set({ selected: view.camera.centre() });
    else if (event.key === "Enter" && act !== "place") focusPalette();
    if (event.key === " " || act === "place" || act === "zoom" || act === "paint")
      placing.press();
  });
}

function back(sheet, store) {
  if (sheet.open) sheet.close();
  else if (store.get("painting")) store.set({ painting: false });
  else if (store.get("past")) store.set({ past: null });
  else if (!store.get("touch")) store.set({ selected: null, reason: null });
}
