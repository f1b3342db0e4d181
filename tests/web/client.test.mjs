// SPDX-License-Identifier: Apache-2.0
//
// The connection's state machine against a fake edge: sockets and HTTP in
// memory, time turned by hand.
import assert from "node:assert/strict";
import test from "node:test";

import { Client } from "../../web/client.js";
import { Keeper } from "../../web/keeper.js";
import { getParts } from "../../web/net.js";
import { digestOf } from "../../web/wire.js";
import * as messages from "./messages.mjs";

const WIDTH = 10, HEIGHT = 10;

/// Lets promises that are due run.
const settle = async () => {
  for (let n = 0; n < 20; n++) await null;
};

class FakeSocket {
  constructor(world, url, protocols) {
    Object.assign(this, { world, url, protocols, readyState: 0, sent: [] });
    world.sockets.push(this);
  }

  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  send(bytes) {
    this.sent.push(bytes);
  }

  say(bytes) {
    this.onmessage?.({ data: bytes.buffer });
  }

  hello(options = {}) {
    this.say(messages.helloMessage({ width: WIDTH, height: HEIGHT, ...options }));
  }

  end(code) {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  close() {
    this.readyState = 3;
  }

  /// Messages of one type that the client sent.
  of(type) {
    return this.sent.filter((bytes) => bytes[0] === type);
  }
}

/// The keeper in this thread: what it tells comes at once.
function keeperHere(env) {
  const link = {
    hear() {},
    async fetch(path, cache) {
      const parts = await getParts(env, path, { cache });
      // Whoever asked hears of that first, as from the worker.
      Promise.resolve().then(() => null).then(() => keeper.load(parts));
    },
    message: (bytes) => keeper.message(bytes),
    worked: 0,
    async work(challenge, bits) {
      this.worked++;
      return `${challenge} of ${bits}`;
    },
    resend: () => keeper.resend(),
  };
  const keeper = new Keeper((event) => link.hear(event));
  link.keeper = keeper;
  return link;
}

class World {
  constructor(stored = {}, options = {}) {
    this.options = options;
    this.time = 1_000_000;
    this.timers = [];
    this.sockets = [];
    this.requests = [];
    this.stored = new Map(Object.entries(stored));
    this.pixels = new Uint8Array(WIDTH * HEIGHT);
    this.seq = 0;
    this.failing = new Set();
    this.hanging = new Set();
    this.puts = [];
    this.put_requests = [];
    this.sessions = 0;
    this.proofs = []; // what came with each request for a session
    this.demands = []; // what is answered first
    this.wallAhead = 1_700_000_000_000;
    this.client = new Client(this.env());
    this.events = [];
    for (const type of ["state", "verdict", "cooldown", "online", "pixels"])
      this.client.listen(type, (detail) => this.events.push({ type, ...detail }));
  }

  env() {
    const world = this;
    /** @type {any} */
    const env = {
      fetch: (path, options) => this.answer(path, options),
      WebSocket: class {
        constructor(url, protocols) {
          if (world.options.noSockets) throw new Error("blocked");
          return new FakeSocket(world, url, protocols);
        }
      },
      storage: {
        getItem: (key) => this.stored.get(key) ?? null,
        setItem: (key, value) => this.stored.set(key, value),
        removeItem: (key) => this.stored.delete(key),
      },
      locks: (_, run) => run(),
      now: () => this.time,
      wall: () => this.time + this.wallAhead,
      random: () => 0.5,
      setTimeout: (run, wait) => {
        const timer = { run, at: this.time + wait };
        this.timers.push(timer);
        return timer;
      },
      clearTimeout: (timer) => {
        this.timers = this.timers.filter((other) => other !== timer);
      },
      origin: "https://edge.example",
    };
    env.keeper = this.keeper = keeperHere(env);
    return env;
  }

  async answer(path, options = {}) {
    this.requests.push([options.method ?? "GET", path]);
    if (this.hanging?.has(path)) return new Promise(() => {});
    if (options.method === "PUT") return this.put(path, options);
    if (this.failing.has(path)) return { ok: false, status: 503, json: () => ({}) };
    if (path === "/api/v1/config") {
      const palette = ["#FFFFFF", "#E50000"];
      return { ok: true, json: async () => ({
        palette, cooldown_ms: 300000, paused: false,
        endpoints: ["wss://other.example/api/v1/ws"],
      }) };
    }
    if (path === "/api/v1/session") {
      this.proofs.push(options.body && JSON.parse(options.body));
      if (this.demands.length)
        return { ok: false, status: 403, json: async () => this.demands.shift() };
      this.sessions++;
      return { ok: true, json: async () => ({ token: `token-${this.sessions}` }) };
    }
    const body = messages.boardBody({
      width: WIDTH, height: HEIGHT, seq: this.seq,
      digest: digestOf(this.pixels), pixels: this.pixels,
    });
    return { ok: true, arrayBuffer: async () => body.buffer };
  }

