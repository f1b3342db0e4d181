// SPDX-License-Identifier: Apache-2.0
//
// Top left: is this live, and who else looks. A sentence if it is not, with what
// can be done about it.

import { $, setText } from "../dom.js";
import { connectionSentence } from "../sentences.js";
import { clockText, currentLocale, t } from "../strings.js";

const DIMMED = new Set(["waiting", "offline", "away"]);

export function createStatus({ client, store, settings, act }) {
  $("sentence-act").addEventListener("click", () =>
    act($("sentence-act").dataset.action));
  $("announcement-close").addEventListener("click", () => {
    settings.set("dismissed", $("announcement-text").textContent);
    showEvent(store.state, settings);
  });
  $("sign-in").addEventListener("click", () => act("sign_in"));

  store.watch("connection now retryAt picture past reason config", (state) => {
    const now = performance.now();
    const sentence = connectionSentence({
      state: state.connection, retryIn: client.retryAt - now,
      // Only if it is said: the first formatting of a time costs much.
      asOf: () => new Date(Date.now() - (now - client.heardAt))
        .toLocaleTimeString(currentLocale()),
      silentMs: now - client.heardAt, hasBoard: Boolean(state.picture),
    });
    $("status").dataset.state = state.connection;
    $("status").dataset.tone = sentence.tone;
    setText($("connection"), t(`short_${sentence.id}`));
    const dim = DIMMED.has(sentence.id) && Boolean(state.picture);
    document.body.classList.toggle("dimmed", dim);
    showSentence(state.past && sentence.id === "live"
      ? { id: "past", tone: "busy", action: "to_now" } : sentence);
  });

  store.watch("online connection language", ({ online, connection }) => {
    $("viewers").hidden = !online || connection !== "live";
    if (online) setText($("viewers"), t("viewers", { count: online }));
  });

  store.watch("config message now language", (state) => showEvent(state, settings));
}

/** @param {import("../sentences.js").Sentence} sentence */
function showSentence({ id, tone, values, action }) {
  const box = $("sentence");
  box.hidden = id === "live";
  box.dataset.tone = tone;
  box.dataset.id = id;
  if (id !== "live") setText($("sentence-text"), t(id, values));
  const button = $("sentence-act");
  button.hidden = !action;
  if (!action) return;
  button.dataset.action = action;
  setText(button, t(action));
}

/// The event's name and clock, and what the operator announces.
function showEvent({ config, message }, settings) {
  const event = config?.event;
  const now = Date.now();
  $("event").hidden = !event?.name;
  if (event?.name) {
    const [key, at] = now < event.opens_at ? ["event_opens", event.opens_at]
      : now < event.closes_at ? ["event_closes", event.closes_at] : [null, 0];
    const clock = key && at - now < 36e5 * 48 ? t(key, { clock: clockText(at - now) })
      : key ? new Date(at).toLocaleString(currentLocale()) : "";
    setText($("event"), [event.name, clock].filter(Boolean).join(" · "));
  }
  const text = message || event?.announcement || "";
  $("announcement").hidden = !text || text === settings.get("dismissed");
  if (text) setText($("announcement-text"), text);
}

