// SPDX-License-Identifier: Apache-2.0
//
// People: who placed on the chosen pixel, all that somebody placed, and banning them.

import { $, choice, el, takeFocus, toggle } from "../dom.js";
import { currentLocale, t } from "../strings.js";
import { placementList } from "./moderate_list.js";
import { rollbackForm } from "./moderate_rollback.js";

const SETTLE_MS = 400; // a phone's chosen pixel changes while the board moves
const MINUTE = 60000;
const ENDS = {
  in_10m: 10 * MINUTE, in_1h: 60 * MINUTE, in_1d: 1440 * MINUTE, in_7d: 7 * 1440 * MINUTE,
};

const timeText = (ms) => new Date(ms).toLocaleString(currentLocale());

export function peoplePart(room, desk) {
  return desk.user ? oneUser(room, desk) : onePixel(room, desk);
}

function toUser(desk, user) {
  desk.user = user;
  desk.show("people");
}

// The pixel

function onePixel(room, desk) {
  const { store } = desk.app;
  let timer = null, shown = null;
  const list = el("div");
  room.append(list, userForm(desk));
  takeFocus($("moderate-people")); // a field would bring a phone's keyboard up
  const unwatch = store.watch("selected", ({ selected }) => {
    const key = selected && `${selected.x},${selected.y}`;
    if (key && key === shown) return;
    shown = key;
    clearTimeout(timer);
    if (!selected) list.replaceChildren(el("p", { class: "soft" }, t("choose_pixel")));
    else timer = setTimeout(() => showPixel(list, desk, selected), SETTLE_MS);
  });
  return () => {
    unwatch();
    clearTimeout(timer);
  };
}

function showPixel(list, desk, { x, y }) {
  const look = (before) => desk.admin.get("who", { x, y, limit: 20, before });
  list.replaceChildren(el("h3", {}, t("here_placed", { x, y })), placementList(
    { ...desk, toUser: (user) => toUser(desk, user) }, look, ["user"]));
}

function userForm(desk) {
  const input = el("input", {
    type: "text", id: "moderate-user", autocomplete: "off", autocapitalize: "off",
    spellcheck: "false", maxlength: 16, class: "wide",
  });
  const wrong = el("p", { role: "alert", class: "soft" });
  return el("form", { onsubmit: (event) => {
    event.preventDefault();
    const user = input.value.trim().toLowerCase();
    if (/^[0-9a-f]{16}$/.test(user)) toUser(desk, user);
    else wrong.textContent = t("user_bad");
  } }, el("label", { for: "moderate-user" }, t("user_label")),
  el("div", { class: "row" }, input, el("button", { class: "button" }, t("show"))), wrong);
}

// The user

function oneUser(room, desk) {
  const { user } = desk;
  let open = true;
  const ban = el("div");
  const look = (before) => desk.admin.get("user", { user, limit: 50, before });
  const back = el("button", { type: "button", class: "small", onclick: () =>
    toUser(desk, null) }, t("other_user"));
  const head = el("h3", { id: "moderate-who", tabindex: -1 }, t("user_head", { user }));
  room.append(
    head, back, ban,
    ...userRollback(desk), el("h3", {}, t("placed_by_user")), placementList(desk, look, ["place"]));

  async function refresh() {
    const policy = await desk.admin.get("bans");
    if (!open) return;
    const held = policy.ok ? policy.bans.find((one) => one.user === user) : null;
    ban.replaceChildren(...held ? heldBan(desk, held, refresh) : [banForm(desk, refresh)]);
    takeFocus(head);
  }

  takeFocus(head);
  refresh();
  return () => { open = false; };
}

/// All of theirs; only in a box, if one is chosen.
function userRollback(desk) {
  const { user, box } = desk;
  const where = box && t("box_text", box);
  let inBox = false;
  return [
    box ? toggle(t("only_in_box", { box: where }), false, (value) => { inBox = value; }) : "",
    rollbackForm(desk, () => inBox ? { user, box, text: t("what_both", { user, box: where }) }
      : { user, text: t("what_user", { user }) }),
  ];
}

function heldBan(desk, { user, until }, refresh) {
  return [
    el("p", { id: "ban-state" }, until ? t("is_banned", { end: timeText(until) })
      : t("is_banned_ever")),
    el("div", { class: "buttons" }, el("button", { type: "button", onclick: async () => {
      const done = await desk.deed({
        text: t("unban_ask", { user }), label: t("unban_do"), done: "unbanned_done",
        method: "DELETE", path: `bans/${user}`,
      });
      if (done) refresh();
    } }, t("unban"))),
  ];
}

function banForm(desk, refresh) {
  const { user } = desk;
  const time = el("input", { type: "datetime-local", "aria-label": t("time_label") });
  const times = el("div", { class: "row", hidden: true }, time);
  const end = choice(t("until"), Object.fromEntries(
    [...Object.keys(ENDS), "for_ever", "at_time"].map((key) => [key, t(key)])), "in_1d",
                     (value) => { times.hidden = value !== "at_time"; });
  const select = end.querySelector("select");
  select.id = "ban-end";
  const reason = el("input", { type: "text", id: "ban-reason", class: "wide", maxlength: 120 });
  const wrong = el("p", { role: "alert", class: "soft" });

  /// The time of the end; 0: never; null if it is over.
  function until() {
    if (select.value === "for_ever") return 0;
    if (select.value !== "at_time") return Date.now() + ENDS[select.value];
    const at = Date.parse(time.value);
    return at > Date.now() ? at : null;
  }

  return el("form", { onsubmit: async (event) => {
    event.preventDefault();
    const at = until();
    wrong.textContent = at === null ? t("time_bad") : "";
    if (at === null) return;
    const done = await desk.deed({
      text: t("ban_ask", { user, end: at ? t("ban_end", { end: timeText(at) })
        : t("ban_end_ever") }),
      label: t("ban_do"), done: "banned_done", method: "POST", path: "bans",
      body: { user, ...at && { until: at }, ...reason.value && { reason: reason.value } },
    });
    if (done) refresh();
  } }, end, times, el("label", { for: "ban-reason" }, t("reason_told")), reason, wrong,
  el("div", { class: "buttons" }, el("button", { id: "ban", class: "main" }, t("ban"))));
}
