// SPDX-License-Identifier: Apache-2.0
//
// The connection to an edge, as a state machine without a DOM:
//
//     stopped ─start─▶ loading ─board─▶ connecting ─HELLO─▶ live ⇄ healing
//                         ▲                 ▲                 │
//                         └───── waiting ◀──┴────── closed ◀──┘
//
// It keeps the board exact (diffs in order; SINCE on a gap; a fresh board on
// RESYNC or a wrong digest), the session's token and the cooldown in storage,
// and sends a placement until it is decided, under one request id. Everything
// outside is handed in (`env`), so that tests turn the time by hand:
//
//     fetch, WebSocket, storage, now(), random(), setTimeout, clearTimeout,
//     origin ("https://host")
//
// Events, to `listen(type, handler)`:
//     state {state, text}      config {…}           board {board}
//     pixels {indices}         online {online}      cooldown {until}
//     pending {x, y, color}    verdict {status, x, y, color, …}
//     player {readOnly}

import { Board } from "./board.js";
import * as wire from "./wire.js";

const TOKEN_KEY = "stipple.token";
const COOLDOWN_KEY = "stipple.cooldown_until";
const SILENCE_MS = 10000;
const SINCE_EVERY_MS = 1000;
const BOARD_EVERY_MS = 1000;
const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 15000;
const RESTART_SPREAD_MS = 5000;
const REPEAT_BASE_MS = 1000;
const REPEATS = 5;
const CODE_RESTART = 1012;
const CODE_BAD_TOKEN = 4401;

export class Client {
  constructor(env) {
    this.env = env;
    this.handlers = new Map();
    this.state = "stopped";
    this.board = null;
    this.config = null;
    this.socket = null;
    this.readOnly = true;
    this.tries = 0;
    this.endpoint = 0;
    this.behind = 0; // beats in a row that were ahead of the board
    this.sinceAt = -Infinity;
    this.boardAt = -Infinity;
    this.heardAt = 0;
    this.request = Math.floor(env.random() * 2 ** 32);
    this.pending = null; // {request, x, y, color, sent, repeats}
    this.token = env.storage.getItem(TOKEN_KEY);
    this.cooldownUntil = Number(env.storage.getItem(COOLDOWN_KEY)) || 0;
    this.timer = null;
    this.repeatTimer = null;
  }

  listen(type, handler) {
    if (!this.handlers.has(type)) this.handlers.set(type, []);
    this.handlers.get(type).push(handler);
  }

  emit(type, detail) {
    for (const handler of this.handlers.get(type) ?? []) handler(detail);
  }

  setState(state, text = "") {
    this.state = state;
    this.emit("state", { state, text });
  }

  // Coming and going

  async start() {
    this.stopped = false;
    this.setState("loading");
    try {
      await this.loadConfig();
      await this.loadBoard();
    } catch (error) {
      this.retry(String(error?.message ?? error));
      return;
    }
    this.connect();
  }

  stop() {
    this.stopped = true;
    this.env.clearTimeout(this.timer);
    this.env.clearTimeout(this.repeatTimer);
    this.drop();
    this.setState("stopped");
  }