  /// What PUT answers: `this.puts` of {status, body}, or a success.
  put(path, options) {
    this.put_requests.push({ path, headers: options.headers,
                             body: JSON.parse(options.body) });
    const { status, body } = this.puts.shift() ??
      { status: 200, body: { seq: 5, cooldown_ms: 1000 } };
    if (status === 0) throw new TypeError("network");
    return { ok: status < 300, status, json: async () => body };
  }

  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const due = this.timers.filter(({ at }) => at <= end)
        .sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.time = Math.max(this.time, due.at);
      due.run();
    }
    this.time = end;
    await settle();
  }

  get socket() {
    return this.sockets.at(-1);
  }

  async live(hello = {}) {
    this.client.start();
    await settle();
    this.socket.open();
    this.socket.hello(hello);
    await settle();
    assert.equal(this.client.state, "live");
    return this.socket;
  }

  verdicts() {
    return this.events.filter(({ type }) => type === "verdict");
  }
}

const asWord = (bytes) => new TextDecoder().decode(bytes.subarray(1));
const requestOf = (place) => new DataView(place.buffer).getUint32(1, true);
const sinceOf = (since) => new DataView(since.buffer).getUint32(1, true);

test("client starts with a board and follows its diffs", async () => {
  const world = new World();
  world.seq = 41;
  const socket = await world.live({ seq: 41 });
  assert.equal(socket.url, "wss://edge.example/api/v1/ws?since=41");
  assert.deepEqual(socket.protocols, ["stipple.v1"]);
  socket.say(messages.diffMessage(4, 41, 42, [[7, 3]]));
  assert.equal(world.client.board.get(7, 0), 3);
  assert.equal(world.client.board.seq, 42);
});

test("viewer asks for no session", async () => {
  const world = new World();
  await world.live();
  assert.equal(world.sessions, 0);
});

test("gap is answered by one SINCE a second", async () => {
  const world = new World();
  const socket = await world.live();
  socket.say(messages.diffMessage(4, 5, 6, []));
  socket.say(messages.diffMessage(4, 6, 7, []));
  assert.deepEqual(socket.of(0x82).map(sinceOf), [0]);
  await world.pass(1000);
  socket.say(messages.diffMessage(4, 7, 8, []));
  assert.equal(socket.of(0x82).length, 2);
});

test("RESYNC fetches the board and says SINCE", async () => {
  const world = new World();
  const socket = await world.live();
  world.seq = 90;
  world.pixels[3] = 9;
  socket.say(messages.resyncMessage(1));
  socket.say(messages.diffMessage(4, 0, 95, [[3, 1]]));
  await world.pass(1000);
  assert.equal(world.client.board.get(3, 0), 9);
  assert.deepEqual(socket.of(0x82).map(sinceOf), [90]);
  assert.equal(world.client.state, "live");
});

test("beat with another digest fetches the board again", async () => {
  const world = new World();
  const socket = await world.live();
  socket.say(messages.beatMessage(0, 12345));
  assert.equal(world.client.state, "healing");
  await world.pass(1000);
  assert.equal(world.requests.filter(([, path]) =>
    path === "/api/v1/board").length, 2);
  assert.equal(world.client.state, "live");
});

test("beat with the right digest or of another seq changes nothing", async () => {
  const world = new World();
  const socket = await world.live();
  socket.say(messages.beatMessage(0, 0, 77));
  socket.say(messages.beatMessage(1, 999));
  assert.equal(world.client.state, "live");
  assert.equal(world.events.at(-1).online, 1);
});

test("two beats ahead without a diff are asked after", async () => {
  const world = new World();
  const socket = await world.live();
  socket.say(messages.beatMessage(4, 1));
  assert.equal(socket.of(0x82).length, 0);
  socket.say(messages.beatMessage(4, 1));
  assert.equal(socket.of(0x82).length, 1);
});

