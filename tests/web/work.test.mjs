// SPDX-License-Identifier: Apache-2.0
//
// The work for an identity, beside node's own SHA-256.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";

import { Work } from "../../web/work.js";

/// Zero bits that the hash begins with.
function zeros(text) {
  const hash = createHash("sha256").update(text).digest();
  const first = hash.findIndex((byte) => byte);
  return 8 * first + Math.clz32(hash[first]) - 24;
}

test("zeros are those of SHA-256, whatever the lengths", () => {
  const numbers = [0, 9, 10, 4711, 99999, 100000, 12345678901, 2 ** 53 - 1];
  for (let length = 0; length < 140; length++) {
    const challenge = "x".repeat(length);
    const work = new Work(challenge, 1);
    for (const number of numbers)
      assert.equal(work.zeros(number), zeros(challenge + number),
                   `${length} characters and ${number}`);
  }
});

test("the first number that solves it is found", () => {
  for (const bits of [0, 1, 7, 8, 9, 13]) {
    const challenge = `AAAA-${bits}`;
    let wanted = 0;
    while (zeros(challenge + wanted) < bits) wanted++;
    assert.equal(new Work(challenge, bits).search(60000), wanted);
  }
});

test("a search ends when its time is over, and goes on from there", () => {
  const work = new Work("challenge", 12);
  let time = 0, slices = 0, found;
  const now = () => time++;
  while ((found = work.search(2, now)) === null) {
    assert.ok(++slices < 1000);
    assert.equal(work.number, slices * 256);
  }
  assert.ok(slices > 3);
  assert.equal(found, new Work("challenge", 12).search(60000));
});
