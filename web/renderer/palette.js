// SPDX-License-Identifier: Apache-2.0
//
// A palette as the machine's pixels, and with all colours but one stepped back.

/// RGBA in memory; every browser's machine is little-endian.
export function wordsOf(palette) {
  return Uint32Array.from(palette, (text) => {
    const rgb = parseInt(text.slice(1), 16);
    return (0xff000000 | (rgb & 0xff) << 16 | (rgb & 0xff00) | rgb >> 16) >>> 0;
  });
}

/// The other colours pale and grey, so that `only` stands out.
export function spotlight(palette, only) {
  if (only === null || only >= palette.length) return palette;
  return palette.map((text, index) => {
    if (index === only) return text;
    const rgb = parseInt(text.slice(1), 16);
    const grey = 0.3 * (rgb >> 16) + 0.59 * (rgb >> 8 & 255) + 0.11 * (rgb & 255);
    const level = Math.round(40 + grey * 0.25).toString(16).padStart(2, "0");
    return `#${level}${level}${level}`;
  });
}