test("stored token is said again and cooldown taken from HELLO", async () => {
  const world = new World({ "stipple.token": "kept" });
  const socket = await world.live();
  assert.equal(asWord(socket.of(0x83)[0]), "kept");
  socket.hello({ flags: 0, remaining: 60000 });
  assert.equal(world.client.cooldownLeft(), 60000);
  assert.equal(world.sessions, 0);
});

test("cooldown survives a reload", async () => {
  const world = new World({
    "stipple.cooldown_until": String(1_700_001_000_000 + 5000),
  });
  assert.equal(world.client.cooldownLeft(), 5000);
});

test("first placement signs in, then places", async () => {
  const world = new World();
  const socket = await world.live();
  world.client.place(1, 2, 3);
  await settle();
  assert.equal(asWord(socket.of(0x83)[0]), "token-1");
  assert.equal(socket.of(0x81).length, 0);
  socket.hello({ flags: 0 });
  const [place] = socket.of(0x81);
  assert.deepEqual([...place.subarray(5)], [1, 0, 2, 0, 3]);
  socket.say(messages.verdictMessage(requestOf(place), 0, 17, 300000));
  assert.equal(world.verdicts()[0].status, "ok");
  assert.equal(world.client.cooldownLeft(), 300000);
  assert.equal(world.stored.get("stipple.token"), "token-1");
});

test("one placement at a time", async () => {
  const world = new World({ "stipple.token": "kept" });
  const socket = await world.live();
  socket.hello({ flags: 0 });
  assert.equal(world.client.place(1, 1, 1), true);
  assert.equal(world.client.place(2, 2, 2), false);
  assert.equal(socket.of(0x81).length, 1);
});

test("lost connection sends the same request again, once", async () => {
  const world = new World({ "stipple.token": "kept" });
  const first = await world.live();
  first.hello({ flags: 0 });
  world.puts = Array(20).fill({ status: 0 });
  world.client.place(1, 1, 1);
  first.end(1006);
  await world.pass(20000);
  const second = world.socket;
  assert.notEqual(first, second);
  second.open();
  second.hello({ flags: 1 });
  assert.equal(second.of(0x81).length, 0);
  second.hello({ flags: 0 });
  second.hello({ flags: 0 });
  assert.equal(second.of(0x81).length, 1);
  assert.equal(requestOf(second.of(0x81)[0]), requestOf(first.of(0x81)[0]));
  second.say(messages.verdictMessage(requestOf(first.of(0x81)[0]), 9, 5, 1000));
  assert.equal(world.verdicts()[0].status, "duplicate");
});

test("unavailable is tried again under the same request, then told", async () => {
  const world = new World({ "stipple.token": "kept" });
  const socket = await world.live();
  socket.hello({ flags: 0 });
  world.client.place(1, 1, 1);
  const request = requestOf(socket.of(0x81)[0]);
  for (let n = 0; n < 6; n++) {
    assert.equal(socket.of(0x81).length, n + 1);
    socket.say(messages.verdictMessage(request, 8));
    for (let second = 0; second < 40 && socket.of(0x81).length === n + 1;
      second++) {
      socket.say(messages.beatMessage(0, 0));
      await world.pass(1000);
    }
  }
  assert.ok(socket.of(0x81).every((place) => requestOf(place) === request));
  assert.deepEqual(world.verdicts().map(({ status }) => status), ["unavailable"]);
});

test("bad token gets a new session for what is to be placed", async () => {
  const world = new World({ "stipple.token": "stale" });
  const first = await world.live();
  first.end(4401);
  assert.equal(world.client.token, null);
  assert.equal(world.stored.has("stipple.token"), false);
  await world.pass(20000);
  world.socket.open();
  world.socket.hello();
  world.client.place(1, 1, 1);
  await settle();
  assert.equal(asWord(world.socket.of(0x83)[0]), "token-1");
});

test("refused session gives the placement up with a verdict", async () => {
  const world = new World();
  world.failing.add("/api/v1/session");
  await world.live();
  world.client.place(1, 1, 1);
  await settle();
  assert.equal(world.verdicts()[0].status, "unavailable");
  assert.equal(world.client.pending, null);
});

test("service restart comes back within 5 s to the same edge", async () => {
  const world = new World();
  const first = await world.live();
  first.end(1012);
  assert.equal(world.client.state, "waiting");
  await world.pass(5000);
  assert.equal(new URL(world.socket.url).host, "edge.example");
  assert.notEqual(world.socket, first);
});

