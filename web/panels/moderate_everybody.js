// SPDX-License-Identifier: Apache-2.0
//
// What concerns everybody: a notice, the lock, what was taken back, and what moderators
// did.

import { reaches } from "../admin.js";
import { el, takeFocus } from "../dom.js";
import { agoText, t } from "../strings.js";
import { refusalText } from "./deed.js";
import { proposalList, rollbackList } from "./moderate_rollback.js";

export function everybodyPart(room, desk) {
  const operator = reaches(desk.app.client.session.roles(), "operator");
  const lock = el("div"), audit = el("div"), rollbacks = el("div"), proposals = el("div");
  let open = true;

  async function refresh() {
    const [policy, deeds] = await Promise.all([
      desk.admin.get("regions"), desk.admin.get("audit", { limit: 20 }),
    ]);
    const waiting = policy.proposals ?? [];
    const user = waiting.length ? await desk.admin.user() : null;
    if (!open) return;
    lock.replaceChildren(...policy.ok ? lockRows(desk, policy.locked, operator, refresh)
      : [el("p", { class: "soft" }, refusalText(policy))]);
    proposals.replaceChildren(...proposalList(desk, waiting, user, refresh));
    rollbacks.replaceChildren(...policy.ok
      ? rollbackList(desk, policy.rollbacks, refresh) : []);
    takeFocus(lock.querySelector("button"));
    audit.replaceChildren(deeds.ok ? auditList(deeds.actions)
      : el("p", { class: "soft" }, refusalText(deeds)));
  }

  room.append(noticeForm(desk, refresh), proposals, el("h3", {}, t("lock_head")), lock,
              el("h3", {}, t("rollbacks")), rollbacks, el("h3", {}, t("audit")), audit);
  refresh();
  return () => { open = false; };
}

function noticeForm(desk, refresh) {
  const input = el("textarea", { id: "notice", class: "wide", maxlength: 250, rows: 3,
                                 required: true });
  return el("form", { onsubmit: async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    const done = text && await desk.deed({
      text: t("notice_ask", { text }), label: t("send_do"), done: "notice_done",
      method: "POST", path: "notice", body: { text },
    });
    if (!done) return;
    input.value = "";
    refresh();
  } }, el("h3", {}, t("notice")), el("label", { for: "notice" }, t("notice_label")), input,
  el("div", { class: "buttons" }, el("button", { id: "send-notice" }, t("send"))));
}

function lockRows(desk, locked, operator, refresh) {
  const word = locked ? "unlock" : "lock";
  return [
    el("p", { id: "lock-state" }, t(locked ? "locked_now" : "unlocked_now")),
    operator ? el("div", { class: "buttons" }, el("button", {
      type: "button", id: "lock", onclick: async () => {
        const done = await desk.deed({
          text: t(`${word}_ask`), label: t(`${word}_do`), done: `${word}ed_done`,
          method: "POST", path: word,
        });
        if (done) refresh();
      },
    }, t(`${word}_all`))) : el("p", { class: "soft" }, t("needs_operator")),
  ];
}

function auditList(actions) {
  const what = ({ verb, refused, by, user, box, text }) => [
    refused ? t("audit_refused", { verb: refused, by: by.slice(0, 8) })
      : t("audit_row", { verb, by: by.slice(0, 8) }),
    user?.slice(0, 8), box?.join(), text,
  ].filter(Boolean).join(" · ");
  return el("ul", { class: "list", id: "audit" }, ...actions.map((one) => el(
    "li", {}, el("span", {}, what(one)),
    el("span", { class: "when" }, agoText(Math.max(0, Date.now() - one.at))))));
}
