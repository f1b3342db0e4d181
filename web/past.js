// SPDX-License-Identifier: Apache-2.0
//
// The board as it was: snapshots name the moments, and one net diff leads from
// one to the next. Both are the server's to offer.

import { Board } from "./board.js";
import { ask, getParts, joined } from "./net.js";
import * as wire from "./wire.js";

const KEPT = 24; // diffs; they never change

export class Past {
  constructor(env) {
    this.env = env;
    this.board = null;
    this.diffs = new Map();
  }

  /// [{seq, taken_at}], oldest first, or null if the server has none.
  moments() {
    return ask(this.env, "/api/v1/snapshots", async (answer) => {
      if (!answer.ok) return null;
      const { snapshots } = await answer.json();
      return snapshots.length ? snapshots : null;
    }).catch(() => null);
  }

  /// A decoded net DIFF.
  async diff(from, to) {
    const path = `/api/v1/diffs?from=${from}&to=${to}`;
    if (!this.diffs.has(path)) {
      const bytes = joined(await getParts(this.env, path));
      this.diffs.set(path, bytes);
      if (this.diffs.size > KEPT)
        this.diffs.delete(this.diffs.keys().next().value);
    }
    return wire.decodeEvent(this.diffs.get(path));
  }

  /// The board at `seq`, of the size of `like`.
  async at(seq, like) {
    const onwards = this.board && this.board.seq <= seq &&
      this.board.width === like.width && this.board.height === like.height;
    const board = onwards ? this.board
      : Board.blank(like.width, like.height, like.bits);
    if (board.seq < seq) {
      const { result } = board.apply(await this.diff(board.seq, seq));
      if (result !== "applied") throw new Error("not the diff that was asked for");
    }
    this.board = board;
    return board;
  }

  /// Indices that were touched since `seq`: for the heat map.
  async touched(from, to, like) {
    const { indices } = wire.decodePixels(await this.diff(from, to),
                                          like.width * like.height, like.bits);
    return indices;
  }
}