test("lost connection goes on at the next endpoint with since", async () => {
  const world = new World();
  const first = await world.live();
  first.say(messages.diffMessage(4, 0, 8, [[1, 1]]));
  first.end(1006);
  await world.pass(5000);
  assert.equal(world.socket.url, "wss://other.example/api/v1/ws?since=8");
});

test("waits grow between tries and end with HELLO", async () => {
  const world = new World();
  await world.live();
  const waits = [];
  for (let n = 0; n < 5; n++) {
    const before = world.time;
    const count = world.sockets.length;
    world.socket.end(1006);
    while (world.sockets.length === count) await world.pass(50);
    waits.push(world.time - before);
  }
  for (let n = 1; n < waits.length; n++) assert.ok(waits[n] > waits[n - 1]);
  world.socket.open();
  world.socket.hello();
  assert.equal(world.client.tries, 0);
});

test("silent edge is left after ten seconds", async () => {
  const world = new World();
  const first = await world.live();
  await world.pass(16000);
  assert.notEqual(world.socket, first);
});

test("malformed message ends the connection, not the page", async () => {
  const world = new World();
  const first = await world.live();
  first.say(Uint8Array.from([2, 1]));
  assert.equal(world.client.state, "waiting");
  await world.pass(5000);
  assert.notEqual(world.socket, first);
});

test("message of a later version is ignored", async () => {
  const world = new World();
  const socket = await world.live();
  socket.say(Uint8Array.from([0x40, 1, 2, 3]));
  assert.equal(world.client.state, "live");
});

test("board of another size is fetched again", async () => {
  const world = new World();
  world.client.start();
  await settle();
  world.socket.open();
  world.socket.say(messages.helloMessage({ width: 20, height: 20 }));
  assert.equal(world.client.state, "healing");
});

test("edge that is away at start is tried again", async () => {
  const world = new World();
  world.failing.add("/api/v1/board");
  world.client.start();
  await settle();
  assert.equal(world.client.state, "waiting");
  world.failing.clear();
  await world.pass(5000);
  assert.equal(world.sockets.length, 1);
});

test("fetch that never answers is given up, and tried again", async () => {
  for (const path of ["/api/v1/board", "/api/v1/config"]) {
    const world = new World();
    world.hanging.add(path);
    world.client.start();
    await world.pass(9000);
    assert.ok(world.events.some(({ state }) => state === "waiting"), path);
    world.hanging.clear();
    await world.pass(20000);
    assert.equal(world.sockets.length > 0, true, path);
  }
});

const demand = (challenge) =>
  ({ status: 403, code: "work_required", challenge, bits: 7 });

test("session that costs work is worked for, again if a proof is refused", async () => {
  const world = new World();
  const socket = await world.live();
  world.demands = [demand("one"), demand("two")];
  world.client.place(1, 1, 1);
  await settle();
  await settle();
  assert.deepEqual(world.proofs, [undefined,
    { challenge: "one", nonce: "one of 7" }, { challenge: "two", nonce: "two of 7" }]);
  assert.equal(asWord(socket.of(0x83)[0]), "token-1");
});

test("proofs that never count give the placement up", async () => {
  const world = new World();
  await world.live();
  world.demands = Array(20).fill(demand("no"));
  world.client.place(1, 1, 1);
  await settle();
  await settle();
  assert.equal(world.proofs.length, 4);
  assert.equal(world.keeper.worked, 3);
  assert.equal(world.verdicts()[0].status, "unavailable");
});

test("refused session that asks for no work is not worked for", async () => {
  const world = new World();
  await world.live();
  world.demands = [{ status: 403, code: "forbidden" }];
  world.client.place(1, 1, 1);
  await settle();
  assert.equal(world.proofs.length, 1);
  assert.equal(world.verdicts()[0].status, "unauthorized");
});

test("session that never answers gives the placement up", async () => {
  const world = new World();
  await world.live();
  world.hanging.add("/api/v1/session");
  world.client.place(1, 1, 1);
  for (let n = 0; n < 9; n++) {
    world.socket.say(messages.beatMessage(0, 0));
    await world.pass(1000);
  }
  assert.equal(world.verdicts()[0].status, "unavailable");
});

