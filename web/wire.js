// SPDX-License-Identifier: Apache-2.0
//
// The binary messages of `stipple.v1` and the board's format: docs/protocol.md
// as pure functions, bytes in, plain objects out. No sockets, no state, no DOM.
// Whatever is malformed throws WireError and nothing else. 64-bit numbers are
// plain numbers here; past 2^53 - 1 they are refused.

export const PROTOCOL = "stipple.v1";

export class WireError extends Error {}

export const VERDICTS = Object.freeze([
  "ok", "cooldown", "out_of_bounds", "bad_color", "banned", "paused",
  "unauthorized", "rate_limited", "unavailable", "duplicate",
  "protected", "too_late",
]);

const RESYNC_REASONS = [null, "too_old", "unknown_seq", "board_changed"];
const NOTICE_KINDS = [null, "settings", "banned", "message"];
const BOARD_HEADER = 40;
const PIXELS_MAX = 64 * 1024 * 1024;

/// A bounds-checked little-endian cursor.
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  skip(size) {
    const at = this.at;
    if (this.bytes.length - at < size) throw new WireError("truncated");
    this.at = at + size;
    return at;
  }

  u8() { return this.view.getUint8(this.skip(1)); }
  u16() { return this.view.getUint16(this.skip(2), true); }
  u32() { return this.view.getUint32(this.skip(4), true); }

  u64() {
    const at = this.skip(8);
    const value = this.view.getUint32(at, true) +
      this.view.getUint32(at + 4, true) * 0x100000000;
    if (!Number.isSafeInteger(value)) throw new WireError("number too large");
    return value;
  }

  varint() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) throw new WireError("number too large");
      if (byte < 0x80) return value;
      if (scale > 2 ** 49) throw new WireError("varint too long");
    }
  }

  take(size) {
    const at = this.skip(size);
    return this.bytes.subarray(at, at + size);
  }

  left() { return this.bytes.length - this.at; }

  end() {
    if (this.left()) throw new WireError("bytes left over");
  }
}

function readHello(r) {
  const version = r.u8();
  const bits = r.u8();
  const hello = {
    type: "hello", version, bits, width: r.u16(), height: r.u16(),
    epoch: r.u32(), seq: r.u64(), cooldown_ms: r.u32(),
    cooldown_remaining_ms: r.u32(),
  };
  const flags = r.u8();
  r.end();
  if (version !== 1) throw new WireError("unknown version");
  if (bits !== 4 && bits !== 8) throw new WireError("bad bits");
  if (hello.width * hello.height > PIXELS_MAX) throw new WireError("too large");
  return { ...hello, read_only: (flags & 1) !== 0, paused: (flags & 2) !== 0 };
}

/// Only the head; decodePixels reads `body`, for which one must know the board.
function readDiff(r) {
  const diff = { type: "diff", from: r.u64(), to: r.u64(), count: r.varint() };
  if (diff.from > diff.to) throw new WireError("range runs backwards");
  return { ...diff, body: r.take(r.left()) };
}

function readVerdict(r) {
  const request = r.u32();
  const status = VERDICTS[r.u8()] ?? "unknown";
  const verdict = {
    type: "verdict", request, status, seq: r.u64(),
    cooldown_remaining_ms: r.u32(),
  };
  r.end();
  return verdict;
}

function readBeat(r) {
  const beat = { type: "beat", seq: r.u64(), digest: r.u32(), online: r.u32() };
  r.end();
  return beat;
}

function readResync(r) {
  const reason = RESYNC_REASONS[r.u8()] ?? "unknown";
  r.end();
  return { type: "resync", reason };
}

