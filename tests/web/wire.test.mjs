// SPDX-License-Identifier: Apache-2.0
// The page's codec against the golden vectors that C reads too.
import assert from "node:assert/strict";
import test from "node:test";

import * as wire from "../../web/wire.js";
import { load, names } from "./vectors.mjs";

const ENCODERS = {
  place: wire.encodePlace,
  since: ({ seq }) => wire.encodeSince(seq),
  undo: wire.encodeUndo,
  pace: ({ ms }) => wire.encodePace(ms),
  auth: ({ token }) => wire.encodeAuth(token),
};

function pixelsOf(event, { width, height, bits }) {
  const { indices, colors } = wire.decodePixels(event, width * height, bits);
  return Array.from(indices, (index, n) =>
    [index % width, Math.floor(index / width), colors[n]]);
}

function decode(bytes, members) {
  if (members.type === "board")
    return { type: "board", ...wire.parseBoard(bytes) };
  const event = wire.decodeEvent(bytes);
  if (event?.type !== "diff") return event;
  const { body, count, ...head } = event;
  return { ...head, board: members.board, pixels: pixelsOf(event, members.board) };
}

function plain(value) {
  return JSON.parse(JSON.stringify(value, (key, member) =>
    ArrayBuffer.isView(member) ? Array.from(member) : member));
}

for (const name of names()) {
  test(`vector ${name} is as the protocol says`, () => {
    const { bytes, members } = load(name);
    if (ENCODERS[members.type])
      assert.deepEqual(ENCODERS[members.type](members), bytes);
    else
      assert.deepEqual(plain(decode(bytes, members)), members);
  });

  test(`vector ${name} cut at any byte is refused or shorter`, () => {
    const { bytes, members } = load(name);
    if (ENCODERS[members.type]) return;
    for (let size = 0; size < bytes.length; size++)
      assert.throws(() => decode(bytes.subarray(0, size), members),
                    wire.WireError, `at ${size}`);
  });
}

const FROM_EDGE = (name) => !/\/(place|since|pace|undo|unknown-request)/.test(name);

for (const name of names("bad/").filter(FROM_EDGE)) {
  test(`${name} is refused`, () => {
    const { bytes, members } = load(name);
    if (members.type === "unknown-event")
      assert.equal(wire.decodeEvent(bytes), null);
    else
      assert.throws(() => decode(bytes, members), wire.WireError);
  });
}

test("board's digest is that of its pixels", () => {
  for (const name of ["board", "board-8bit"]) {
    const board = wire.parseBoard(load(name).bytes);
    assert.equal(wire.digestOf(board.pixels), board.digest);
  }
});

test("blank board has digest 0", () => {
  assert.equal(wire.digestOf(new Uint8Array(1000)), 0);
});

test("fmix32 matches known values", () => {
  assert.equal(wire.fmix32(0), 0);
  assert.equal(wire.fmix32(1), 0x514e28b7);
  assert.equal(wire.fmix32(0xffffffff), 0x81f16f39);
});

test("digest of the last pixel of the largest board does not lose bits", () => {
  const index = 64 * 1024 * 1024 - 1;
  const product = Number((BigInt(index) * 256n + 255n) & 0xffffffffn);
  assert.equal(wire.pixelDigest(index, 255), wire.fmix32(product));
});

test("random bytes never throw anything but WireError", () => {
  let state = 1;
  const random = () => (state = wire.fmix32(state + 0x9e3779b9)) / 2 ** 32;
  for (let n = 0; n < 20000; n++) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 48) },
                                  () => random() * 256);
    if (bytes.length) bytes[0] = 1 + random() * 7;
    try {
      decode(bytes, { board: { width: 100, height: 100, bits: 4 } });
    } catch (error) {
      assert.ok(error instanceof wire.WireError, String(error));
    }
  }
});
