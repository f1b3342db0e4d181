// SPDX-License-Identifier: Apache-2.0
//
// A box in a panel: four numbers, drawing it on the board, or all that is in view.

import { boxOf, readBox } from "../box.js";
import { drawBox, stopDrawing } from "../box_drawing.js";
import { el } from "../dom.js";
import { addWords, t } from "../strings.js";
import words from "../strings/box.js";

addWords(words);

/// {element, set(box), end()}; `changed` is called with each new box, or with null.
export function boxFields(app, changed) {
  const { view, store } = app;
  const inputs = ["x0", "y0", "x1", "y1"].map((name) => el("input", {
    type: "number", min: 0, step: 1, "aria-label": t(`box_${name}`), placeholder: name,
    "data-corner": name, oninput: () => tell(),
  }));
  const wrong = el("p", { role: "alert", class: "soft" });

  function tell() {
    const values = inputs.map(({ value }) => value === "" ? NaN : Number(value));
    const box = readBox(values, store.get("picture"));
    wrong.textContent = box || values.some(Number.isNaN) ? "" : t("box_bad");
    changed(box);
  }

  function set(box) {
    for (const input of inputs) input.value = box ? box[input.dataset.corner] : "";
    tell();
  }

  const draw = el("button", { type: "button", id: "draw-box", onclick: async () => {
    const box = await drawBox(app);
    if (box) set(box);
    draw.focus({ preventScroll: true });
  } }, t("draw_box"));
  const inView = el("button", { type: "button", onclick: () => {
    const { x, y, width, height } = view.camera.view();
    set(boxOf({ x, y }, { x: x + width - 1, y: y + height - 1 }, store.get("picture")));
  } }, t("box_view"));
  const element = el("div", {}, el("div", { class: "row corners" }, ...inputs), wrong,
                     el("div", { class: "buttons" }, draw, inView));
  return { element, set, end: stopDrawing };
}
