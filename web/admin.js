// SPDX-License-Identifier: Apache-2.0
//
// What moderators ask of the server, and do (docs/protocol.md, /api/v1/admin/). Each
// answer is {ok: true, …members} or {ok: false, code, detail}; an action keeps its
// number, so that trying it again never does it twice. No DOM.

import { ask } from "./net.js";

const API = "/api/v1/", BASE = `${API}admin/`;
const WAIT_MS = 15000; // an edge asks for 10 s while brokers fail over
const PAUSE_MS = 500; // and an edge itself waits for some seconds
const TIMES_MAX = 60;
const RANKS = ["viewer", "player", "moderator", "operator", "owner"];

export const MODERATORS = RANKS.slice(2);

/// Whether one of the roles reaches `least`.
export const reaches = (roles, least) =>
  roles.some((role) => RANKS.indexOf(role) >= RANKS.indexOf(least));

/// Refusals that may be another's a moment later.
export const mayTryAgain = ({ ok, code }) =>
  !ok && ["unavailable", "rate_limited", "unanswered"].includes(code);

export class Admin {
  /// `env` as in client.js; `token()` is the bearer's now.
  constructor(env, token) {
    this.env = env;
    this.token = token;
  }

  /// What the leader knows.
  get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) =>
      value !== null && value !== undefined);
    const text = new URLSearchParams(given.map(([name, value]) =>
      [name, String(value)])).toString();
    return this.send("GET", text ? `${path}?${text}` : path, {});
  }

  /// An action, to be run, and run again if nobody answered.
  action(method, path, body = null) {
    const key = 1 + Math.floor(this.env.random() * 0xfffffffe);
    return () => this.send(method, path, {
      headers: { "Idempotency-Key": String(key), "Content-Type": "application/json" },
      ...body && { body: JSON.stringify(body) },
    });
  }

  /// An action that may take longer than an edge waits: the same request joins what is
  /// under way, until it has ended; `told(job)` hears how far it is.
  long(method, path, body, told) {
    const run = this.action(method, path, body);
    return async () => {
      for (let n = 0; n < TIMES_MAX; n++) {
        const answer = await run();
        if (!answer.ok || !answer.state || answer.state === "done") return answer;
        if (answer.state === "refused")
          return { ok: false, code: answer.code, detail: answer.error };
        told(answer);
        await new Promise((done) => { this.env.setTimeout(done, PAUSE_MS); });
      }
      return { ok: false, code: "unanswered" };
    };
  }

  /// The bearer's own number; null if it cannot be had.
  async user() {
    return (await this.send("GET", "me", {}, API)).user ?? null;
  }

  async send(method, path, { headers = {}, ...more }, base = BASE) {
    try {
      return await ask(this.env, base + path, readAnswer, {
        method, ...more, headers: { ...headers, Authorization: `Bearer ${this.token()}` },
      }, WAIT_MS);
    } catch {
      return { ok: false, code: "unanswered" };
    }
  }
}

async function readAnswer(answer) {
  const members = await answer.json().catch(() => null);
  if (answer.ok && members) return { ...members, ok: true };
  return { ok: false, code: members?.code ?? "unavailable", detail: members?.detail };
}
