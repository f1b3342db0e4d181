// SPDX-License-Identifier: Apache-2.0
//
// The edge's half of the codec, for tests only: what a fake edge would send.

const u = (size) => (value) => {
  const bytes = [];
  for (let n = 0; n < size; n++) {
    bytes.push(value % 256);
    value = Math.floor(value / 256);
  }
  return bytes;
};
const [u8, u16, u32, u64] = [u(1), u(2), u(4), u(8)];

function varint(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128))
    bytes.push(value % 128 + 128);
  return [...bytes, value];
}

export function diffMessage(bits, from, to, pixels) {
  const bytes = [...u8(2), ...u64(from), ...u64(to), ...varint(pixels.length)];
  let before = -1;
  for (const [index, color] of pixels) {
    bytes.push(...varint((index - before - 1) * 2 ** bits + color));
    before = index;
  }
  return Uint8Array.from(bytes);
}

export function helloMessage({ width, height, bits = 4, seq = 0, cooldown = 0,
                               remaining = 0, flags = 1 }) {
  return Uint8Array.from([
    ...u8(1), ...u8(1), ...u8(bits), ...u16(width), ...u16(height), ...u32(1),
    ...u64(seq), ...u32(cooldown), ...u32(remaining), ...u8(flags),
  ]);
}

export function beatMessage(seq, digest, online = 1) {
  return Uint8Array.from([...u8(4), ...u64(seq), ...u32(digest), ...u32(online)]);
}

export function verdictMessage(request, status, seq = 0, remaining = 0) {
  return Uint8Array.from([
    ...u8(3), ...u32(request), ...u8(status), ...u64(seq), ...u32(remaining),
  ]);
}

export function noticeMessage(kind, members) {
  const text = new TextEncoder().encode(JSON.stringify(members));
  return Uint8Array.from([...u8(6), ...u8(kind), ...varint(text.length), ...text]);
}

export function resyncMessage(reason) {
  return Uint8Array.from([5, reason]);
}

export function boardBody({ width, height, seq, digest, pixels }) {
  const packed = [];
  for (let n = 0; n < pixels.length; n += 2)
    packed.push(pixels[n] * 16 + (pixels[n + 1] ?? 0));
  return Uint8Array.from([
    ...new TextEncoder().encode("STPL"), ...u8(1), ...u8(4), ...u16(40),
    ...u32(width), ...u32(height), ...u64(seq), ...u32(1), ...u32(digest),
    ...u64(0), ...packed,
  ]);
}
