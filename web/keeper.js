// SPDX-License-Identifier: Apache-2.0
//
// Keeps the exact board beside the page, in a worker (worker.js) or in the same
// thread (tests): unpacks what was fetched, decodes and applies diffs, judges
// beats. It hears in order and tells in order:
//
//     board {width, height, bits, seq, epoch, pixels}    a whole one, a copy
//     patch {indices, colors, seq}                       what changed
//     gap | malformed {text}
//     beat {seq, held, agrees, online, audit}            audit: see Board.audit
//
// `agrees` is false if the digest at this very seq is another, or the pixels no
// longer are what the digest was kept for.

import { Board } from "./board.js";
import { joined } from "./net.js";
import * as wire from "./wire.js";

const AUDIT_BLOCKS = 4; // per beat: a million pixels in four seconds
// A fetched board that differs in more than a share of pixels goes over whole.
const PATCH_SHARE = 16;

export class Keeper {
  /** @param {(event: any, transfer?: Transferable[]) => void} tell */
  constructor(tell) {
    this.tell = tell;
    /** @type {Board | null} */
    this.board = null;
  }

  /// The body of GET /api/v1/board, in the parts that it came in.
  load(parts) {
    this.guard(() => {
      const parsed = wire.parseBoard(joined(parts));
      const before = this.board;
      this.board = new Board(parsed);
      const { width, height, bits, seq, pixels } = this.board;
      const patch = before && before.width === width &&
        before.height === height && before.bits === bits
        ? difference(before.pixels, pixels) : null;
      if (patch) {
        this.tell({ type: "patch", ...patch, seq, fetched: true });
        return;
      }
      this.resend();
    });
  }

  /// The whole board again, for a picture that is no longer its copy.
  resend() {
    if (!this.board) return;
    const { width, height, bits, seq, epoch } = this.board;
    const pixels = this.board.pixels.slice();
    this.tell({ type: "board", width, height, bits, seq, epoch, pixels },
              [pixels.buffer]);
  }

  /// A DIFF or a BEAT, as it came.
  message(bytes) {
    this.guard(() => {
      const event = wire.decodeEvent(bytes);
      if (!this.board || !event) return;
      if (event.type === "diff") this.diff(event);
      else if (event.type === "beat") this.beat(event);
    });
  }

  diff(diff) {
    const { result, indices, colors } = this.board.apply(diff);
    if (result === "gap") this.tell({ type: "gap" });
    if (result !== "applied") return;
    this.tell({ type: "patch", indices, colors, seq: this.board.seq },
              [indices.buffer, colors.buffer]);
  }

  beat({ seq, digest, online }) {
    const { board } = this;
    const audit = board.audit(AUDIT_BLOCKS);
    const agrees = audit.sound && (seq !== board.seq || digest === board.digest);
    this.tell({ type: "beat", seq, held: board.seq, agrees, online, audit });
  }

  guard(run) {
    try {
      run();
    } catch (error) {
      if (!(error instanceof wire.WireError)) throw error;
      this.tell({ type: "malformed", text: error.message });
    }
  }
}

/// {indices, colors} that lead from one picture to another, or null if they
/// are too many.
function difference(before, after) {
  const most = before.length / PATCH_SHARE;
  const indices = [];
  for (let i = 0; i < after.length; i++) {
    if (before[i] === after[i]) continue;
    if (indices.length >= most) return null;
    indices.push(i);
  }
  return {
    indices: Uint32Array.from(indices),
    colors: Uint8Array.from(indices, (index) => after[index]),
  };
}
