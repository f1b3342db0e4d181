// SPDX-License-Identifier: Apache-2.0
//
// The work that an anonymous identity may cost (docs/protocol.md): a number that, behind
// the challenge, gives a SHA-256 of so many zero bits. By hand: `crypto.subtle` costs
// a promise per hash, many times the hash itself, and is missing without TLS.

const LOOK = 256; // hashes between two looks at the clock

const primes = [];
for (let n = 2; primes.length < 64; n++)
  if (primes.every((prime) => n % prime)) primes.push(n);
const fraction = (x) => (x % 1) * 2 ** 32 | 0;
const START = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const ROUND = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const words = new Int32Array(64);

/// One block of SHA-256: `view` at `at` into `state`.
function compress(state, view, at) {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const x = words[i - 15], y = words[i - 2];
    words[i] = words[i - 16] + words[i - 7] +
      ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) +
      ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) +
      (e & f ^ ~e & g) + ROUND[i] + words[i] | 0;
    const two = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) +
      (a & b ^ a & c ^ b & c) | 0;
    h = g; g = f; f = e; e = d + one | 0;
    d = c; c = b; b = a; a = one + two | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

export class Work {
  constructor(challenge, bits) {
    this.challenge = challenge;
    this.bits = bits;
    this.number = 0; // the next one to try
    this.state = new Int32Array(8);
    this.lay(1);
  }

  /// The padded message, with room for a number of so many digits.
  lay(digits) {
    const text = new TextEncoder().encode(this.challenge);
    const size = text.length + digits;
    const bytes = this.bytes = new Uint8Array(Math.ceil((size + 9) / 64) * 64);
    bytes.set(text);
    bytes[size] = 0x80;
    this.view = new DataView(bytes.buffer);
    this.view.setUint32(bytes.length - 4, size * 8);
    this.at = text.length;
    this.digits = digits;
  }

  /// How many zero bits the hash of the challenge and `number` begins with.
  zeros(number) {
    const { state } = this, digits = String(number);
    if (digits.length !== this.digits) this.lay(digits.length);
    for (let i = 0; i < digits.length; i++)
      this.bytes[this.at + i] = digits.charCodeAt(i);
    state.set(START);
    for (let at = 0; at < this.bytes.length; at += 64) compress(state, this.view, at);
    const first = state.findIndex((word) => word !== 0);
    return first < 0 ? 256 : 32 * first + Math.clz32(state[first]);
  }

  /// Looks for `ms`: the number, or null if it is not found yet.
  search(ms, now = () => performance.now()) {
    for (const end = now() + ms; now() < end;)
      for (let n = 0; n < LOOK; n++, this.number++)
        if (this.zeros(this.number) >= this.bits) return this.number;
    return null;
  }
}