  /// Tries again after a random wait; `spread` ms instead of the usual growth.
  retry(text, spread = 0) {
    const cap = Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** this.tries);
    const wait = spread ? this.env.random() * spread
      : RETRY_BASE_MS / 2 + this.env.random() * cap;
    this.tries = Math.min(this.tries + 1, 16);
    this.setState("waiting", text);
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => {
      if (this.stopped) return;
      if (this.board) this.connect();
      else this.start();
    }, wait);
  }

  /// Comes back at once: the network returned, or the page was woken.
  wake() {
    if (this.state !== "waiting" || this.stopped) return;
    this.env.clearTimeout(this.timer);
    this.tries = 0;
    if (this.board) this.connect();
    else this.start();
  }

  async getJson(path) {
    const answer = await this.env.fetch(path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }

  async loadConfig() {
    this.setConfig(await this.getJson("/api/v1/config"));
  }

  setConfig(config) {
    this.config = { ...this.config, ...config };
    this.emit("config", this.config);
  }

  async loadBoard(fresh = false) {
    const answer = await this.env.fetch("/api/v1/board",
                                        { cache: fresh ? "reload" : "default" });
    if (!answer.ok) throw new Error(`board: ${answer.status}`);
    const parsed = wire.parseBoard(new Uint8Array(await answer.arrayBuffer()));
    this.boardAt = this.env.now();
    if (this.board) this.board.load(parsed);
    else this.board = new Board(parsed);
    this.emit("board", { board: this.board });
  }

  // The socket

  /// The origin first, then what the operator names to fall back on.
  url() {
    const own = this.env.origin.replace(/^http/, "ws") + "/api/v1/ws";
    const all = [own, ...(this.config?.endpoints ?? [])];
    const url = new URL(all[this.endpoint % all.length]);
    url.searchParams.set("since", this.board.seq);
    return url.href;
  }

  connect() {
    this.drop();
    this.setState("connecting");
    const socket = new this.env.WebSocket(this.url(), [wire.PROTOCOL]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heardAt = this.env.now();
    socket.onopen = () => this.token && this.send(wire.encodeAuth(this.token));
    socket.onmessage = ({ data }) => {
      if (socket === this.socket) this.receive(data);
    };
    socket.onclose = ({ code }) => {
      if (socket === this.socket) this.closed(code);
    };
    this.watch();
  }

  /// Lets the socket go without a word from it.
  drop() {
    const socket = this.socket;
    this.socket = null;
    this.env.clearTimeout(this.timer);
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  send(bytes) {
    if (this.socket?.readyState === 1) this.socket.send(bytes);
  }

  /// A beat comes every second: who is silent for long is gone.
  watch() {
    this.timer = this.env.setTimeout(() => {
      if (this.env.now() - this.heardAt < SILENCE_MS) {
        this.watch();
        return;
      }
      this.endpoint++;
      this.drop();
      this.retry("no answer");
    }, SILENCE_MS / 2);
  }

  closed(code) {
    this.socket = null;
    this.env.clearTimeout(this.timer);
    if (this.pending) this.pending.sent = false;
    if (code === CODE_BAD_TOKEN) {
      this.forgetToken();
      if (this.pending) this.signIn();
    }
    if (code !== CODE_BAD_TOKEN && code !== CODE_RESTART) this.endpoint++;
    this.retry("connection lost", code === CODE_RESTART ? RESTART_SPREAD_MS : 0);
  }

  // What the edge says

  receive(data) {
    this.heardAt = this.env.now();
    try {
      const event = wire.decodeEvent(new Uint8Array(data));
      if (event) this[`on_${event.type}`](event);
    } catch (error) {
      if (!(error instanceof wire.WireError)) throw error;
      this.drop();
      this.retry("malformed message");
    }
  }

  on_hello(hello) {
    this.tries = 0;
    this.readOnly = hello.read_only;
    const { width, height, bits } = this.board;
    if (hello.width !== width || hello.height !== height || hello.bits !== bits)
      this.refetch();
    else if (this.state === "connecting") this.setState("live");
    this.setConfig({ cooldown_ms: hello.cooldown_ms, paused: hello.paused });
    this.emit("player", { readOnly: this.readOnly });
    if (this.readOnly) return;
    this.setCooldown(hello.cooldown_remaining_ms);
    this.sendPending();
  }

  on_diff(diff) {
    if (this.state === "healing") return;
    const { result, indices } = this.board.apply(diff);
    if (result === "applied") this.emit("pixels", { indices });
    else if (result === "gap") this.since();
  }

  on_beat(beat) {
    this.emit("online", { online: beat.online });
    if (this.state === "healing") return;
    if (beat.seq === this.board.seq) {
      this.behind = 0;
      if (beat.digest !== this.board.digest) this.refetch(true);
    } else if (beat.seq > this.board.seq && ++this.behind > 1) {
      this.since();
    }
  }

  on_resync() {
    this.refetch();
  }

  on_notice(notice) {
    const { type, kind, ...config } = notice;
    if (kind === "settings") this.setConfig(config);
  }

  since() {
    const now = this.env.now();
    if (now - this.sinceAt < SINCE_EVERY_MS) return;
    this.sinceAt = now;
    this.send(wire.encodeSince(this.board.seq));
  }

  /// Another board, then on from there. Diffs are left out meanwhile: they
  /// come again after SINCE.
  async refetch(fresh = false) {
    if (this.state === "healing") return;
    const socket = this.socket;
    this.setState("healing");
    const wait = this.boardAt + BOARD_EVERY_MS - this.env.now();
    try {
      if (wait > 0)
        await new Promise((done) => this.env.setTimeout(done, wait));
      await this.loadBoard(fresh);
    } catch (error) {
      if (socket !== this.socket) return;
      this.drop();
      this.retry(String(error?.message ?? error));
      return;
    }
    if (socket !== this.socket || !socket) return;
    this.behind = 0;
    this.sinceAt = this.env.now();
    this.send(wire.encodeSince(this.board.seq));
    this.setState("live");
  }

  // The player

  forgetToken() {
    this.token = null;
    this.readOnly = true;
    this.env.storage.removeItem(TOKEN_KEY);
    this.emit("player", { readOnly: true });
  }

  /// A new anonymous identity, used on this connection at once. Its answer's
  /// code where there is none to be had.
  async signIn() {
    let answer, body;
    try {
      answer = await this.env.fetch("/api/v1/session", { method: "POST" });
      body = await answer.json();
    } catch {
      return this.refuse("unavailable");
    }
    if (!answer.ok)
      return this.refuse(answer.status === 403 ? "unauthorized"
        : answer.status === 429 ? "rate_limited" : "unavailable");
    this.token = body.token;
    this.env.storage.setItem(TOKEN_KEY, body.token);
    this.send(wire.encodeAuth(body.token));
  }

  /// The placement that waits is given up, with a verdict of our own.
  refuse(status) {
    const pending = this.pending;
    this.pending = null;
    if (pending) this.emit("verdict", { ...pending, status, seq: 0 });
  }

  setCooldown(remaining) {
    this.cooldownUntil = remaining ? this.env.now() + remaining : 0;
    this.env.storage.setItem(COOLDOWN_KEY, String(this.cooldownUntil));
    this.emit("cooldown", { until: this.cooldownUntil });
  }

  cooldownLeft() {
    return Math.max(0, this.cooldownUntil - this.env.now());
  }

  /// False where one is under way already.
  place(x, y, color) {
    if (this.pending) return false;
    this.request = (this.request + 1) >>> 0;
    this.pending = {
      request: this.request, x, y, color, sent: false, repeats: 0,
    };
    this.emit("pending", this.pending);
    if (!this.token) this.signIn();
    else this.sendPending();
    return true;
  }

  sendPending() {
    const pending = this.pending;
    if (!pending || pending.sent || this.readOnly) return;
    if (this.socket?.readyState !== 1) return;
    pending.sent = true;
    this.send(wire.encodePlace(pending));
  }

  on_verdict(verdict) {
    const pending = this.pending;
    if (!pending || pending.request !== verdict.request) return;
    if (this.repeats(verdict)) return;
    this.pending = null;
    if (verdict.status === "unauthorized") this.forgetToken();
    this.setCooldown(verdict.cooldown_remaining_ms);
    this.emit("verdict", { ...pending, ...verdict });
  }

  /// Refused only for now: the same request again, a few times. It cannot be
  /// placed twice, for its id stays the same.
  repeats({ status }) {
    const pending = this.pending;
    if (status !== "unavailable" || pending.repeats === REPEATS) return false;
    const wait = REPEAT_BASE_MS * 2 ** pending.repeats++;
    this.repeatTimer = this.env.setTimeout(() => {
      pending.sent = false;
      if (pending === this.pending) this.sendPending();
    }, wait / 2 + this.env.random() * wait / 2);
    this.emit("pending", pending);
    return true;
  }
}
