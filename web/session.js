// SPDX-License-Identifier: Apache-2.0
//
// Who plays here, and when they may place again: one identity and one cooldown
// for all tabs of a browser. Intervals are told by the monotonic clock; the wall
// clock only carries them from one tab, or one visit, to another.

import { ask } from "./net.js";

const TOKEN_KEY = "stipple.token";
const USER_KEY = "stipple.user";
const COOLDOWN_KEY = "stipple.cooldown_until";
const LOCK = "stipple.session";
const SEEN_MS = 200;
const PROOFS = 3; // that may be refused: too late, or by another address

export class Session {
  /// `changed(what)` is called with "token" or "cooldown" if another tab
  /// changed it, and with "cooldown" if we did.
  constructor(env, changed) {
    this.env = env;
    this.changed = changed;
    this.token = this.read(TOKEN_KEY);
    this.user = this.read(USER_KEY);
    this.cooldownEnd = 0; // by env.now()
    this.longest = Infinity; // no cooldown is longer than the canvas's setting
    this.recall(this.read(COOLDOWN_KEY));
  }

  /// The setting is known: what was stored may have been nonsense.
  limit(cooldownMs) {
    this.longest = cooldownMs;
    if (this.cooldownLeft() <= cooldownMs) return;
    this.cooldownEnd = this.env.now() + cooldownMs;
    this.changed("cooldown");
  }

  recall(text) {
    const left = Number(text) - this.env.wall();
    this.cooldownEnd = left > 0
      ? this.env.now() + Math.min(left, this.longest) : 0;
  }

  /// A `storage` event: another tab wrote `value`.
  heard(key, value) {
    if (key === COOLDOWN_KEY) {
      this.recall(value);
      this.changed("cooldown");
    } else if (key === USER_KEY) {
      this.user = value;
    } else if (key === TOKEN_KEY && value !== this.token) {
      this.token = value;
      this.changed("token");
    }
  }

  setCooldown(remaining) {
    this.cooldownEnd = remaining ? this.env.now() + remaining : 0;
    this.write(COOLDOWN_KEY, remaining ? String(this.env.wall() + remaining) : "0");
    this.changed("cooldown");
  }

  cooldownLeft() {
    return Math.max(0, this.cooldownEnd - this.env.now());
  }

  /// An identity provider's, or a new anonymous one.
  adopt(token, user = "") {
    this.token = token;
    this.user = user;
    this.write(TOKEN_KEY, token);
    this.write(USER_KEY, user);
  }

  forget() {
    if (this.read(TOKEN_KEY) === this.token) {
      this.write(TOKEN_KEY, null);
      this.write(USER_KEY, null);
    }
    this.token = this.user = null;
  }

  /// Sees to it that there is a token: "ok", or why there is none. Tabs that ask
  /// at once get the same one: the lock is kept until the others see what was
  /// written, since each has a copy of the storage that is a little behind.
  signIn() {
    return new Promise((done) => {
      this.env.locks(LOCK, async () => {
        const stored = this.read(TOKEN_KEY);
        if (stored && stored !== this.token) {
          this.token = stored;
          this.user = this.read(USER_KEY);
          done("ok");
          return;
        }
        done(await this.askForOne());
        await new Promise((seen) => { this.env.setTimeout(seen, SEEN_MS); });
      });
    });
  }

  async askForOne() {
    try {
      let body;
      for (let left = PROOFS; ; left--) {
        const { result, challenge, bits } = await this.post(body);
        if (result || !left) return result ?? "unavailable";
        const nonce = await this.env.keeper.work(challenge, bits);
        body = JSON.stringify({ challenge, nonce });
      }
    } catch {
      return "unavailable";
    }
  }

  /// {result}, or the {challenge, bits} that an identity costs here.
  post(body) {
    return ask(this.env, "/api/v1/session", async (answer) => {
      if (answer.ok) {
        const { token, user } = await answer.json();
        this.adopt(token, user);
        return { result: "ok" };
      }
      const said = await answer.json().catch(() => ({}));
      if (said.code === "work_required") return said;
      return { result: answer.status === 403 ? "unauthorized"
        : answer.status === 429 ? "rate_limited" : "unavailable" };
    }, { method: "POST", body });
  }

  /// The token's own claims; an empty object if they cannot be read. For what
  /// is offered only: the edge decides.
  claims() {
    try {
      const part = this.token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
      const bytes = Uint8Array.from(atob(part), (c) => c.charCodeAt(0));
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return {};
    }
  }

  /// A word or a list of words in the token, as protocol.md has it.
  roles() {
    return [this.claims().roles].flat().filter((role) => typeof role === "string");
  }

  // A full or forbidden storage costs only the next visit.

  read(key) {
    try {
      return this.env.storage.getItem(key);
    } catch {
      return null;
    }
  }

  write(key, value) {
    try {
      if (value === null) this.env.storage.removeItem(key);
      else this.env.storage.setItem(key, value);
    } catch {
      // Kept in memory.
    }
  }
}
