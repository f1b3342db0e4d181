// SPDX-License-Identifier: Apache-2.0
//
// One placement at a time, sent until it is decided, always under one request
// number, so that it cannot be placed twice: by the socket, and by PUT if the
// socket is blocked, late or silent.

import { ask } from "./net.js";
import * as wire from "./wire.js";

const REPEAT_BASE_MS = 1000;
const REPEATS = 5;
const SOCKET_MS = 3000; // for a socket that is not there yet
const VERDICT_MS = 8000; // an edge answers within 6 s

/// What a problem's code means as a verdict.
const CODES = new Set(["cooldown", "out_of_bounds", "bad_color", "banned",
  "paused", "unauthorized", "rate_limited", "unavailable", "protected"]);

export class Placement {
  /// `line` is the client: {canSend(), send(bytes), session, emit(type, …)}.
  constructor(env, line) {
    this.env = env;
    this.line = line;
    this.request = Math.floor(env.random() * 2 ** 32);
    this.pending = null; // {request, x, y, color, since, sent, putting, repeats}
    this.timer = null;
    this.renewed = false;
  }

  /// False if one is under way.
  begin(x, y, color) {
    if (this.pending) return false;
    this.request = (this.request + 1) >>> 0;
    this.pending = {
      request: this.request, x, y, color, since: this.env.now(), sent: false,
      putting: false, repeats: 0,
    };
    this.renewed = false;
    this.line.emit("pending", this.pending);
    this.deliver();
    return true;
  }

  /// Stops waiting. What was sent may be placed all the same.
  cancel() {
    this.conclude({ status: "cancelled", seq: 0 });
  }

  /// The connection went: what was sent on it has to be sent again.
  interrupted() {
    if (this.pending) this.pending.sent = false;
  }

  /// The socket, if there is one; else PUT, in a while or at once if `now`.
  async deliver(now = false) {
    const { pending, line } = this;
    if (!pending || pending.putting) return;
    if (!line.session.token && !await this.signIn(pending)) return;
    if (pending !== this.pending || pending.putting) return;
    if (!pending.sent && line.canSend()) {
      pending.sent = true;
      line.send(wire.encodePlace(pending));
      this.later(VERDICT_MS);
    } else if (now || line.isBlocked()) {
      this.put(pending);
    } else if (!pending.sent) {
      this.later(SOCKET_MS);
    }
  }

  later(ms) {
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => this.deliver(true), ms);
  }

  async signIn(pending) {
    if (pending.signing) return false;
    pending.signing = true;
    const result = await this.line.session.signIn();
    pending.signing = false;
    if (pending !== this.pending) return false;
    if (result === "ok") {
      this.line.authenticate();
      return true;
    }
    this.conclude({ status: result, seq: 0 });
    return false;
  }

  async put(pending) {
    pending.putting = true;
    let verdict;
    try {
      verdict = await ask(
        this.env, `/api/v1/pixels/${pending.x}/${pending.y}`, readVerdict, {
          method: "PUT",
          headers: {
            Authorization: `Bearer ${this.line.session.token}`,
            "Content-Type": "application/json",
            "Idempotency-Key": String(pending.request),
          },
          body: JSON.stringify({ color: pending.color }),
        });
    } catch {
      verdict = { status: "unreachable", seq: 0, cooldown_remaining_ms: null };
    }
    pending.putting = false;
    if (pending === this.pending) this.judge(verdict);
  }

  /// A VERDICT of the socket.
  hear(verdict) {
    if (this.pending?.request === verdict.request) this.judge(verdict);
  }

  judge(verdict) {
    const { pending } = this;
    if (verdict.status === "unreachable") {
      pending.sent = false;
      this.later(REPEAT_BASE_MS * 2);
    } else if (verdict.status === "unavailable" && pending.repeats < REPEATS) {
      this.repeat(pending);
    } else if (verdict.status === "unauthorized" && !this.renewed) {
      // The token ran out: once more with another, if there is one to be had.
      this.renewed = true;
      this.line.session.forget();
      pending.sent = false;
      this.deliver();
    } else {
      this.conclude(verdict);
    }
  }

  /// Refused only for now: the same request again, a few times.
  repeat(pending) {
    const wait = REPEAT_BASE_MS * 2 ** pending.repeats++;
    this.env.clearTimeout(this.timer);
    this.timer = this.env.setTimeout(() => {
      pending.sent = false;
      if (pending === this.pending) this.deliver();
    }, wait / 2 + this.env.random() * wait / 2);
    this.line.emit("pending", pending);
  }

  conclude(verdict) {
    const { pending } = this;
    this.env.clearTimeout(this.timer);
    this.pending = null;
    if (!pending) return;
    if (Number.isFinite(verdict.cooldown_remaining_ms))
      this.line.session.setCooldown(verdict.cooldown_remaining_ms);
    this.line.emit("verdict", { ...pending, ...verdict });
  }
}

/// PUT's answer as a verdict.
async function readVerdict(answer) {
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return {
    status: "ok", seq: body.seq, cooldown_remaining_ms: body.cooldown_ms,
  };
  const status = CODES.has(body.code) ? body.code
    : answer.status >= 500 ? "unavailable"
      : answer.status === 401 ? "unauthorized" : "refused";
  return {
    status, seq: 0, reason: body.detail,
    cooldown_remaining_ms: status === "cooldown" ? body.retry_ms : null,
  };
}