test("wall clock set back changes no interval", async () => {
  const world = new World({ "stipple.token": "kept" });
  const socket = await world.live();
  socket.hello({ flags: 0, remaining: 60000 });
  world.wallAhead -= 3_600_000;
  assert.equal(world.client.cooldownLeft(), 60000);
  socket.say(messages.beatMessage(0, 12345));
  await world.pass(1500);
  assert.equal(world.client.state, "live");
  assert.equal(world.requests.filter(([, path]) =>
    path === "/api/v1/board").length, 2);
});

test("stored cooldown is never longer than the canvas's", async () => {
  const world = new World({
    "stipple.cooldown_until": String(1_700_001_000_000 + 1e9),
  });
  await world.live({ cooldown: 300000 });
  assert.ok(world.client.cooldownLeft() <= 300000);
});

test("blocked sockets: the board is polled and PUT places", async () => {
  const world = new World({ "stipple.token": "kept" }, { noSockets: true });
  world.client.start();
  await settle();
  await world.pass(100);
  assert.equal(world.client.state, "blocked");
  world.pixels[7] = 3;
  world.seq = 1;
  await world.pass(11000);
  assert.equal(world.client.picture.get(7, 0), 3);
  world.client.place(1, 2, 1);
  await settle();
  assert.equal(world.put_requests.length, 1);
  assert.deepEqual(world.put_requests[0].body, { color: 1 });
  assert.equal(world.verdicts()[0].status, "ok");
  assert.equal(world.client.cooldownLeft(), 1000);
});

test("sockets that never say HELLO count as blocked", async () => {
  const world = new World();
  world.client.start();
  await world.pass(30000);
  assert.equal(world.client.state, "blocked");
  world.socket.open();
  world.socket.hello();
  assert.equal(world.client.state, "live");
});

test("verdict that does not come is asked for by PUT, as the same request",
  async () => {
    const world = new World({ "stipple.token": "kept" });
    const socket = await world.live();
    socket.hello({ flags: 0 });
    world.client.place(1, 2, 3);
    const request = requestOf(socket.of(0x81)[0]);
    for (let n = 0; n < 9; n++) {
      socket.say(messages.beatMessage(0, 0));
      await world.pass(1000);
    }
    assert.equal(world.put_requests.length, 1);
    assert.equal(world.put_requests[0].headers["Idempotency-Key"], String(request));
    assert.equal(world.verdicts().length, 1);
    socket.say(messages.verdictMessage(request, 9, 5));
    assert.equal(world.verdicts().length, 1);
  });

test("PUT's problems are verdicts", async () => {
  const problems = [
    [429, { code: "cooldown", retry_ms: 700 }, "cooldown"],
    [422, { code: "bad_color" }, "bad_color"], [403, { code: "banned" }, "banned"],
    [409, { code: "paused" }, "paused"], [418, {}, "refused"],
  ];
  for (const [status, body, word] of problems) {
    const world = new World({ "stipple.token": "kept" }, { noSockets: true });
    world.client.start();
    await world.pass(100);
    world.puts.push({ status, body });
    world.client.place(1, 2, 1);
    await settle();
    assert.equal(world.verdicts()[0]?.status, word);
  }
});

test("cancelled placement is waited for no longer", async () => {
  const world = new World({ "stipple.token": "kept" });
  const socket = await world.live();
  socket.hello({ flags: 0 });
  world.client.place(1, 2, 3);
  world.client.placement.cancel();
  assert.equal(world.client.pending, null);
  assert.equal(world.verdicts()[0].status, "cancelled");
  assert.equal(world.client.place(1, 2, 3), true);
});

test("full storage keeps nobody from placing", async () => {
  const world = new World();
  world.client.env.storage.setItem = () => { throw new Error("quota"); };
  const socket = await world.live();
  world.client.place(1, 2, 3);
  await settle();
  assert.equal(asWord(socket.of(0x83)[0]), "token-1");
  socket.hello({ flags: 0 });
  const [place] = socket.of(0x81);
  socket.say(messages.verdictMessage(requestOf(place), 0, 17, 300000));
  assert.equal(world.verdicts()[0].status, "ok");
});

test("another tab's token and cooldown are ours", async () => {
  const world = new World();
  const socket = await world.live({ cooldown: 300000 });
  world.client.session.heard("stipple.token", "of-the-other-tab");
  assert.equal(asWord(socket.of(0x83)[0]), "of-the-other-tab");
  world.client.session.heard("stipple.cooldown_until",
                             String(world.time + world.wallAhead + 5000));
  assert.equal(world.client.cooldownLeft(), 5000);
});

