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

const MODERATE = ["M", "key_moderate"];

export function keysPanel({ sheet, client }) {
  return {
    id: "keys", title: "keys",
    show(body) {
      const list = sheet.offers("moderate", client.session.roles())
        ? [...LIST, MODERATE] : LIST;
      body.replaceChildren(el("ul", { class: "list" }, ...list.map(([key, text]) =>
        el("li", {}, el("span", {}, t(text)), el("kbd", {}, key)))));
    },
  };
}
