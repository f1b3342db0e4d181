// SPDX-License-Identifier: Apache-2.0
//
// Each state of the page as a sentence: what is so, what still works, and what a
// visitor can do. Pure: a snapshot in, {id, tone, text, values, action} out; the
// words are in strings.js.

export const STALE_MS = 2500; // a beat comes each second

/**
 * @typedef {{id: string, tone: "good" | "busy" | "bad", values?: object,
 *            action?: string}} Sentence
 */

/**
 * The connection, told from what is known of it.
 * @returns {Sentence}
 */
export function connectionSentence({ state, retryIn, silentMs, hasBoard, asOf,
                                     paceMs = 0 }) {
  switch (state) {
  case "stopped":
  case "loading":
    return { id: "loading", tone: "busy" };
  case "connecting":
    return hasBoard ? { id: "connecting", tone: "busy", values: { asOf } }
      : { id: "loading", tone: "busy" };
  case "healing":
    return { id: "healing", tone: "busy" };
  case "offline":
    return { id: "offline", tone: "bad", values: { asOf } };
  case "resting":
    return { id: "resting", tone: "busy", values: { asOf } };
  case "blocked":
    return { id: "blocked", tone: "busy" };
  case "waiting":
    return {
      id: hasBoard ? "waiting" : "away", tone: "bad", action: "try_now",
      values: { seconds: Math.max(0, Math.ceil(retryIn / 1000)), asOf },
    };
  default:
    return silentMs > Math.max(STALE_MS, 2 * paceMs)
      ? { id: "stale", tone: "busy", values: { seconds: Math.floor(silentMs / 1000) } }
      : { id: "live", tone: "good" };
  }
}

/// What keeps this visitor from placing, or what placing is doing; the first
/// that is true. {id, tone, values, action} as above; `can` says if the button
/// places.
export function placingSentence(s) {
  if (s.past) return say("past", "busy", { action: "to_now" });
  if (s.sending) return say("sending", "busy", {
    action: s.sendingMs > 5000 ? "cancel" : undefined });
  if (s.eventState === "before") return say("not_begun", "busy", { values: s });
  if (s.eventState === "after") return say("over", "busy");
  if (s.paused) return say("paused", "busy", { values: s,
    key: s.announcement ? "paused_words" : "paused" });
  if (s.banned) return say("banned", "bad", { values: s,
    key: s.reason ? "banned_reason" : "banned" });
  if (s.signedOut) return say("read_only", "busy", {
    action: s.loginUrl ? "sign_in" : undefined });
  if (s.cooldownMs > 0) return say("cooling", "busy", {
    values: s, action: s.noticeWanted ? undefined : "tell_me" });
  return { id: "ready", tone: "good", can: true };
}

/**
 * @param {string} id
 * @param {string} tone
 * @param {{values?: object, action?: string, key?: string}} more
 */
function say(id, tone, more = {}) {
  const { values, action, key } = more;
  return { id, tone, values, action, key, can: false };
}

/// before | open | after, by the config's `event`.
export function eventState(event, now) {
  if (!event) return "open";
  if (event.opens_at && now < event.opens_at) return "before";
  if (event.closes_at && now >= event.closes_at) return "after";
  return "open";
}
