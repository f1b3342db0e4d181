// SPDX-License-Identifier: Apache-2.0
//
// The board as this client holds it: one byte a pixel, the seq it is exact at,
// and its digest kept up pixel by pixel. It changes only by a whole fetched
// board or by a diff that follows on, so it is never half right. No DOM.

import { decodePixels, digestOf, pixelDigest } from "./wire.js";

export class Board {
  /// From parseBoard's object.
  constructor(parsed) {
    this.load(parsed);
  }

  /// Takes the pixels over and trusts none of the sender's numbers.
  load({ width, height, bits, seq, epoch, pixels }) {
    this.width = width;
    this.height = height;
    this.bits = bits;
    this.seq = seq;
    this.epoch = epoch;
    this.pixels = pixels;
    this.digest = digestOf(pixels);
  }

  static blank(width, height, bits) {
    const pixels = new Uint8Array(width * height);
    return new Board({ width, height, bits, seq: 0, epoch: 0, pixels });
  }

  contains(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height;
  }

  get(x, y) {
    return this.pixels[y * this.width + x];
  }

  /// Applies a decoded DIFF: {result: "applied", indices} where it follows on,
  /// {result: "known"} where it brings nothing new, {result: "gap"} where
  /// something in between was missed. Throws WireError, unchanged, where it is
  /// malformed.
  apply(diff) {
    if (diff.to <= this.seq) return { result: "known" };
    if (diff.from > this.seq) return { result: "gap" };
    const { indices, colors } =
      decodePixels(diff, this.pixels.length, this.bits);
    let digest = this.digest;
    for (let n = 0; n < indices.length; n++) {
      const index = indices[n];
      digest ^= pixelDigest(index, this.pixels[index]) ^
        pixelDigest(index, colors[n]);
      this.pixels[index] = colors[n];
    }
    this.digest = digest >>> 0;
    this.seq = diff.to;
    return { result: "applied", indices };
  }
}
