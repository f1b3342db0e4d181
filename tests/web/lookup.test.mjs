// SPDX-License-Identifier: Apache-2.0
//
// Who placed the chosen pixel: what was asked before it changed is not shown after.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Lookup } from "../../web/lookup.js";

const settled = () => new Promise(setImmediate);

/// A lookup whose timers and answers the test hands out.
function stage() {
  const timers = new Map();
  const asked = [];
  const told = [];
  let number = 0;
  const lookup = new Lookup({
    random: () => 0,
    setTimeout: (run, ms) => { timers.set(++number, { run, ms }); return number; },
    clearTimeout: (id) => timers.delete(id),
    fetch: () => new Promise((done) => asked.push((author) =>
      done({ ok: true, json: () => author }))),
  }, (author) => told.push(author));
  /// The timer of that many milliseconds has come.
  const pass = (ms) => {
    const [id, timer] = [...timers].find(([, one]) => one.ms === ms) ?? [];
    if (id) timers.delete(id);
    timer?.run();
    return Boolean(timer);
  };
  return { lookup, asked, told, pass };
}

test("who placed the chosen pixel is asked once it is chosen for a moment", async () => {
  const { lookup, asked, told, pass } = stage();
  lookup.select({ x: 1, y: 2 });
  assert.ok(pass(350));
  asked[0]({ seq: 7 });
  await settled();
  assert.deepEqual(told, [null, { seq: 7 }]);
});

test("an answer of before one's own placement is not shown behind it", async () => {
  const { lookup, asked, told, pass } = stage();
  const own = { seq: 8, own: true };
  lookup.select({ x: 1, y: 2 });
  pass(350);
  lookup.changed(own);
  asked[0]({ seq: 0 });
  await settled();
  assert.deepEqual(told, [null, own]);
});

test("nobody is asked for one's own placement, though the pixel was just chosen", () => {
  const { lookup, told, pass } = stage();
  const own = { seq: 8, own: true };
  lookup.select({ x: 1, y: 2 });
  lookup.changed(own);
  assert.equal(pass(350), false);
  assert.deepEqual(told, [null, own]);
});

test("an answer of before another's placement is dropped, and asked for once more", async () => {
  const { lookup, asked, told, pass } = stage();
  lookup.select({ x: 1, y: 2 });
  pass(350);
  lookup.changed();
  lookup.changed();
  asked[0]({ seq: 7 });
  await settled();
  assert.deepEqual(told, [null, { changed: true }, { changed: true }]);
  assert.ok(pass(5000));
  assert.equal(pass(5000), false);
  asked[1]({ seq: 9 });
  await settled();
  assert.deepEqual(told.at(-1), { seq: 9 });
});
