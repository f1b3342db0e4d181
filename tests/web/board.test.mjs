// SPDX-License-Identifier: Apache-2.0
// The page's board: what a fetched one, a diff and a digest do to it.
import assert from "node:assert/strict";
import test from "node:test";

import { Board } from "../../web/board.js";
import { WireError, decodeEvent, digestOf, parseBoard } from "../../web/wire.js";
import { diffMessage } from "./messages.mjs";
import { load } from "./vectors.mjs";

const diff = (...args) => decodeEvent(diffMessage(4, ...args));

test("fetched board keeps pixels, seq and digest", () => {
  const { bytes, members } = load("board");
  const board = new Board(parseBoard(bytes));
  assert.equal(board.seq, members.seq);
  assert.equal(board.digest, members.digest);
  assert.equal(board.get(4, 2), 15);
});

test("diff that follows on is applied and digest follows", () => {
  const board = Board.blank(10, 10, 4);
  const { result, indices } = board.apply(diff(0, 3, [[0, 5], [99, 15]]));
  assert.equal(result, "applied");
  assert.deepEqual([...indices], [0, 99]);
  assert.equal(board.seq, 3);
  assert.equal(board.digest, digestOf(board.pixels));
  board.apply(diff(3, 4, [[0, 0], [99, 15]]));
  assert.equal(board.digest, digestOf(board.pixels));
});

test("diff that overlaps what is held is applied", () => {
  const board = Board.blank(10, 10, 4);
  board.apply(diff(0, 5, [[1, 1]]));
  assert.equal(board.apply(diff(2, 7, [[1, 1], [2, 2]])).result, "applied");
  assert.equal(board.seq, 7);
});

test("diff of the past is known and changes nothing", () => {
  const board = Board.blank(10, 10, 4);
  board.apply(diff(0, 5, [[1, 1]]));
  assert.equal(board.apply(diff(1, 5, [[1, 9]])).result, "known");
  assert.equal(board.get(1, 0), 1);
});

test("diff that begins above is a gap and changes nothing", () => {
  const board = Board.blank(10, 10, 4);
  assert.equal(board.apply(diff(1, 5, [[1, 9]])).result, "gap");
  assert.equal(board.seq, 0);
  assert.equal(board.digest, 0);
});

test("malformed diff throws and changes nothing", () => {
  const board = Board.blank(3, 2, 4);
  assert.throws(() => board.apply(diff(0, 9, [[0, 1], [6, 1]])), WireError);
  assert.equal(board.seq, 0);
  assert.equal(board.get(0, 0), 0);
});

test("random diffs agree with a plain model", () => {
  const board = Board.blank(31, 17, 4);
  const model = new Uint8Array(31 * 17);
  let seq = 0;
  for (let round = 0; round < 300; round++) {
    const touched = new Map();
    for (let n = Math.floor(Math.random() * 20); n > 0; n--)
      touched.set(Math.floor(Math.random() * model.length),
                  Math.floor(Math.random() * 16));
    for (const [index, color] of touched) model[index] = color;
    const pixels = [...touched].sort((a, b) => a[0] - b[0]);
    assert.equal(board.apply(diff(seq, seq + 1, pixels)).result, "applied");
    seq += 1;
  }
  assert.deepEqual(board.pixels, model);
  assert.equal(board.digest, digestOf(model));
});
