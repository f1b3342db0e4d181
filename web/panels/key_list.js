// SPDX-License-Identifier: Apache-2.0
//
// The list of keys.

import { el } from "../dom.js";
import { t } from "../strings.js";

const LIST = [
  ["1 … 9 0 a … f", "key_colors"], ["↑ ↓ ← →", "key_arrows"], ["+ −", "key_zoom"],
  ["Home", "key_home"], ["Enter", "key_place"], ["Q", "key_quick"],
  ["I", "key_eyedropper"], ["G", "key_grid"], ["T", "key_template"], ["N", "key_next"],
  ["H", "key_heat"], ["L", "key_lock"], ["/", "key_goto"], ["?", "key_help"],
  ["Esc", "key_back"],
];

export function keysPanel() {
  return {
    id: "keys", title: "keys",
    show(body) {
      body.replaceChildren(el("ul", { class: "list" }, ...LIST.map(([key, text]) =>
        el("li", {}, el("span", {}, t(text)), el("kbd", {}, key)))));
    },
  };
}
