// SPDX-License-Identifier: Apache-2.0
//
// Taking back: what somebody placed, or what was placed in a box, since some time. What
// it would change is shown first; what others placed since stays.

import { cornersOf } from "../box.js";
import { choice, el } from "../dom.js";
import { agoText, t } from "../strings.js";
import { confirmDeed, refusalText } from "./deed.js";

const MINUTE = 60000;
const SINCE = {
  since_ever: null, since_10m: 10 * MINUTE, since_1h: 60 * MINUTE, since_1d: 1440 * MINUTE,
};

/// Shows, asks, does; true if it was done. `refused` is told why it cannot be shown.
async function takeBack({ app, admin }, { method, path, body, asked, done, refused }) {
  // Of a DELETE the wish stands in the query, else in the body.
  const send = (wish, told) => method === "DELETE"
    ? admin.long(method, `${path}?${new URLSearchParams(wish)}`, null, told)
    : admin.long(method, path, { ...body, ...wish }, told);
  const shown = await send({ preview: true }, () => {})();
  if (!shown.ok) {
    refused(refusalText(shown));
    return false;
  }
  const wish = { yes: true, ...body.reason && method === "DELETE" && { reason: body.reason } };
  const answer = await confirmDeed({
    text: [asked, t("would_change", shown), shown.spared ? t("would_stay", shown) : ""].filter(Boolean).join(" "),
    label: t("take_back_do"),
    run: (tell) => send(wish, ({ placed }) => placed && tell(t("placed_so_far", { placed })))(),
  });
  if (answer) app.toast(t(answer.proposal ? "proposed" : done), answer.proposal ? "" : "good");
  return Boolean(answer);
}

/// A form; `named()` is what is meant, {user} or {box} or both, and in words.
export function rollbackForm(desk, named) {
  const since = choice(t("take_back_since"), Object.fromEntries(
    Object.keys(SINCE).map((key) => [key, t(key)])), "since_ever", () => {});
  const select = since.querySelector("select");
  select.id = "rollback-since";
  const wrong = el("p", { role: "alert", class: "wrong" });
  const button = el("button", { id: "rollback" }, t("take_back"));
  return el("form", { onsubmit: async (event) => {
    event.preventDefault();
    const { user, box, text } = named();
    const age = SINCE[select.value];
    button.disabled = true;
    wrong.textContent = "";
    await takeBack(desk, {
      method: "POST", path: "rollbacks", done: "taken_back",
      asked: t("take_back_ask", { text }),
      body: { ...user && { user }, ...box && { box: cornersOf(box) },
              ...age && { from: Date.now() - age } },
      refused: (why) => { wrong.textContent = why; },
    });
    button.disabled = false;
  } }, since, wrong, el("div", { class: "buttons" }, button));
}

/// Those that hold, each with a way to undo it.
export function rollbackList(desk, rollbacks, refresh) {
  const wrong = el("p", { role: "alert", class: "wrong" });
  const row = (one) => el("li", {}, el("span", {}, whatOf(one)), el("button", {
    type: "button", class: "small", onclick: async () => {
      wrong.textContent = "";
      const done = await takeBack(desk, {
        method: "DELETE", path: `rollbacks/${one.seq}`, done: "restored", body: {},
        asked: t("restore_ask"), refused: (why) => { wrong.textContent = why; },
      });
      if (done) refresh();
    },
  }, t("restore")));
  return rollbacks.length ? [el("ul", { class: "list", id: "rollbacks" }, ...rollbacks.map(row)),
                             wrong] : [el("p", { class: "soft" }, t("nothing_found"))];
}

/// Those that wait for a second person; `user` is the reader, who cannot be both.
export function proposalList(desk, proposals, user, refresh) {
  const row = (one) => el("li", {}, el("span", {}, [whatOf(one), one.text].filter(Boolean).join(" · ")),
    one.by === user ? el("span", { class: "when" }, t("own_proposal")) : el("button", {
      type: "button", class: "small", onclick: async () => {
        const run = desk.admin.long("POST", `proposals/${one.proposal}`, null, () => {});
        const answer = await confirmDeed({
          text: t("approve_ask", { by: one.by.slice(0, 8), what: whatOf(one), pixels: one.pixels }),
          label: t("approve_do"), run,
        });
        if (answer) desk.app.toast(t("approved"), "good");
        refresh();
      },
    }, t("approve")));
  return proposals.length ? [el("h3", {}, t("proposals")),
                             el("ul", { class: "list", id: "proposals" }, ...proposals.map(row))] : [];
}

function whatOf({ user, box, from, undo }) {
  const [x0, y0, x1, y1] = box ?? [];
  return [undo && t("undo_of", { undo }),
          user && t("user_head", { user: user.slice(0, 8) }),
          box && t("box_text", { x0, y0, x1, y1 }),
          from && agoText(Math.max(0, Date.now() - from))].filter(Boolean).join(", ");
}