function readNotice(r) {
  const kind = NOTICE_KINDS[r.u8()] ?? "unknown";
  const text = r.take(r.varint());
  r.end();
  let members;
  try {
    members = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch {
    throw new WireError("bad notice");
  }
  if (members === null || typeof members !== "object" || Array.isArray(members))
    throw new WireError("bad notice");
  return { ...members, type: "notice", kind };
}

const EVENTS = {
  0x01: readHello, 0x02: readDiff, 0x03: readVerdict,
  0x04: readBeat, 0x05: readResync, 0x06: readNotice,
};

/// One message from the edge (Uint8Array). A type of a later version is null.
export function decodeEvent(bytes) {
  const r = new Reader(bytes);
  const type = r.u8();
  return EVENTS[type] ? EVENTS[type](r) : null;
}

/// The pixels of a decoded diff, all of them checked before any is returned:
/// {indices: Uint32Array, colors: Uint8Array} in ascending order.
export function decodePixels(diff, pixels, bits) {
  if (diff.count > pixels) throw new WireError("more pixels than the board");
  if (diff.count > diff.body.length) throw new WireError("truncated");
  const r = new Reader(diff.body);
  const indices = new Uint32Array(diff.count);
  const colors = new Uint8Array(diff.count);
  const scale = 1 << bits;
  let index = -1;
  for (let n = 0; n < diff.count; n++) {
    const value = r.varint();
    const color = value % scale;
    index += (value - color) / scale + 1;
    if (index >= pixels) throw new WireError("pixel past the board");
    indices[n] = index;
    colors[n] = color;
  }
  r.end();
  return { indices, colors };
}

export function encodePlace({ request, x, y, color }) {
  const view = new DataView(new ArrayBuffer(10));
  view.setUint8(0, 0x81);
  view.setUint32(1, request, true);
  view.setUint16(5, x, true);
  view.setUint16(7, y, true);
  view.setUint8(9, color);
  return new Uint8Array(view.buffer);
}

export function encodeSince(seq) {
  const view = new DataView(new ArrayBuffer(9));
  view.setUint8(0, 0x82);
  view.setUint32(1, seq % 0x100000000, true);
  view.setUint32(5, Math.floor(seq / 0x100000000), true);
  return new Uint8Array(view.buffer);
}

export function encodeAuth(token) {
  const text = new TextEncoder().encode(token);
  const bytes = new Uint8Array(1 + text.length);
  bytes[0] = 0x83;
  bytes.set(text, 1);
  return bytes;
}

/// Least time between two DIFFs to this client; 0: the edge's tick.
export function encodePace(ms) {
  const view = new DataView(new ArrayBuffer(3));
  view.setUint8(0, 0x84);
  view.setUint16(1, Math.min(60000, ms), true);
  return new Uint8Array(view.buffer);
}

/// Takes one's own placement `seq` back.
export function encodeUndo({ request, seq }) {
  const view = new DataView(new ArrayBuffer(13));
  view.setUint8(0, 0x85);
  view.setUint32(1, request, true);
  view.setBigUint64(5, BigInt(seq), true);
  return new Uint8Array(view.buffer);
}

/// MurmurHash3's 32-bit finaliser (Austin Appleby, public domain).
export function fmix32(h) {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/// What a pixel adds to the digest; colour 0 adds nothing.
export function pixelDigest(index, color) {
  return color === 0 ? 0 : fmix32(Math.imul(index, 256) + color);
}

export function digestOf(pixels) {
  let digest = 0;
  for (let i = 0; i < pixels.length; i++)
    if (pixels[i] !== 0) digest ^= pixelDigest(i, pixels[i]);
  return digest >>> 0;
}

function unpack(packed, count, bits) {
  if (bits === 8) return packed.slice(0, count);
  const pixels = new Uint8Array(count);
  for (let i = 0; i < count; i++)
    pixels[i] = i & 1 ? packed[i >> 1] & 15 : packed[i >> 1] >> 4;
  return pixels;
}

/// The body of GET /api/v1/board; `pixels` has one byte a pixel.
export function parseBoard(bytes) {
  const r = new Reader(bytes);
  const magic = String.fromCharCode(...r.take(4));
  const version = r.u8();
  if (magic !== "STPL" || version !== 1) throw new WireError("not a board");
  const bits = r.u8();
  const header = r.u16();
  const board = {
    version, bits, width: r.u32(), height: r.u32(), seq: r.u64(),
    epoch: r.u32(), digest: r.u32(), rendered_at: r.u64(),
  };
  if (bits !== 4 && bits !== 8) throw new WireError("bad bits");
  const count = board.width * board.height;
  if (count < 1 || count > PIXELS_MAX) throw new WireError("bad size");
  if (header < BOARD_HEADER) throw new WireError("bad header");
  r.take(header - BOARD_HEADER);
  const packed = r.take(Math.ceil(count * bits / 8));
  r.end();
  return { ...board, pixels: unpack(packed, count, bits) };
}