test("tab that signs in takes the token that another one just got", async () => {
  const world = new World();
  await world.live();
  world.stored.set("stipple.token", "first");
  world.client.place(1, 1, 1);
  await settle();
  assert.equal(world.sessions, 0);
  assert.equal(world.client.token, "first");
});

test("pixel changed in the keeper's memory is noticed and mended", async () => {
  const world = new World();
  const socket = await world.live();
  world.keeper.keeper.board.pixels[5] = 9;
  world.pixels[6] = 0;
  socket.say(messages.beatMessage(0, 0));
  await world.pass(1500);
  assert.equal(world.keeper.keeper.board.pixels[5], 0);
  assert.equal(world.client.state, "live");
});

test("pixel changed in the picture's memory is noticed and mended", async () => {
  const world = new World();
  const socket = await world.live();
  world.client.picture.pixels[5] = 9;
  socket.say(messages.beatMessage(0, 0));
  await world.pass(10);
  assert.equal(world.client.picture.pixels[5], 0);
});

test("offline is told at once, and the way back is too", async () => {
  const world = new World();
  const first = await world.live();
  world.client.offline();
  assert.equal(world.client.state, "offline");
  world.client.wake();
  assert.notEqual(world.socket, first);
});

test("page that nobody looks at rests, and comes back with its seq", async () => {
  const world = new World();
  const first = await world.live();
  first.say(messages.diffMessage(4, 0, 8, [[1, 1]]));
  world.client.setHidden(true);
  for (let n = 0; n < 31; n++) {
    first.say(messages.beatMessage(8, digestOf(world.client.picture.pixels)));
    await world.pass(1000);
  }
  assert.equal(world.client.state, "resting");
  world.client.setHidden(false);
  assert.equal(new URL(world.socket.url).searchParams.get("since"), "8");
});

test("verdict of a later version is a refusal", async () => {
  const world = new World({ "stipple.token": "kept" });
  const socket = await world.live();
  socket.hello({ flags: 0 });
  world.client.place(1, 1, 1);
  socket.say(messages.verdictMessage(requestOf(socket.of(0x81)[0]), 77));
  assert.equal(world.verdicts()[0].status, "unknown");
  assert.equal(world.client.pending, null);
});

test("board without a config is no start", async () => {
  const world = new World();
  world.failing.add("/api/v1/config");
  world.client.start();
  await settle();
  assert.equal(world.client.state, "waiting");
  world.failing.clear();
  await world.pass(5000);
  assert.equal(world.client.config.palette.length, 2);
});

test("verdict of an unknown status is a refusal, and not tried again", async () => {
  const world = new World({ "stipple.token": "kept" });
  const socket = await world.live();
  socket.hello({ flags: 0 });
  world.client.place(1, 1, 1);
  const request = requestOf(socket.of(0x81)[0]);
  socket.say(messages.verdictMessage(request, 200, 0, 7000));
  await world.pass(60000);
  assert.equal(socket.of(0x81).length, 1);
  assert.deepEqual(world.verdicts().map(({ status }) => status), ["unknown"]);
});

test("protected and too_late have their words", async () => {
  const world = new World({ "stipple.token": "kept" });
  const socket = await world.live();
  socket.hello({ flags: 0 });
  for (const [status, word] of [[10, "protected"], [11, "too_late"]]) {
    world.client.place(1, 1, 1);
    socket.say(messages.verdictMessage(requestOf(socket.of(0x81).at(-1)), status));
    assert.equal(world.verdicts().at(-1).status, word);
  }
});

test("what a moderator says is told, and changes no settings", async () => {
  const world = new World({ "stipple.token": "kept" });
  const socket = await world.live();
  socket.hello({ flags: 0 });
  const heard = [];
  for (const kind of ["banned", "message", "config"])
    world.client.listen(kind, (detail) => heard.push([kind, detail]));
  socket.say(messages.noticeMessage(2, { banned: true, until: 0, reason: "spam" }));
  socket.say(messages.noticeMessage(3, { text: "Five minutes left." }));
  socket.say(messages.noticeMessage(99, { paused: true }));
  assert.deepEqual(heard, [
    ["banned", { banned: true, until: 0, reason: "spam" }],
    ["message", { text: "Five minutes left." }],
  ]);
});
