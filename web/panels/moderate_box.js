// SPDX-License-Identifier: Apache-2.0
//
// A box: who placed in it, and keeping it as it is.

import { reaches } from "../admin.js";
import { cornersOf, sightOf, sizeOf } from "../box.js";
import { el, takeFocus } from "../dom.js";
import { t } from "../strings.js";
import { boxFields } from "./box_fields.js";
import { placementList } from "./moderate_list.js";
import { rollbackForm } from "./moderate_rollback.js";

const asBox = ([x0, y0, x1, y1]) => ({ x0, y0, x1, y1 });

export function boxPart(room, desk) {
  const { app } = desk;
  const operator = reaches(app.client.session.roles(), "operator");
  const size = el("p", { class: "soft", id: "box-size" });
  const found = el("div"), regions = el("div");
  let held = [], open = true;

  const fields = boxFields(app, (box) => {
    desk.box = box;
    size.textContent = box ? t("box_size", sizeOf(box)) : t("box_none");
    for (const part of [acts, rollback])
      for (const button of part.querySelectorAll("button")) button.disabled = !box;
    found.replaceChildren();
    draw();
  });
  const acts = el("div", { class: "buttons" },
    el("button", { type: "button", id: "box-who", onclick: () => showFound(found, desk) },
       t("who_in_box")),
    operator ? el("button", { type: "button", id: "protect", onclick: () =>
      protect(desk, reason.value).then(refresh) }, t("protect")) : null,
    operator ? el("button", { type: "button", id: "unprotect", onclick: () =>
      unprotect(desk, desk.box).then(refresh) }, t("unprotect")) : null);
  const reason = el("input", { type: "text", id: "box-reason", class: "wide", maxlength: 120 });

  const rollback = rollbackForm(desk, () => ({
    box: desk.box, text: t("what_box", { box: t("box_text", desk.box) }) }));

  function draw() {
    app.view.show({ boxes: [...held, ...desk.box ? [{ ...desk.box, drawn: true }] : []] });
  }

  async function refresh() {
    const policy = await desk.admin.get("regions");
    if (!open || !policy.ok) return;
    held = policy.regions.map(({ box }) => asBox(box));
    draw();
    const head = el("h3", { tabindex: -1 }, t("regions"));
    regions.replaceChildren(head, ...held.length
      ? [el("ul", { class: "list", id: "regions" }, ...held.map((box) =>
        regionRow(desk, box, operator, refresh)))]
      : [el("p", { class: "soft" }, t("no_regions"))]);
    takeFocus(head);
  }

  room.append(fields.element, size,
    operator ? el("div", {}, el("label", { for: "box-reason" }, t("reason")), reason) : "",
    acts, operator ? "" : el("p", { class: "soft" }, t("needs_operator")), rollback, found, regions);
  fields.set(desk.box);
  refresh();
  return () => {
    open = false;
    fields.end();
    app.view.show({ boxes: [] });
  };
}

function showFound(found, desk) {
  const box = cornersOf(desk.box).join();
  const look = (before) => desk.admin.get("search", { box, limit: 50, before });
  const toUser = (user) => {
    desk.user = user;
    desk.show("people");
  };
  found.replaceChildren(placementList({ ...desk, toUser }, look, ["place", "user"]));
}

function protect(desk, reason) {
  return desk.deed({
    text: t("protect_ask", { box: t("box_text", desk.box) }), label: t("protect_do"),
    done: "protected_done", method: "POST", path: "regions",
    body: { box: cornersOf(desk.box), ...reason && { reason } },
  });
}

function unprotect(desk, box) {
  return desk.deed({
    text: t("unprotect_ask", { box: t("box_text", box) }), label: t("unprotect_do"),
    done: "unprotected_done", method: "DELETE", path: `regions/${cornersOf(box).join()}`,
  });
}

function regionRow(desk, box, operator, refresh) {
  const { view } = desk.app;
  const look = () => {
    const { x, y, scale } = sightOf(box, view.camera.room());
    view.flyTo(x, y, scale);
  };
  const small = (text, onclick) => el("button", { type: "button", class: "small", onclick }, text);
  return el("li", {}, el("span", {}, t("box_text", box)), small(t("look"), look),
            operator ? small(t("unprotect"), () => unprotect(desk, box).then(refresh)) : null);
}
