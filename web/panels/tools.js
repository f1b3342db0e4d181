// SPDX-License-Identifier: Apache-2.0
//
// The tools at the right, at a thumb's height, and the arrows that move a phone's
// pixel by one.

import { $, el } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";
const NUDGES = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] };

export function createTools({ store, placing, view, sheet, client }) {
  for (const [name, [dx, dy]] of Object.entries(NUDGES))
    $(`nudge-${name}`).addEventListener("click", () => placing.step({ dx, dy }));
  store.watch("touch selected", ({ touch, selected }) => {
    $("pad").hidden = !touch || !selected;
  });
  /** @type {[string, string, () => void, string?][]} */
  const tools = [ // name, path of its picture, what it does, for which screens
    ["zoom_in_tool", "M10 4v12M4 10h12", () => view.zoom(2), "wide-only"],
    ["zoom_out_tool", "M4 10h12", () => view.zoom(0.5), "wide-only"],
    ["fit", "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4", () => view.fit()],
    ["template", "M3 4h14v12H3zM3 13l4-4 4 4 3-3 3 3", () => sheet.toggle("template")],
    ["moderate", "M10 2l7 3v5c0 4-3 7-7 8-4-1-7-4-7-8V5z", () => sheet.toggle("moderate")],
    ["layers", "M10 3l8 4-8 4-8-4zM2 11l8 4 8-4", () => sheet.toggle("layers")],
  ];
  for (const [name, path, onclick, kind] of tools)
    $("tools").append(el("button", {
      type: "button", id: `tool-${name}`, class: kind, "data-t-label": name, onclick,
    }, icon(path)));
  // A token, and with it the role, may be another after each connection.
  store.watch("connection", () => {
    $("tool-moderate").hidden = !sheet.offers("moderate", client.session.roles());
  });
}

function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
