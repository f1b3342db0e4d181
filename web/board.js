// SPDX-License-Identifier: Apache-2.0
//
// The board, twice. `Board` is the exact one: one byte a pixel, the seq it is
// exact at, and its digest, kept up pixel by pixel and in blocks, so that the
// pixels themselves can be audited, a few blocks at a time. It changes only by a
// whole fetched board or by a diff that follows on, so it is never half right.
// `Picture` is what is drawn: a copy that takes patches. No DOM.

import { decodePixels, pixelDigest } from "./wire.js";

export const BLOCK = 1 << 16;

/**
 * The share of one block in the digest.
 * @param {Uint8Array} pixels
 * @param {number} block
 */
export function blockDigest(pixels, block) {
  const end = Math.min(pixels.length, (block + 1) * BLOCK);
  let digest = 0;
  for (let i = block * BLOCK; i < end; i++)
    if (pixels[i] !== 0) digest ^= pixelDigest(i, pixels[i]);
  return digest >>> 0;
}

export class Picture {
  /**
   * @param {{width: number, height: number, bits: number, seq: number,
   *          epoch: number, pixels: Uint8Array}} parsed
   */
  constructor({ width, height, bits, seq, epoch, pixels }) {
    this.width = width;
    this.height = height;
    this.bits = bits;
    this.seq = seq;
    this.epoch = epoch;
    this.pixels = pixels;
  }

  contains(x, y) {
    return Number.isInteger(x) && Number.isInteger(y) && x >= 0 && y >= 0 &&
      x < this.width && y < this.height;
  }

  get(x, y) {
    return this.pixels[y * this.width + x];
  }

  patch({ indices, colors, seq }) {
    const { pixels } = this;
    for (let n = 0; n < indices.length; n++) pixels[indices[n]] = colors[n];
    this.seq = seq;
  }
}

export class Board extends Picture {
  constructor(parsed) {
    super(parsed);
    this.measure();
  }

  /// Takes the pixels over and trusts none of the sender's numbers.
  load(parsed) {
    Object.assign(this, new Picture(parsed));
    this.measure();
  }

  measure() {
    const count = Math.ceil(this.pixels.length / BLOCK);
    this.blocks = new Uint32Array(count);
    this.audited = 0;
    this.digest = 0;
    for (let block = 0; block < count; block++) {
      this.blocks[block] = blockDigest(this.pixels, block);
      this.digest = (this.digest ^ this.blocks[block]) >>> 0;
    }
  }

  static blank(width, height, bits) {
    const pixels = new Uint8Array(width * height);
    return new Board({ width, height, bits, seq: 0, epoch: 0, pixels });
  }

  /// Applies a decoded DIFF: {result: "applied", indices, colors} if it follows
  /// on, {result: "known"} if it brings nothing new, {result: "gap"} if
  /// something in between was missed. Throws WireError, unchanged, if it is
  /// malformed.
  apply(diff) {
    if (diff.to <= this.seq) return { result: "known" };
    if (diff.from > this.seq) return { result: "gap" };
    const { indices, colors } =
      decodePixels(diff, this.pixels.length, this.bits);
    for (let n = 0; n < indices.length; n++) this.set(indices[n], colors[n]);
    this.seq = diff.to;
    return { result: "applied", indices, colors };
  }

  set(index, color) {
    const change = pixelDigest(index, this.pixels[index]) ^
      pixelDigest(index, color);
    this.digest = (this.digest ^ change) >>> 0;
    this.blocks[index >>> 16] ^= change;
    this.pixels[index] = color;
  }

  /// The next `count` blocks in turn, proved by their pixels: {first, digests},
  /// what each must be, and whether all of ours are.
  audit(count) {
    const first = this.audited;
    const last = Math.min(this.blocks.length, first + count);
    let sound = true;
    for (let block = first; block < last; block++)
      sound &&= blockDigest(this.pixels, block) === this.blocks[block];
    this.audited = last === this.blocks.length ? 0 : last;
    return { first, digests: this.blocks.slice(first, last), sound };
  }
}
