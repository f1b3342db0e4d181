// SPDX-License-Identifier: Apache-2.0
//
// The words of choosing a box, fetched when somebody does.

export default {
  en: {
    draw_box: "Draw a box", box_view: "All in view",
    box_x0: "Left", box_y0: "Top", box_x1: "Right", box_y1: "Bottom",
    box_bad: "That is no box on this canvas: left, top, right, bottom.",
    box_none: "Draw a box, or type its corners.",
    box_text: "({x0}, {y0}) to ({x1}, {y1})", box_size: "{width} × {height} pixels",
    draw_mouse: "Press at one corner and drag to the other.",
    draw_touch: "Tap one corner. Drag and pinch to move.",
    draw_second: "Now the opposite corner.",
  },
  de: {
    draw_box: "Rechteck ziehen", box_view: "Alles im Blick",
    box_x0: "Links", box_y0: "Oben", box_x1: "Rechts", box_y1: "Unten",
    box_bad: "So ein Rechteck hat diese Leinwand nicht: links, oben, rechts, unten.",
    box_none: "Zieh ein Rechteck auf, oder gib seine Ecken ein.",
    box_text: "({x0}, {y0}) bis ({x1}, {y1})", box_size: "{width} × {height} Pixel",
    draw_mouse: "Drück an einer Ecke und zieh bis zur anderen.",
    draw_touch: "Tipp auf eine Ecke. Ziehen und Spreizen bewegt.",
    draw_second: "Jetzt die Ecke gegenüber.",
  },
};
