// SPDX-License-Identifier: Apache-2.0
//
// A list of placements that a moderator looked up, page after page.

import { el, tint } from "../dom.js";
import { agoText, colorName, t } from "../strings.js";
import { refusalText } from "./deed.js";

/// `look(before)` asks for a page; `wants` says what a row shows: "user", "place".
export function placementList(desk, look, wants) {
  const list = el("ul", { class: "list" });
  const more = el("button", { type: "button", class: "button", hidden: true }, t("more"));
  const box = el("div", {}, el("p", { class: "soft" }, t("loading_more")));
  let before = null;

  async function add() {
    more.hidden = true;
    const page = await look(before);
    if (!page.ok) {
      box.replaceChildren(list, el("p", { class: "soft", role: "alert" }, t("search_failed"),
                                   " ", refusalText(page)),
                          el("div", { class: "buttons" }, el("button", {
                            type: "button", onclick: add }, t("try_now"))));
      return;
    }
    list.append(...page.placements.map((one) => row(desk, one, wants)));
    before = page.next ?? null;
    more.hidden = !before;
    box.replaceChildren(list.childElementCount ? list
      : el("p", { class: "soft" }, t("nothing_found")), more);
  }

  more.addEventListener("click", add);
  add();
  return box;
}

function row({ app, ...desk }, { user, x, y, color, at }, wants) {
  const { palette } = app.store.state;
  const small = (text, onclick, title) => el("button", {
    type: "button", class: "small", onclick, title }, text);
  return el("li", {}, tint(palette[color]),
    el("span", { class: "sr" }, colorName(palette, color)),
    wants.includes("place") ? small(t("pixel_at", { x, y }), () =>
      app.placing.goTo({ x, y }), null) : null,
    wants.includes("user") ? small(user.slice(0, 8), () => desk.toUser(user), user) : null,
    el("span", { class: "when" }, agoText(Math.max(0, Date.now() - at))));
}
