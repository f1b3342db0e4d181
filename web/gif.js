// SPDX-License-Identifier: Apache-2.0
//
// A film as an animated GIF: a palette of at most 256 colours and every pixel exact,
// which is what a board is. After the first frame only what changed is written. No DOM.

const CODES = 4096;

/// The least n of 2 … 8 for which 2^n colours are enough.
const bitsOf = (count) => Math.min(8, Math.max(2, Math.ceil(Math.log2(count))));

/**
 * LZW as GIF has it: codes of growing size, lowest bit first.
 * @param {Uint8Array} pixels  each below 2^bits
 * @param {number} bits
 */
export function lzw(pixels, bits) {
  const clear = 1 << bits, end = clear + 1;
  const next = new Uint16Array(CODES << bits); // by code and pixel: the longer code
  let out = new Uint8Array(1024), length = 0, held = 0, count = 0;
  let size = bits + 1, free = end + 1;

  function emit(code) {
    held |= code << count;
    for (count += size; count >= 8; count -= 8, held >>>= 8) {
      if (length === out.length) {
        const larger = new Uint8Array(2 * length);
        larger.set(out);
        out = larger;
      }
      out[length++] = held & 255;
    }
  }

  emit(clear);
  let code = pixels[0];
  for (let n = 1; n < pixels.length; n++) {
    const slot = code << bits | pixels[n];
    if (next[slot]) {
      code = next[slot];
      continue;
    }
    emit(code);
    code = pixels[n];
    if (free < CODES) {
      if (free === 1 << size) size++;
      next[slot] = free++;
    } else {
      emit(clear);
      next.fill(0);
      size = bits + 1;
      free = end + 1;
    }
  }
  emit(code);
  if (free === 1 << size && size < 12) size++; // as the reader counts
  emit(end);
  if (count) {
    size = 8 - count; // what is left of the last byte
    emit(0);
  }
  return out.subarray(0, length);
}

/// The rectangle in which two pictures differ: {x, y, width, height}, or null.
export function changedPart(before, after, width) {
  let left = width, right = -1, top = -1, bottom = -1;
  for (let n = 0; n < after.length; n++) {
    if (before[n] === after[n]) continue;
    const x = n % width, y = (n - x) / width;
    if (x < left) left = x;
    if (x > right) right = x;
    if (top < 0) top = y;
    bottom = y;
  }
  return right < 0 ? null
    : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

export class Gif {
  /// Of `width` × `height` pixels in `palette` ("#RRGGBB"), shown again for ever.
  constructor(width, height, palette) {
    this.width = width;
    this.height = height;
    this.bits = bitsOf(palette.length);
    this.parts = [];
    this.before = null;
    this.waiting = null; // the last frame; how long it stands is not known yet
    this.bytes([...text("GIF89a"), ...word(width), ...word(height),
                0x80 | this.bits - 1 << 4 | this.bits - 1, 0, 0]);
    const colors = new Uint8Array(3 << this.bits);
    palette.slice(0, 256).forEach((hex, n) => {
      const rgb = parseInt(hex.slice(1), 16);
      colors.set([rgb >> 16, rgb >> 8 & 255, rgb & 255], 3 * n);
    });
    this.bytes(colors);
    this.bytes([0x21, 0xff, 11, ...text("NETSCAPE2.0"), 3, 1, 0, 0, 0]);
  }

  bytes(list) {
    this.parts.push(list instanceof Uint8Array ? list : Uint8Array.from(list));
  }

  /// The next frame stands for `ms`; one that is as before lengthens that one.
  frame(pixels, ms) {
    const part = this.before ? changedPart(this.before, pixels, this.width)
      : { x: 0, y: 0, width: this.width, height: this.height };
    if (!part) {
      this.waiting.ms += ms;
      return;
    }
    this.write();
    this.waiting = { part, ms, pixels: cut(pixels, this.width, part) };
    this.before = pixels;
  }

  write() {
    if (!this.waiting) return;
    const { part, ms, pixels } = this.waiting;
    this.bytes([0x21, 0xf9, 4, 1 << 2, ...word(Math.min(65535, Math.round(ms / 10))), 0, 0]);
    this.bytes([0x2c, ...word(part.x), ...word(part.y), ...word(part.width),
                ...word(part.height), 0, this.bits]);
    const data = lzw(pixels, this.bits);
    for (let at = 0; at < data.length; at += 255) {
      const block = data.subarray(at, at + 255);
      this.bytes([block.length]);
      this.bytes(block);
    }
    this.bytes([0]);
    this.waiting = null;
  }

  /// The whole file in parts.
  end() {
    this.write();
    this.bytes([0x3b]);
    return this.parts;
  }
}

const text = (words) => [...words].map((letter) => letter.charCodeAt(0));
const word = (number) => [number & 255, number >> 8];

function cut(pixels, width, part) {
  if (part.width === width) return pixels.slice(part.y * width, (part.y + part.height) * width);
  const out = new Uint8Array(part.width * part.height);
  for (let row = 0; row < part.height; row++) {
    const from = (part.y + row) * width + part.x;
    out.set(pixels.subarray(from, from + part.width), row * part.width);
  }
  return out;
}
