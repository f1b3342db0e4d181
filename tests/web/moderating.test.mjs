// SPDX-License-Identifier: Apache-2.0
//
// Moderators' requests, boxes, and that no word is missing in any language.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Admin, MODERATORS, mayTryAgain, reaches } from "../../web/admin.js";
import { boxOf, cornersOf, readBox, sightOf, sizeOf } from "../../web/box.js";
import { Session } from "../../web/session.js";
import { LANGUAGES, addWords, chooseLanguage, en, t } from "../../web/strings.js";
import de from "../../web/strings/de.js";

const WEB = join(import.meta.dirname, "../../web");

// Requests

/// A server whose answers are given; what it was asked is in `asked`.
function serverOf(...answers) {
  const asked = [];
  let random = 0;
  return {
    asked, env: {
      setTimeout: () => 0, clearTimeout: () => {}, random: () => random += 0.25,
      async fetch(path, options) {
        asked.push({ path, ...options });
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        const [status, body] = answer;
        return { ok: status < 300, status, json: async () => {
          if (typeof body === "string") return JSON.parse(body);
          return body;
        } };
      },
    },
  };
}

test("a question names what is given and nothing else", async () => {
  const { env, asked } = serverOf([200, { placements: [] }]);
  const admin = new Admin(env, () => "a.b.c");
  const answer = await admin.get("search", { box: "1,2,3,4", user: null, before: undefined });
  assert.deepEqual(answer, { ok: true, placements: [] });
  assert.equal(asked[0].path, "/api/v1/admin/search?box=1%2C2%2C3%2C4");
  assert.equal(asked[0].headers.Authorization, "Bearer a.b.c");
  assert.equal(asked[0].headers["Idempotency-Key"], undefined);
});

test("an action keeps its number when it is tried again; another has another", async () => {
  const { env, asked } = serverOf(new Error("gone"), [503, { code: "unavailable" }],
                                  [200, { verb: "ban", seq: 7 }], [200, { verb: "ban", seq: 8 }]);
  const admin = new Admin(env, () => "a.b.c");
  const run = admin.action("POST", "bans", { user: "0000000000000001" });
  const lost = await run(), away = await run();
  assert.deepEqual([lost.code, away.code], ["unanswered", "unavailable"]);
  assert.ok(mayTryAgain(lost) && mayTryAgain(away));
  assert.deepEqual(await run(), { ok: true, verb: "ban", seq: 7 });
  await admin.action("POST", "bans", { user: "0000000000000001" })();
  const keys = asked.map(({ headers }) => headers["Idempotency-Key"]);
  assert.equal(new Set(keys.slice(0, 3)).size, 1);
  assert.notEqual(keys[3], keys[0]);
  for (const key of keys) assert.ok(Number(key) >= 1 && Number(key) <= 0xffffffff);
  assert.equal(asked[0].body, "{\"user\":\"0000000000000001\"}");
});

test("the number of an action is in the server's range, whatever chance says", async () => {
  for (const chance of [0, 0.5, 1 - 2 ** -53]) {
    const { env, asked } = serverOf([200, {}]);
    await new Admin({ ...env, random: () => chance }, () => "t").action("POST", "lock")();
    const key = Number(asked[0].headers["Idempotency-Key"]);
    assert.ok(Number.isInteger(key) && key >= 1 && key <= 0xffffffff, String(key));
    assert.equal(asked[0].body, undefined);
  }
});

test("a refusal is a code; what is no JSON is unavailable", async () => {
  const { env } = serverOf([403, { code: "role_too_low" }], [400, { code: "bad_request",
    detail: "that user is not banned" }], [502, "<html>"], [200, "<html>"]);
  const admin = new Admin(env, () => "t");
  const low = await admin.get("bans");
  assert.deepEqual([low.ok, low.code, mayTryAgain(low)], [false, "role_too_low", false]);
  assert.equal((await admin.get("bans")).detail, "that user is not banned");
  assert.equal((await admin.get("bans")).code, "unavailable");
  assert.equal((await admin.get("bans")).code, "unavailable");
});

test("what takes long is asked for again with its number, until it has ended", async () => {
  const { env, asked } = serverOf([202, { verb: "rollback", state: "waiting", key: 7 }],
                                  [202, { verb: "rollback", state: "writing", placed: 40, key: 7 }],
                                  [200, { verb: "rollback", pixels: 90, seq: 8 }]);
  const heard = [];
  const admin = new Admin({ ...env, setTimeout: (run, ms) => ms < 5000 && run() }, () => "t");
  const answer = await admin.long("POST", "rollbacks", { yes: true }, ({ placed }) =>
    heard.push(placed))();
  assert.deepEqual(answer, { ok: true, verb: "rollback", pixels: 90, seq: 8 });
  assert.deepEqual(heard, [undefined, 40]);
  assert.equal(new Set(asked.map(({ headers, body }) =>
    headers["Idempotency-Key"] + body)).size, 1);
});

