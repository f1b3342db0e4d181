// SPDX-License-Identifier: Apache-2.0
//
// The connection to an edge, as a state machine without a DOM:
//
//     stopped ─start─▶ loading ─board─▶ connecting ─HELLO─▶ live ⇄ healing
//                         ▲                 ▲                 │
//                         └───── waiting ◀──┴────── closed ◀──┘
//
// and beside them: `blocked`, if HTTP works and WebSockets do not (the board is
// then fetched every ten seconds); `offline`, if the machine says so; `resting`,
// if nobody looks at the page.
//
// Everything outside is handed in (`env`), so that tests turn the time by hand:
//
//     fetch, WebSocket, storage, keeper, locks(name, run), origin ("https://…")
//     now() monotonic, wall() since 1970, random(), setTimeout, clearTimeout
//     breathe() ends a task; may be missing
//
// Events, to `listen(type, handler)`:
//     state {state, retryAt}   config {…}           board {picture}
//     pixels {indices, before} online {online}      cooldown {}
//     pending {x, y, color}    verdict {status, x, y, color, …}
//     player {readOnly}

import { Picture, blockDigest } from "./board.js";
import { getJson } from "./net.js";
import { Placement } from "./placement.js";
import { Session } from "./session.js";
import * as wire from "./wire.js";

const SILENCE_MS = 6000; // six beats
const SINCE_EVERY_MS = 1000;
const BOARD_EVERY_MS = 1000;
const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 15000;
const RESTART_SPREAD_MS = 5000;
const HELLO_MS = 6000;
const BLOCKED_AFTER = 2; // sockets in a row that never said HELLO
const POLL_MS = 10000;
const PACE_MS = 60000; // asked for while nobody looks
const REST_MS = 30000; // then the socket is not worth its bytes
const CODE_RESTART = 1012;
const CODE_BAD_TOKEN = 4401;

export class Client {
  constructor(env) {
    this.env = env;
    this.keeper = env.keeper;
    this.keeper.hear = (event) => this.kept(event);
    this.handlers = new Map();
    this.state = "stopped";
    this.retryAt = 0;
    /** @type {Picture | null} */
    this.picture = null;
    this.config = null;
    this.socket = null;
    this.readOnly = true;
    this.hidden = false;
    this.tries = 0;
    this.dumb = 0; // sockets in a row without HELLO
    this.endpoint = 0;
    this.behind = 0; // beats in a row that were ahead of the board
    this.sinceAt = -Infinity;
    this.boardAt = -Infinity;
    this.heardAt = 0;
    this.timer = null; // silence, or the next try
    this.pollTimer = null;
    this.restTimer = null;
    this.session = new Session(env, (what) => this.sessionChanged(what));
    this.placement = new Placement(env, this);
  }

  listen(type, handler) {
    if (!this.handlers.has(type)) this.handlers.set(type, []);
    this.handlers.get(type).push(handler);
  }

  emit(type, detail = {}) {
    for (const handler of this.handlers.get(type) ?? []) handler(detail);
  }

  setState(state) {
    this.state = state;
    this.emit("state", { state, retryAt: this.retryAt });
  }

  get board() { return this.picture; }
  get pending() { return this.placement.pending; }
  get token() { return this.session.token; }
  place(x, y, color) { return this.placement.begin(x, y, color); }
  cooldownLeft() { return this.session.cooldownLeft(); }

  // Coming and going

  async start() {
    this.stopped = false;
    this.setState("loading");
    try {
      const [config] = await Promise.all([
        getJson(this.env, "/api/v1/config"), this.loadBoard(),
      ]);
      if (this.stopped || this.state !== "loading") return;
      this.setConfig(config);
      await this.whole();
      await this.env.breathe?.();
    } catch {
      if (!this.stopped && this.state === "loading") this.retry();
      return;
    }
    if (this.state === "loading") this.connect();
  }

  stop() {
    this.stopped = true;
    this.drop();
    this.setState("stopped");
  }

