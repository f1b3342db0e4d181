// SPDX-License-Identifier: Apache-2.0
//
// A film of a part of the board: which frames, and a GIF that a reader of its own, which
// knows only the format, sees exactly as it was.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Gif, changedPart, lzw } from "../../web/gif.js";
import { cutFrame, enlargement, pickMoments } from "../../web/timelapse.js";

/// A seeded source of numbers below `most`.
function chance(seed) {
  let state = seed >>> 0;
  return (most) => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 >>> 0;
    return ((state ^ state >>> 13) >>> 0) % most;
  };
}

/// What lzw() wrote, by the format's rules.
function unpack(bytes, bits) {
  const clear = 1 << bits, end = clear + 1;
  const out = [];
  let at = 0, size = bits + 1, table = [], before = null;
  const code = () => {
    let value = 0;
    for (let n = 0; n < size; n++, at++) value |= (bytes[at >> 3] >> (at & 7) & 1) << n;
    return value;
  };
  for (;;) {
    assert.ok(at + size <= 8 * bytes.length, "no end");
    const now = code();
    if (now === end) return { out, left: 8 * bytes.length - at };
    if (now === clear) {
      table = [...Array(end + 1).keys()].map((n) => [n]);
      size = bits + 1;
      before = null;
      continue;
    }
    if (before && table.length < 4096)
      table.push([...before, (table[now] ?? before)[0]]);
    assert.ok(table[now], `a code that is none: ${now}`);
    out.push(...table[now]);
    before = table[now];
    if (table.length === 1 << size && size < 12) size++;
  }
}

test("lzw: whatever the pixels are, they come out again", () => {
  const next = chance(7);
  for (let bits = 2; bits <= 8; bits++)
    for (const length of [1, 2, 3, 7, 255, 256, 4000, 40000])
      for (const colors of [1, 2, 1 << bits]) {
        const pixels = Uint8Array.from({ length }, () => next(colors));
        const { out, left } = unpack(lzw(pixels, bits), bits);
        assert.ok(left < 8, "no byte too many");
        assert.deepEqual(out, [...pixels], `${bits} bits, ${length} of ${colors}`);
      }
});

test("lzw: it ends well at every length, also where codes grow or the table is full", () => {
  const next = chance(11);
  for (const [bits, from, to] of [[2, 1, 400], [8, 1, 300], [8, 1800, 1835],
                                  [8, 3930, 3975]]) {
    const pixels = Uint8Array.from({ length: to }, () => next(1 << bits));
    for (let length = from; length < to; length++) {
      const part = pixels.subarray(0, length);
      const { out, left } = unpack(lzw(part, bits), bits);
      assert.ok(left < 8, `${length}: a byte too many`);
      assert.deepEqual(Uint8Array.from(out), part, String(length));
    }
  }
});

/// Frames {pixels, ms} of a GIF of whole frames and parts, as a viewer composes them.
function play(file) {
  const word = (at) => file[at] | file[at + 1] << 8;
  assert.equal(String.fromCharCode(...file.subarray(0, 6)), "GIF89a");
  const width = word(6), height = word(8), bits = (file[10] & 7) + 1;
  const shown = new Uint8Array(width * height);
  const frames = [];
  let at = 13 + (3 << bits), ms = 0;
  const colors = file.slice(13, at);
  for (;; ) {
    const kind = file[at++];
    if (kind === 0x3b) break;
    if (kind === 0x21) {
      if (file[at] === 0xf9) ms = 10 * word(at + 3);
      for (at += 1; file[at]; at += 1 + file[at]);
      at++;
      continue;
    }
    assert.equal(kind, 0x2c, `at ${at}`);
    const [x, y, w, h] = [word(at), word(at + 2), word(at + 4), word(at + 6)];
    assert.equal(file[at + 8], 0);
    const least = file[at + 9];
    at += 10;
    const data = [];
    for (; file[at]; at += 1 + file[at]) data.push(...file.subarray(at + 1, at + 1 + file[at]));
    at++;
    const { out } = unpack(data, least);
    assert.equal(out.length, w * h);
    out.forEach((color, n) => { shown[(y + Math.floor(n / w)) * width + x + n % w] = color; });
    frames.push({ pixels: shown.slice(), ms });
  }
  assert.equal(at, file.length);
  return { width, height, colors, frames };
}

const whole = (parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

test("a film: every frame as it was, what is as before stands longer", () => {
  const palette = ["#FFFFFF", "#123456", "#E50000"];
  const first = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const second = first.slice(), third = first.slice();
  second[5] = 2;
  third.set([1, 1], 10);
  const gif = new Gif(4, 3, palette);
  for (const frame of [first, second, second, third]) gif.frame(frame, 200);
  const film = play(whole(gif.end()));
  assert.deepEqual([film.width, film.height], [4, 3]);
  assert.deepEqual([...film.colors.subarray(3, 9)], [0x12, 0x34, 0x56, 0xe5, 0, 0]);
  assert.deepEqual(film.frames, [{ pixels: first, ms: 200 }, { pixels: second, ms: 400 },
                                 { pixels: third, ms: 200 }]);
});

test("a film of chance, in 256 colours", () => {
  const next = chance(3);
  const palette = Array.from({ length: 256 }, (_, n) => `#${(n * 65793).toString(16).padStart(6, "0")}`);
  const gif = new Gif(37, 23, palette);
  const frames = [];
  let now = new Uint8Array(37 * 23);
  for (let n = 0; n < 30; n++) {
    now = now.slice();
    for (let m = next(60) + 1; m > 0; m--) now[next(now.length)] = next(256);
    frames.push(now);
    gif.frame(now, 50);
  }
  const seen = play(whole(gif.end())).frames;
  assert.deepEqual(seen.at(-1).pixels, frames.at(-1));
  assert.equal(seen.reduce((sum, { ms }) => sum + ms, 0), 30 * 50);
  for (const { pixels } of seen)
    assert.ok(frames.some((frame) => Buffer.compare(frame, pixels) === 0));
});

test("what changed is the least rectangle around it", () => {
  const before = new Uint8Array(20);
  assert.equal(changedPart(before, before.slice(), 5), null);
  const after = before.slice();
  after[6] = after[13] = 1;
  assert.deepEqual(changedPart(before, after, 5), { x: 1, y: 1, width: 3, height: 2 });
});

test("moments: evenly, from the one that is wished to the last", () => {
  const moments = Array.from({ length: 1000 }, (_, seq) => ({ seq }));
  const some = pickMoments(moments, 100, 10).map(({ seq }) => seq);
  assert.deepEqual(some, [100, 200, 300, 400, 500, 599, 699, 799, 899, 999]);
  assert.deepEqual(pickMoments(moments, 998, 10).map(({ seq }) => seq), [998, 999]);
  assert.equal(pickMoments(moments, 0).length, 300);
});

test("a frame: the box, each pixel enlarged, a colour that is gone the first", () => {
  const picture = { width: 4, height: 3, pixels: Uint8Array.from(
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) };
  assert.deepEqual([...cutFrame(picture, { x0: 1, y0: 1, x1: 2, y1: 2 }, 1, 16)], [5, 6, 9, 10]);
  assert.deepEqual([...cutFrame(picture, { x0: 1, y0: 1, x1: 2, y1: 2 }, 2, 10)],
                   [5, 5, 6, 6, 5, 5, 6, 6, 9, 9, 0, 0, 9, 9, 0, 0]);
  assert.equal(enlargement({ x0: 0, y0: 0, x1: 99, y1: 9 }), 4);
  assert.equal(enlargement({ x0: 0, y0: 0, x1: 999, y1: 999 }), 1);
});