test("what takes long is refused, or never ends: told as such", async () => {
  const { env } = serverOf([202, { state: "refused", code: "role_too_low", error: "too many" }]);
  const refused = await new Admin(env, () => "t").long("POST", "rollbacks", {}, () => {})();
  assert.deepEqual(refused, { ok: false, code: "role_too_low", detail: "too many" });
  const stuck = serverOf(...Array(1000).fill([202, { state: "waiting" }]));
  const admin = new Admin({ ...stuck.env, setTimeout: (run, ms) => ms < 5000 && run() },
                          () => "t");
  const silent = await admin.long("POST", "rollbacks", {}, () => {})();
  assert.ok(mayTryAgain(silent));
});

test("roles: the highest that is known counts", () => {
  assert.deepEqual(MODERATORS, ["moderator", "operator", "owner"]);
  assert.ok(reaches(["player", "operator"], "moderator"));
  assert.ok(reaches(["operator"], "operator"));
  assert.ok(!reaches(["moderator"], "operator"));
  assert.ok(!reaches(["admin", "root"], "viewer"));
  assert.ok(!reaches([], "player"));
});

test("roles of a token: a word or a list of words", () => {
  const rolesOf = (claims) => {
    const session = new Session({ now: () => 0, wall: () => 0, storage: null }, () => {});
    session.token = `x.${btoa(JSON.stringify(claims))}.y`;
    return session.roles();
  };
  assert.deepEqual(rolesOf({ roles: "moderator" }), ["moderator"]);
  assert.deepEqual(rolesOf({ roles: ["player", 3, "owner"] }), ["player", "owner"]);
  for (const roles of [undefined, null, 7, {}, []]) assert.deepEqual(rolesOf({ roles }), []);
});

// Boxes

const BOARD = { width: 100, height: 50 };

test("a box is that of two corners in any order, on the board", () => {
  assert.deepEqual(boxOf({ x: 9.7, y: 3.2 }, { x: 4.1, y: 8.9 }, BOARD),
                   { x0: 4, y0: 3, x1: 9, y1: 8 });
  assert.deepEqual(boxOf({ x: -5, y: -0.5 }, { x: 1000, y: 49.99 }, BOARD),
                   { x0: 0, y0: 0, x1: 99, y1: 49 });
  const one = boxOf({ x: 7, y: 7 }, { x: 7, y: 7 }, BOARD);
  assert.deepEqual(sizeOf(one), { width: 1, height: 1 });
  assert.deepEqual(cornersOf(boxOf({ x: 200, y: 60 }, { x: 300, y: 70 }, BOARD)),
                   [99, 49, 99, 49]);
});

test("four numbers are a box or none", () => {
  assert.deepEqual(readBox([0, 0, 99, 49], BOARD), { x0: 0, y0: 0, x1: 99, y1: 49 });
  for (const bad of [[0, 0, 100, 49], [0, 0, 99, 50], [-1, 0, 1, 1], [2, 0, 1, 1],
                     [0, 2, 1, 1], [0.5, 0, 1, 1], [NaN, 0, 1, 1], [0, 0, 1], []])
    assert.equal(readBox(bad, BOARD), null, bad.join());
});

test("all of a box is seen where one is told to look", () => {
  const box = { x0: 10, y0: 10, x1: 29, y1: 14 };
  const { x, y, scale } = sightOf(box, { width: 400, height: 300 });
  assert.deepEqual([x, y], [20, 12.5]);
  assert.ok(20 * scale <= 400 && 5 * scale <= 300);
});

// Words

/// The tables that are fetched with a part of the page: {en, de}.
const later = await Promise.all(readdirSync(join(WEB, "strings"))
  .filter((name) => !Object.hasOwn(LANGUAGES, name.slice(0, -3)))
  .map(async (name) => (await import(join(WEB, "strings", name))).default));

const blanks = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

function sources(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? sources(path) : /\.(js|html)$/.test(name) ? [path] : [];
  });
}

test("every word of English is there in every other language, with the same blanks", () => {
  assert.ok(later.length >= 3);
  for (const [first, second] of [[en, de], ...later.map((words) => [words.en, words.de])]) {
    assert.deepEqual(Object.keys(second).sort(), Object.keys(first).sort());
    for (const [key, text] of Object.entries(first))
      assert.deepEqual(blanks(second[key]), blanks(text), key);
  }
});

test("words that are fetched later are as good as those that were there", async () => {
  addWords({ en: { eggs: "{count} eggs", eggs_one: "{count} egg", milk: "milk" },
             de: { eggs: "{count} Eier", eggs_one: "{count} Ei" } });
  assert.equal(t("eggs", { count: 1 }), "1 egg");
  assert.equal(t("eggs", { count: 2 }), "2 eggs");
  await chooseLanguage(["de"]);
  assert.equal(t("eggs", { count: 1 }), "1 Ei");
  assert.equal(t("milk"), "milk", "what is missing is English");
  await chooseLanguage(["en"]);
});

test("no word is asked for that is in no table, and none is in two", () => {
  const known = { ...en };
  for (const words of later)
    for (const key of Object.keys(words.en)) {
      assert.ok(!Object.hasOwn(known, key), key);
      known[key] = words.en[key];
    }
  for (const path of sources(WEB)) {
    const text = readFileSync(path, "utf8");
    for (const [, key] of text.matchAll(/\bt\("(\w+)"|data-t(?:-label)?="(\w+)"/g))
      if (key) assert.ok(Object.hasOwn(known, key), `${path}: ${key}`);
  }
});