  /// Tries again after a random wait; `spread` ms instead of the usual growth.
  retry(spread = 0) {
    const cap = Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** this.tries);
    const wait = spread ? this.env.random() * spread
      : RETRY_BASE_MS / 2 + this.env.random() * cap;
    this.tries = Math.min(this.tries + 1, 16);
    this.retryAt = this.env.now() + wait;
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => this.again(), wait);
    if (this.dumb >= BLOCKED_AFTER && this.picture) this.poll();
    else this.setState("waiting");
  }

  again() {
    if (this.stopped) return;
    if (this.picture && this.config) this.connect();
    else this.start();
  }

  /// Comes back at once: asked to, the network returned, or the page was woken.
  wake() {
    const idle = ["waiting", "offline", "resting", "blocked"];
    const trying = this.state === "blocked" && this.socket;
    if (!idle.includes(this.state) || this.stopped || trying) return;
    this.tries = 0;
    this.again();
  }

  offline() {
    if (this.stopped) return;
    this.drop();
    this.placement.interrupted();
    this.setState("offline");
  }

  /// Nobody looks at the page, or somebody does again.
  setHidden(hidden) {
    if (hidden === this.hidden) return;
    this.hidden = hidden;
    this.env.clearTimeout(this.restTimer);
    if (hidden) this.restTimer = this.env.setTimeout(() => this.rest(), REST_MS);
    else this.wake();
    this.pace();
    if (!hidden && this.state === "live") this.since();
  }

  rest() {
    if (this.pending || !this.picture) return;
    this.drop();
    this.setState("resting");
  }

  pace() {
    if (!this.config?.pace_max_ms) return;
    this.send(wire.encodePace(
      this.hidden ? Math.min(PACE_MS, this.config.pace_max_ms) : 0));
  }

  setConfig(config) {
    this.config = { ...this.config, ...config };
    this.session.limit(this.config.cooldown_ms);
    this.emit("config", this.config);
  }

  /// Asks for the board; the keeper tells when it is there.
  async loadBoard(fresh = false) {
    await this.keeper.fetch("/api/v1/board", fresh ? "reload" : "default");
    this.boardAt = this.env.now();
    this.loaded = new Promise((done, failed) => {
      this.boardCame = done;
      this.boardFailed = failed;
    });
    this.loaded.catch(() => {});
  }

  whole() {
    return this.loaded;
  }

  // The socket

  /// The origin first, then what the operator names to fall back on.
  url() {
    const own = this.env.origin.replace(/^http/, "ws") + "/api/v1/ws";
    const all = [own, ...(this.config?.endpoints ?? [])];
    const url = new URL(all[this.endpoint % all.length]);
    url.searchParams.set("since", String(this.picture.seq));
    return url.href;
  }

  connect() {
    const blocked = this.state === "blocked";
    this.drop(blocked);
    if (!blocked) this.setState("connecting");
    this.heardAt = this.env.now();
    let socket;
    try {
      socket = new this.env.WebSocket(this.url(), [wire.PROTOCOL]);
    } catch {
      this.dumb = BLOCKED_AFTER;
      this.endpoint++;
      this.retry();
      return;
    }
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.greeted = false;
    socket.onopen = () => this.authenticate();
    socket.onmessage = ({ data }) => {
      if (socket === this.socket) this.receive(data);
    };
    socket.onclose = ({ code }) => {
      if (socket === this.socket) this.closed(code);
    };
    this.watch(HELLO_MS);
  }

  /// Lets the socket go without a word from it.
  drop(polling = false) {
    const socket = this.socket;
    this.socket = null;
    this.env.clearTimeout(this.timer);
    if (!polling) this.env.clearTimeout(this.pollTimer);
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  send(bytes) {
    if (this.socket?.readyState === 1) this.socket.send(bytes);
  }

  authenticate() {
    if (this.token) this.send(wire.encodeAuth(this.token));
  }

  canSend() {
    return this.socket?.readyState === 1 && !this.readOnly;
  }

  isBlocked() {
    return this.state === "blocked";
  }

  /// A beat comes every second: who is silent for long is gone.
  watch(ms = this.silence()) {
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => {
      const left = this.heardAt + this.silence() - this.env.now();
      if (this.greeted && left > 0) {
        this.watch(left);
        return;
      }
      this.lost();
    }, ms);
  }

  silence() {
    return this.hidden && this.config?.pace_max_ms
      ? 2 * this.config.pace_max_ms : SILENCE_MS;
  }

  lost() {
    if (!this.greeted) this.dumb++;
    this.endpoint++;
    this.drop(this.state === "blocked");
    this.placement.interrupted();
    this.retry();
  }

  closed(code) {
    this.socket = null;
    this.env.clearTimeout(this.timer);
    this.placement.interrupted();
    if (!this.greeted && code !== CODE_BAD_TOKEN) this.dumb++;
    if (code === CODE_BAD_TOKEN) {
      this.session.forget();
      this.setReadOnly(true);
      this.placement.deliver();
    }
    if (code !== CODE_BAD_TOKEN && code !== CODE_RESTART) this.endpoint++;
    this.retry(code === CODE_RESTART ? RESTART_SPREAD_MS : 0);
  }

  /// No socket, but HTTP: the board every ten seconds, and tries in between.
  async poll() {
    this.env.clearTimeout(this.pollTimer);
    const socket = this.socket;
    try {
      await this.loadBoard();
      await this.whole();
    } catch {
      if (socket !== this.socket || this.greeted && this.socket) return;
      this.setState("waiting");
      this.pollTimer = this.env.setTimeout(() => this.poll(), POLL_MS);
      return;
    }
    if (this.stopped || ["live", "offline", "resting"].includes(this.state)) return;
    this.heardAt = this.env.now();
    if (this.state !== "blocked") this.setState("blocked");
    this.pollTimer = this.env.setTimeout(() => this.poll(), POLL_MS);
    this.placement.deliver();
  }

  // What the edge says

  receive(data) {
    this.heardAt = this.env.now();
    try {
      const bytes = new Uint8Array(data);
      if (bytes[0] === 0x02 || bytes[0] === 0x04) {
        // Left out meanwhile: they come again after SINCE.
        if (this.state !== "healing") this.keeper.message(bytes);
        return;
      }
      const event = wire.decodeEvent(bytes);
      if (event) this[`on_${event.type}`](event);
    } catch (error) {
      if (!(error instanceof wire.WireError)) throw error;
      this.malformed();
    }
  }

  malformed() {
    this.drop();
    this.placement.interrupted();
    this.retry();
  }

  on_hello(hello) {
    this.tries = this.dumb = 0;
    this.greeted = true;
    this.env.clearTimeout(this.pollTimer);
    this.watch();
    const { width, height, bits } = this.picture;
    if (hello.width !== width || hello.height !== height || hello.bits !== bits)
      this.refetch();
    else if (this.state !== "healing") this.setState("live");
    this.setConfig({ cooldown_ms: hello.cooldown_ms, paused: hello.paused });
    this.setReadOnly(hello.read_only);
    if (this.hidden) this.pace();
    if (this.readOnly) return;
    this.session.setCooldown(hello.cooldown_remaining_ms);
    this.placement.deliver();
  }

  setReadOnly(readOnly) {
    this.readOnly = readOnly;
    this.emit("player", { readOnly });
  }

  on_verdict(verdict) {
    this.placement.hear(verdict);
  }

  on_resync() {
    this.refetch(true);
  }

  /// Settings, or what a moderator did: `banned` {banned, reason}, `message` {text}.
  on_notice({ type: _type, kind, ...members }) {
    if (kind === "settings") this.setConfig(members);
    else this.emit(kind, members);
  }

  // What the keeper tells

  kept(event) {
    switch (event.type) {
    case "board": return this.keptBoard(event);
    case "patch": return this.keptPatch(event);
    case "beat": return this.keptBeat(event);
    case "gap": return this.since();
    case "graphics": return this.emit("graphics", event);
    default:
      this.boardFailed?.(new Error(event.text));
      if (this.state === "live") this.malformed();
    }
  }

  keptBoard(event) {
    this.picture = new Picture(event);
    this.emit("board", { picture: this.picture });
    this.boardCame?.();
  }

  keptPatch(event) {
    const { picture } = this;
    const before = Uint8Array.from(event.indices, (index) => picture.pixels[index]);
    picture.patch(event);
    if (event.indices.length)
      this.emit("pixels", { indices: event.indices, before });
    if (event.fetched) this.boardCame?.();
  }

  keptBeat({ seq, held, agrees, online, audit }) {
    this.emit("online", { online });
    if (this.state !== "live") return;
    if (!agrees) {
      this.refetch(true);
    } else if (seq > held) {
      if (++this.behind > 1) this.since();
    } else {
      this.behind = 0;
    }
    // Our copy is at `held`, too: what it shows has to prove the same.
    const { pixels } = this.picture;
    const same = [...audit.digests].every((digest, n) =>
      digest === blockDigest(pixels, audit.first + n));
    if (!same) this.keeper.resend();
  }

  since() {
    const now = this.env.now();
    if (now - this.sinceAt < SINCE_EVERY_MS) return;
    this.sinceAt = now;
    this.send(wire.encodeSince(this.picture.seq));
  }

  /// Another board, then on from there.
  async refetch(fresh = false) {
    if (this.state === "healing") return;
    const socket = this.socket;
    this.setState("healing");
    const wait = this.boardAt + BOARD_EVERY_MS - this.env.now();
    try {
      if (wait > 0)
        await new Promise((done) => this.env.setTimeout(done, wait));
      await this.loadBoard(fresh);
      await this.whole();
    } catch {
      if (socket !== this.socket) return;
      this.drop();
      this.retry();
      return;
    }
    if (socket !== this.socket || !socket) return;
    this.behind = 0;
    this.sinceAt = this.env.now();
    this.send(wire.encodeSince(this.picture.seq));
    this.setState("live");
  }

  // The player

  sessionChanged(what) {
    if (what === "token") this.authenticate();
    this.emit("cooldown");
  }
}
