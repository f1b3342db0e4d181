// SPDX-License-Identifier: Apache-2.0
//
// The link is the view: `#x,y,scale`, and behind it, if a template is shown,
// `&template=x.y.width.DATA`, which holds the picture itself: a team needs no
// server for it (template_link.js). No DOM.

/// {x, y, scale, template} of a link's fragment; x is null if it names no place.
export function readLink(hash, board) {
  const [place, ...rest] = hash.replace(/^#/, "").split("&");
  const parts = place.split(",").map(Number);
  const [x, y] = parts.map(Math.floor);
  const inside = x >= 0 && y >= 0 && x < board.width && y < board.height;
  const scale = parts[2] > 0 && Number.isFinite(parts[2]) ? parts[2] : 16;
  const template = rest.find((part) => part.startsWith("template="));
  return {
    x: inside ? x : null, y: inside ? y : null, scale,
    template: template ? template.slice("template=".length) : null,
  };
}

export function writeLink({ x, y, scale, template }) {
  const digits = scale >= 10 ? 1 : scale >= 1 ? 2 : 4;
  const place = `#${x},${y},${Number(scale.toFixed(digits))}`;
  return template ? `${place}&template=${template}` : place;
}
